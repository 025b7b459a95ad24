//! The built server, killed.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::json;

use crate::support::{Actor, TestDatabase, kinds, text, until};

/// An OpenAI-compatible server that says a word every 30 ms, for as long as anybody listens.
fn endless_provider() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            std::thread::spawn(move || talk(connection));
        }
    });
    url
}

fn talk(mut connection: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    let mut length = 0;
    for line in reader.by_ref().lines() {
        let line = line.ok()?.to_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    reader.take(length).read_to_end(&mut Vec::new()).ok()?;
    connection
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        .ok()?;
    for word in 0.. {
        let chunk = json!({ "choices": [{ "index": 0, "delta": { "content": format!("word{word} ") } }] });
        connection.write_all(format!("data: {chunk}\n\n").as_bytes()).ok()?;
        std::thread::sleep(Duration::from_millis(30));
    }
    None
}

struct Server {
    process: Child,
    base: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    async fn start(port: u16, folder: &std::path::Path, database: &TestDatabase, provider: &str) -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_parlor"))
            .env("PARLOR_BIND", format!("127.0.0.1:{port}"))
            .env("PARLOR_DATA_DIR", folder)
            .env("PARLOR_MODELS_DIR", folder.join("models"))
            .env("PARLOR_GENERATIONS_LEASE_S", "5")
            .env("PARLOR_HTTP_SHUTDOWN_GRACE_S", "1")
            .env("DATABASE_URL", database.url())
            .env("OPENAI_BASE_URL", provider)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let base = format!("http://127.0.0.1:{port}");
        let server = Self { process, base };
        until("the server lives", async || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })
        .await;
        until("the server is ready", async || {
            server.anon().get("/ready").await.status == 200
        })
        .await;
        server
    }

    fn anon(&self) -> Actor {
        Actor::new(&self.base)
    }

    fn signal(&self, signal: &str) {
        Command::new("kill")
            .args([signal, &self.process.id().to_string()])
            .status()
            .unwrap();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn chat_4_what_a_reader_saw_survives_kill_9_and_the_answer_can_go_on() {
    let (folder, database, provider) = (
        tempfile::tempdir().unwrap(),
        TestDatabase::create().await,
        endless_provider(),
    );
    let port = free_port();
    let mut server = Server::start(port, folder.path(), &database, &provider).await;
    server.anon().register("ada@example.org").await;
    let ada = server.anon().log_in("ada@example.org").await;
    let chat = ada.chat().await;
    let mut reader = ada.say_streamed(&chat, "I live in Lisbon. Count for me.").await;
    let mut seen = Vec::new();
    while seen.len() < 12 {
        seen.push(reader.next().await.unwrap());
    }
    server.process.kill().unwrap();
    server.process.wait().unwrap();
    seen.extend(reader.rest().await);
    drop(server);
    let server = Server::start(port, folder.path(), &database, &provider).await;
    let ada = server.anon().log_in("ada@example.org").await;
    let message = seen[0].data["message_id"].as_str().unwrap().to_owned();
    // On PostgreSQL it might be another node's: then its lease must have run out first.
    let all = ada.join(&chat, &message, None).await.rest().await;
    assert_eq!(
        all[..seen.len()],
        seen[..],
        "what the reader saw is there, in its order"
    );
    let last = seen.last().unwrap().id;
    let resumed = ada.join(&chat, &message, Some(last)).await.rest().await;
    assert_eq!(resumed[..], all[seen.len()..], "and a reader resumes after it");
    assert_eq!(kinds(&all)[all.len() - 2..], ["error", "done"]);
    let end = &all.last().unwrap().data["message"];
    assert_eq!(
        (&end["status"], end["content"].as_str().unwrap()),
        (&json!("interrupted"), text(&all).as_str())
    );
    let memories = ada.get("/api/v1/memories").await.json();
    assert!(
        memories.to_string().contains("I live in Lisbon"),
        "what was learned with the message is there too"
    );
    // Going on, and a stop in its middle: SIGTERM ends it in order.
    let path = format!("/api/v1/chats/{chat}/messages/{message}");
    let mut more = crate::support::Events::open(ada.request(reqwest::Method::POST, &format!("{path}/continue"))).await;
    more.until("delta").await;
    server.signal("-TERM");
    let end = more.rest().await.pop().unwrap();
    assert_eq!(
        (end.kind.as_str(), &end.data["message"]["status"]),
        ("done", &json!("interrupted"))
    );
}

#[tokio::test]
async fn two_servers_never_share_one_sqlite_file() {
    let (folder, database, provider) = (
        tempfile::tempdir().unwrap(),
        TestDatabase::create().await,
        endless_provider(),
    );
    if database.is_postgres() {
        // There they may, and the lease decides whose answers are alive.
        return;
    }
    let _first = Server::start(free_port(), folder.path(), &database, &provider).await;
    let second = Command::new(env!("CARGO_BIN_EXE_parlor"))
        .env("PARLOR_BIND", format!("127.0.0.1:{}", free_port()))
        .env("PARLOR_DATA_DIR", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(
        !second.status.success() && said.contains("another Parlor is using"),
        "{said}"
    );
}
