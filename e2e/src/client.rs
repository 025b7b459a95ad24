//! A small client of Parlor's HTTP interface: one person, signed in with an access token.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};

use crate::process::{fresh_name, http_client};
use crate::sse::{Event, Parser};

/// A person who registered and logged in.
pub struct Person {
    http: reqwest::Client,
    base: String,
    token: String,
    /// The address they registered with.
    pub email: String,
}

/// What came of one question.
#[derive(Debug, Default)]
pub struct Answer {
    /// The whole text.
    pub text: String,
    /// The contents of the memories that went into the prompt.
    pub recalled: Vec<String>,
    /// The contents of the memories that were kept of the question.
    pub learned: Vec<String>,
    /// The answer's final status, `complete` when all is well.
    pub status: String,
    /// From sending the question to the first piece of text.
    pub first_text: Option<Duration>,
    /// Pieces of text that arrived.
    pub pieces: usize,
    /// From sending the question to the end of the stream.
    pub total: Duration,
}

impl Person {
    /// Registers somebody new at the Parlor listening on `url`, and logs them in.
    ///
    /// # Errors
    /// When either is refused.
    pub async fn join(url: &str, display_name: &str) -> Result<Self> {
        let http = http_client()?;
        let base = format!("{}/api/v1", url.trim_end_matches('/'));
        let email = format!("{}-{}@example.com", display_name.to_lowercase(), fresh_name());
        let password = format!("correct horse {}", fresh_name());
        let account = json!({ "email": email, "password": password, "display_name": display_name });
        accepted(http.post(format!("{base}/auth/register")).json(&account)).await?;
        let credentials = json!({ "email": email, "password": password });
        let session = accepted(http.post(format!("{base}/auth/login")).json(&credentials)).await?;
        let session: Value = session.json().await?;
        let token = session["access_token"]
            .as_str()
            .context("login gave no access_token")?
            .to_owned();
        Ok(Self {
            http,
            base,
            token,
            email,
        })
    }

    /// Opens an empty chat and returns its id.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn open_chat(&self) -> Result<String> {
        let chat: Value = self.post("/chats", &json!({})).await?.json().await?;
        Ok(chat["id"].as_str().context("the new chat has no id")?.to_owned())
    }

    /// Says something in a chat and reads the answer as it streams; `on_text` sees each piece as it arrives.
    ///
    /// # Errors
    /// When the message is refused, the stream breaks, or it ends in an `error` event.
    pub async fn say(&self, chat: &str, content: &str, mut on_text: impl FnMut(&str)) -> Result<Answer> {
        let start = Instant::now();
        let request = self.request(reqwest::Method::POST, &format!("/chats/{chat}/messages"));
        let message = json!({ "content": content, "tier": "quick" });
        let response = accepted(request.header(ACCEPT, "text/event-stream").json(&message)).await?;
        let mut answer = Answer::default();
        let mut parser = Parser::default();
        let mut body = response.bytes_stream();
        while let Some(bytes) = body.next().await {
            for event in parser.push(&bytes?) {
                answer.take(&event, start, &mut on_text)?;
            }
        }
        answer.total = start.elapsed();
        ensure!(!answer.status.is_empty(), "the stream ended without a done event");
        Ok(answer)
    }

    /// The contents of everything Parlor remembers of this person, up to 100.
    ///
    /// # Errors
    /// When the list is refused.
    pub async fn memories(&self) -> Result<Vec<String>> {
        let request = self.request(reqwest::Method::GET, "/memories?limit=100");
        let list: Value = accepted(request).await?.json().await?;
        Ok(contents(&list["data"]))
    }

    async fn post(&self, path: &str, body: &Value) -> Result<reqwest::Response> {
        accepted(self.request(reqwest::Method::POST, path).json(body)).await
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
    }
}

impl Answer {
    fn take(&mut self, event: &Event, start: Instant, on_text: &mut impl FnMut(&str)) -> Result<()> {
        let data: Value = serde_json::from_str(&event.data).with_context(|| format!("event {}", event.name))?;
        match event.name.as_str() {
            "memory.recalled" => self.recalled = contents(&data["memories"]),
            "memory.learned" => self.learned = contents(&data["memories"]),
            "delta" => {
                let text = data["text"].as_str().context("a delta without text")?;
                self.first_text.get_or_insert_with(|| start.elapsed());
                self.pieces += 1;
                self.text.push_str(text);
                on_text(text);
            }
            "done" => self.status = data["message"]["status"].as_str().unwrap_or("unknown").to_owned(),
            "error" => anyhow::bail!("the answer failed: {}", event.data),
            _ => {}
        }
        Ok(())
    }
}

fn contents(memories: &Value) -> Vec<String> {
    let list = memories.as_array().into_iter().flatten();
    list.filter_map(|memory| Some(memory["content"].as_str()?.to_owned()))
        .collect()
}

/// Sends a request; an error status becomes an error that carries the server's explanation.
async fn accepted(request: reqwest::RequestBuilder) -> Result<reqwest::Response> {
    let response = request.send().await?;
    let (status, url) = (response.status(), response.url().clone());
    if status.is_success() {
        return Ok(response);
    }
    anyhow::bail!("{url} answered {status}: {}", response.text().await.unwrap_or_default())
}
