//! Logs in to a Parlor as fast as it answers, and hashes beside it. usage: login HOST:PORT SECONDS

use std::{
    io::{Error, Result},
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Params, Version};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinSet,
};

const CLIENTS: [usize; 3] = [1, 8, 32];
const PASSWORD: &str = "correct horse battery staple";

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().ok_or_else(|| Error::other("which HOST:PORT?"))?;
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(10);
    let span = Duration::from_secs(seconds);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    for account in 0..CLIENTS[CLIENTS.len() - 1] {
        Client::open(&host)
            .await?
            .post("/api/v1/auth/register", &account_of(account))
            .await?;
    }
    let token = log_in(&mut Client::open(&host).await?, 0).await?;

    let one = hashes(1, span);
    let all = hashes(threads, span);
    println!("Argon2id, 19 MiB, 2 passes: {one:.1} hashes/s on one thread, {all:.1} on {threads}\n");
    let idle = probe(&host, &token, Instant::now() + span).await?;
    println!(
        "GET /api/v1/me with nothing beside it: p50 {:.2} ms, p99 {:.2} ms\n",
        at(&idle, 50),
        at(&idle, 99)
    );
    println!(
        "{:>8} {:>10} {:>8} {:>10} {:>10} {:>16}",
        "clients", "logins/s", "ratio", "p50 ms", "p99 ms", "GET /me p99 ms"
    );
    for clients in CLIENTS {
        let started = Instant::now();
        let (logins, me) = tokio::join!(
            storm(&host, clients, started + span),
            probe(&host, &token, started + span)
        );
        let (logins, me) = (logins?, me?);
        let rate = logins.len() as f64 / started.elapsed().as_secs_f64();
        let bare = if clients < threads { one } else { all };
        println!(
            "{clients:>8} {rate:>10.1} {:>8.2} {:>10.1} {:>10.1} {:>16.2}",
            rate / bare,
            at(&logins, 50),
            at(&logins, 99),
            at(&me, 99)
        );
    }
    Ok(())
}

fn account_of(number: usize) -> Value {
    json!({ "email": format!("bench{number}@example.com"), "password": PASSWORD })
}

/// Hashes per second, with Parlor's parameters.
fn hashes(threads: usize, span: Duration) -> f64 {
    let started = Instant::now();
    let hash_on = |_| {
        thread::spawn(move || {
            let params = Params::new(19_456, 2, 1, None).expect("Parlor's own parameters");
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let mut count = 0_u32;
            while started.elapsed() < span {
                let mut hash = [0; 32];
                let hashed = argon2.hash_password_into(PASSWORD.as_bytes(), &[7; 16], &mut hash);
                count += u32::from(hashed.is_ok());
            }
            count
        })
    };
    let running: Vec<_> = (0..threads).map(hash_on).collect();
    let count: u32 = running.into_iter().map(|thread| thread.join().unwrap_or(0)).sum();
    f64::from(count) / started.elapsed().as_secs_f64()
}

/// Logs in until `end`; milliseconds of each login, sorted.
async fn storm(host: &str, clients: usize, end: Instant) -> Result<Vec<f64>> {
    let mut running = JoinSet::new();
    for number in 0..clients {
        let host = host.to_owned();
        running.spawn(async move {
            let mut client = Client::open(&host).await?;
            let mut times = Vec::new();
            while Instant::now() < end {
                let asked = Instant::now();
                log_in(&mut client, number).await?;
                times.push(milliseconds(asked));
            }
            Ok::<_, Error>(times)
        });
    }
    let mut all = Vec::new();
    while let Some(times) = running.join_next().await {
        all.extend(times.map_err(Error::other)??);
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}

/// Asks for `/me` a hundred times a second until `end`; milliseconds of each answer, sorted.
async fn probe(host: &str, token: &str, end: Instant) -> Result<Vec<f64>> {
    let mut client = Client::open(host).await?;
    let mut times = Vec::new();
    while Instant::now() < end {
        let asked = Instant::now();
        client.get("/api/v1/me", token).await?;
        times.push(milliseconds(asked));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// The percentile of sorted times.
fn at(times: &[f64], percent: usize) -> f64 {
    times
        .get((times.len() * percent / 100).min(times.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}

async fn log_in(client: &mut Client, number: usize) -> Result<String> {
    let answer = client.post("/api/v1/auth/login", &account_of(number)).await?;
    let token = answer["access_token"].as_str().map(str::to_owned);
    token.ok_or_else(|| Error::other(format!("no token in {answer}")))
}

/// One kept connection; as little of HTTP as Parlor's JSON answers need.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    async fn open(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    async fn get(&mut self, path: &str, token: &str) -> Result<Value> {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n"
        ))
        .await
    }

    async fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        let body = body.to_string();
        let length = body.len();
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    async fn send(&mut self, request: &str) -> Result<Value> {
        self.stream.write_all(request.as_bytes()).await?;
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line).await?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        if !status.starts_with('2') {
            return Err(Error::other(format!("{status}: {}", String::from_utf8_lossy(&body))));
        }
        serde_json::from_slice(&body).map_err(Error::other)
    }
}
