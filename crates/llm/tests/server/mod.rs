//! A web server of a few lines that sends exactly the bytes it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// One thing the server does.
#[derive(Clone)]
pub enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Keeps the connection open and says nothing.
    Hang,
}

#[derive(Clone)]
pub struct Request {
    pub head: String,
    pub body: String,
}

type Plan = dyn Fn(&Request) -> Vec<Step> + Send + Sync;

pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    hung_up: Receiver<()>,
}

impl Server {
    /// Answers every request by the steps that `plan` makes of it, then closes the connection.
    pub fn new(plan: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (tell, hung_up) = channel();
        let (plan, seen): (Arc<Plan>, _) = (Arc::new(plan), requests.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (plan, seen, tell) = (plan.clone(), seen.clone(), tell.clone());
                thread::spawn(move || serve(stream.unwrap(), &*plan, &seen, &tell));
            }
        });
        Self {
            address,
            requests,
            hung_up,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Whether a client left before it had everything.
    pub fn hung_up_within(&self, limit: Duration) -> bool {
        self.hung_up.recv_timeout(limit).is_ok()
    }
}

fn serve(mut stream: TcpStream, plan: &Plan, seen: &Mutex<Vec<Request>>, tell: &Sender<()>) {
    stream.set_nodelay(true).unwrap();
    let request = read(&mut stream);
    seen.lock().unwrap().push(request.clone());
    for step in plan(&request) {
        match step {
            Step::Wait(time) => thread::sleep(time),
            Step::Hang => drop(stream.read(&mut [0])),
            Step::Send(bytes) => {
                if stream.write_all(&bytes).is_err() {
                    let _ = tell.send(());
                    return;
                }
            }
        }
    }
}

fn read(stream: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "the request ends early");
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    Request {
        head,
        body: String::from_utf8(body).unwrap(),
    }
}

pub fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

/// The head of an event stream that ends with the connection, and its first events.
pub fn sse(events: &str) -> Step {
    send(&format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n{events}"
    ))
}

/// A whole JSON answer.
pub fn json(status: u16, headers: &str, body: &str) -> Step {
    let length = body.len();
    send(&format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}connection: close\r\n\r\n{body}"
    ))
}

/// An answer without a body.
pub fn status(status: u16, headers: &str) -> Step {
    send(&format!(
        "HTTP/1.1 {status} X\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n"
    ))
}
