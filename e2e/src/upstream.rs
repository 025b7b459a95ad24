//! A scripted server that speaks the OpenAI chat interface, for journeys whose answers must be known beforehand: it
//! replies by rule, at a set pace, and keeps every request it was sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A running scripted server; it stops when dropped.
pub struct Upstream {
    url: String,
    script: Arc<Script>,
    _listening: JoinSet<()>,
}

struct Script {
    rules: Vec<(String, String)>,
    pace_ms: AtomicU64,
    requests: Mutex<Vec<Value>>,
}

impl Upstream {
    /// Starts on a free port. The first rule whose needle occurs in the last user message gives the reply; without
    /// one the message is echoed.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(rules: &[(&str, &str)]) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/v1", listener.local_addr()?);
        let script = Arc::new(Script {
            rules: rules
                .iter()
                .map(|(needle, reply)| (needle.to_string(), reply.to_string()))
                .collect(),
            pace_ms: AtomicU64::new(5),
            requests: Mutex::default(),
        });
        let mut listening = JoinSet::new();
        listening.spawn(accept(listener, script.clone()));
        Ok(Self {
            url,
            script,
            _listening: listening,
        })
    }

    /// The base URL, as `OPENAI_BASE_URL` wants it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on waits this long before each word.
    pub fn set_pace(&self, pace: Duration) {
        self.script.pace_ms.store(pace.as_millis() as u64, Ordering::Relaxed);
    }

    /// The bodies of all chat requests so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        self.script.requests().clone()
    }

    /// The whole text of the last prompt it was sent, all messages joined.
    #[must_use]
    pub fn last_prompt(&self) -> String {
        self.script.requests().last().map(prompt_text).unwrap_or_default()
    }
}

impl Script {
    fn requests(&self) -> MutexGuard<'_, Vec<Value>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply_to(&self, request: &Value) -> String {
        let said = last_user_message(request);
        let rule = self.rules.iter().find(|(needle, _)| said.contains(needle));
        rule.map_or_else(|| format!("You said: {said}"), |(_, reply)| reply.clone())
    }

    async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(self.pace_ms.load(Ordering::Relaxed))).await;
    }
}

/// Dropping the set that runs this ends it, and with it the connections it holds.
async fn accept(listener: TcpListener, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, script.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// One request a connection: `Connection: close` ends each answer, so no framing is needed. A client that leaves ends
/// the answer too, which is not an error.
async fn serve(mut stream: TcpStream, script: Arc<Script>) {
    if let Ok((path, body)) = read_request(&mut stream).await {
        answer(&mut stream, &script, &path, body).await.ok();
    }
}

async fn read_request(stream: &mut TcpStream) -> Result<(String, Value)> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        anyhow::ensure!(
            stream.read_buf(&mut bytes).await? > 0,
            "closed before the end of the headers"
        );
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(Ok(0), |value| value.trim().parse())?;
    while bytes.len() < head_end + length {
        anyhow::ensure!(
            stream.read_buf(&mut bytes).await? > 0,
            "closed before the end of the body"
        );
    }
    let path = head.split_whitespace().nth(1).context("no request line")?.to_owned();
    let body = serde_json::from_slice(&bytes[head_end..head_end + length]).unwrap_or(Value::Null);
    Ok((path, body))
}

async fn answer(stream: &mut TcpStream, script: &Script, path: &str, body: Value) -> Result<()> {
    if path.ends_with("/models") {
        return whole(
            stream,
            &json!({ "object": "list", "data": [{ "id": "scripted", "object": "model" }] }),
        )
        .await;
    }
    let reply = script.reply_to(&body);
    let streamed = body["stream"] == json!(true);
    script.requests().push(body);
    if streamed {
        stream_words(stream, script, &reply).await
    } else {
        whole(stream, &completion(&reply)).await
    }
}

async fn whole(stream: &mut TcpStream, body: &Value) -> Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    Ok(stream.shutdown().await?)
}

async fn stream_words(stream: &mut TcpStream, script: &Script, reply: &str) -> Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    for word in reply.split_inclusive(' ') {
        script.pause().await;
        send(
            stream,
            &chunk(json!([{ "index": 0, "delta": { "content": word }, "finish_reason": null }])),
        )
        .await?;
    }
    send(
        stream,
        &chunk(json!([{ "index": 0, "delta": {}, "finish_reason": "stop" }])),
    )
    .await?;
    let mut last = chunk(json!([]));
    last["usage"] = usage(reply);
    send(stream, &last).await?;
    stream.write_all(b"data: [DONE]\n\n").await?;
    Ok(stream.shutdown().await?)
}

async fn send(stream: &mut TcpStream, data: &Value) -> Result<()> {
    Ok(stream.write_all(format!("data: {data}\n\n").as_bytes()).await?)
}

fn chunk(choices: Value) -> Value {
    json!({ "id": "scripted-1", "object": "chat.completion.chunk", "created": 0, "model": "scripted", "choices": choices })
}

fn completion(reply: &str) -> Value {
    let choice = json!({ "index": 0, "message": { "role": "assistant", "content": reply }, "finish_reason": "stop" });
    let object = "chat.completion";
    json!({ "id": "scripted-1", "object": object, "created": 0, "model": "scripted", "choices": [choice], "usage": usage(reply) })
}

/// One token a word: enough for a journey, which never asserts on counts.
fn usage(reply: &str) -> Value {
    let words = reply.split_whitespace().count();
    json!({ "prompt_tokens": 1, "completion_tokens": words, "total_tokens": words + 1 })
}

fn last_user_message(request: &Value) -> &str {
    let mut messages = request["messages"].as_array().into_iter().flatten();
    let last = messages.rfind(|message| message["role"] == "user");
    last.and_then(|message| message["content"].as_str()).unwrap_or("")
}

fn prompt_text(request: &Value) -> String {
    let messages = request["messages"].as_array().into_iter().flatten();
    messages
        .filter_map(|message| message["content"].as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::http_client;
    use crate::sse::Parser;

    fn question(content: &str, stream: bool) -> Value {
        json!({ "stream": stream, "messages": [{ "role": "system", "content": "Be kind." }, { "role": "user", "content": content }] })
    }

    #[tokio::test]
    async fn a_rule_decides_the_reply_and_the_request_is_kept() -> Result<()> {
        let upstream = Upstream::start(&[("weather", "It rains.")]).await?;
        let url = format!("{}/chat/completions", upstream.url());
        let answer = http_client()?
            .post(url)
            .json(&question("How is the weather?", false))
            .send()
            .await?;
        let answer: Value = answer.json().await?;
        assert_eq!(answer["choices"][0]["message"]["content"], "It rains.");
        assert_eq!(upstream.requests().len(), 1);
        assert_eq!(upstream.last_prompt(), "Be kind.\nHow is the weather?");
        Ok(())
    }

    #[tokio::test]
    async fn a_streamed_reply_comes_word_by_word_and_ends_with_done() -> Result<()> {
        let upstream = Upstream::start(&[]).await?;
        let url = format!("{}/chat/completions", upstream.url());
        let bytes = http_client()?
            .post(url)
            .json(&question("good morning", true))
            .send()
            .await?
            .bytes()
            .await?;
        let events = Parser::default().push(&bytes);
        let words: Vec<_> = events
            .iter()
            .filter_map(|event| serde_json::from_str::<Value>(&event.data).ok())
            .collect();
        let words: Vec<_> = words
            .iter()
            .filter_map(|data| data["choices"][0]["delta"]["content"].as_str())
            .collect();
        assert_eq!(words, ["You ", "said: ", "good ", "morning"]);
        assert_eq!(events.last().map(|event| event.data.as_str()), Some("[DONE]"));
        Ok(())
    }
}
