//! Any server that speaks the OpenAI chat-completions format.

mod answer;
mod sse;
mod wire;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use tokio::time::{Instant, timeout_at};

use crate::{ChatModel, ChatRequest, ChatStream, Error};
use answer::Answer;
use wire::Quirks;

/// The most of an error's body that is read.
const MAX_ERROR_BYTES: usize = 64 << 10;
/// The most of an error's words that is kept, in characters.
const MAX_ERROR_CHARS: usize = 500;
/// Models whose quirks are remembered; a client may name any model, and memory stays bounded.
const MAX_REMEMBERED: usize = 256;

/// Where the server is and how long to wait for it.
#[derive(Clone)]
pub struct OpenAiConfig {
    /// The part before `/chat/completions`, usually ending in `/v1`.
    pub base_url: String,
    /// Sent as a bearer token; local servers need none.
    pub api_key: Option<String>,
    /// For the connection to stand.
    pub connect_timeout: Duration,
    /// From sending the request to the first piece of text.
    pub first_token_timeout: Duration,
    /// Between two pieces after that.
    pub idle_timeout: Duration,
}

impl std::fmt::Debug for OpenAiConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAiConfig")
            .field("base_url", &self.base_url)
            .field("api_key", &self.api_key.as_ref().map(|_| "[redacted]"))
            .field("connect_timeout", &self.connect_timeout)
            .field("first_token_timeout", &self.first_token_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .finish()
    }
}

/// A client of one OpenAI-compatible server. Connections are pooled, so keep one for the life of the process.
#[derive(Debug)]
pub struct OpenAi {
    config: OpenAiConfig,
    url: Url,
    client: Client,
    quirks: Mutex<HashMap<String, Quirks>>,
}

impl OpenAi {
    /// Prepares the client; does not connect.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the address or the key cannot be used.
    pub fn new(config: OpenAiConfig) -> Result<Self, Error> {
        let url = endpoint(&config.base_url)?;
        let client = crate::tls::client()
            .connect_timeout(config.connect_timeout)
            .default_headers(headers(config.api_key.as_deref())?)
            // A redirect would carry the conversation, and on the same host the key, to an address nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Error::Malformed(plain(&error.without_url())))?;
        Ok(Self {
            config,
            url,
            client,
            quirks: Mutex::default(),
        })
    }

    /// Sends the request in the form this server is known to take, and learns from a refusal what form that is.
    async fn ask(&self, request: &ChatRequest, deadline: Instant) -> Result<Response, Error> {
        let mut quirks = self.known_quirks(&request.model);
        loop {
            let response = self.post(wire::body(request, quirks)?, deadline).await?;
            if response.status().is_success() {
                self.remember(&request.model, quirks);
                return Ok(response);
            }
            let (error, body) = self.refusal(response, deadline).await;
            let adaptable = matches!(error, Error::Refused { status: 400 | 422, .. });
            match quirks.adapted(&body).filter(|_| adaptable) {
                Some(next) => quirks = next,
                None => return Err(error),
            }
        }
    }

    async fn post(&self, body: Vec<u8>, deadline: Instant) -> Result<Response, Error> {
        let sent = self.client.post(self.url.clone()).body(body).send();
        let response = timeout_at(deadline, sent)
            .await
            .map_err(|_| self.first_token_timeout())?;
        response.map_err(|error| self.transport_error(error))
    }

    fn first_token_timeout(&self) -> Error {
        Error::Timeout {
            what: "the first token",
            seconds: whole_seconds(self.config.first_token_timeout),
        }
    }

    fn transport_error(&self, error: reqwest::Error) -> Error {
        if error.is_connect() && error.is_timeout() {
            let seconds = whole_seconds(self.config.connect_timeout);
            return Error::Timeout {
                what: "connecting to the model provider",
                seconds,
            };
        }
        Error::Unreachable(plain(&error.without_url()))
    }

    /// The error that a refusal means, and its raw body.
    async fn refusal(&self, response: Response, deadline: Instant) -> (Error, String) {
        let status = response.status();
        let retry_after_s = retry_after(response.headers());
        let body = read_some(response, deadline).await;
        if status == StatusCode::TOO_MANY_REQUESTS {
            return (Error::RateLimited { retry_after_s }, body);
        }
        let message = self
            .without_key(&wire::error_message(&body))
            .chars()
            .take(MAX_ERROR_CHARS)
            .collect();
        (
            Error::Refused {
                status: status.as_u16(),
                message,
            },
            body,
        )
    }

    /// Servers like to repeat a wrong key in their error; it must not reach a log.
    fn without_key(&self, message: &str) -> String {
        match self.config.api_key.as_deref().filter(|key| !key.is_empty()) {
            Some(key) => message.replace(key, "[redacted]"),
            None => message.to_owned(),
        }
    }

    fn known_quirks(&self, model: &str) -> Quirks {
        let known = self.quirks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.get(model).copied().unwrap_or_default()
    }

    fn remember(&self, model: &str, quirks: Quirks) {
        if quirks == Quirks::default() {
            return;
        }
        let mut known = self.quirks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if known.len() < MAX_REMEMBERED {
            known.insert(model.to_owned(), quirks);
        }
    }
}

#[async_trait]
impl ChatModel for OpenAi {
    fn provider(&self) -> &'static str {
        "openai"
    }

    async fn chat(&self, request: ChatRequest) -> Result<ChatStream, Error> {
        let deadline = Instant::now() + self.config.first_token_timeout;
        let response = self.ask(&request, deadline).await?;
        Ok(Answer::new(response, &request, &self.config, deadline).into_stream())
    }
}

fn endpoint(base_url: &str) -> Result<Url, Error> {
    let unusable = |why: &str| Error::Malformed(format!("the provider's base URL cannot be used: {why}"));
    let url = format!("{}/chat/completions", base_url.trim().trim_end_matches('/'));
    let url = Url::parse(&url).map_err(|error| unusable(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(unusable("it must start with http:// or https://")),
    }
}

fn headers(api_key: Option<&str>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream, application/json"));
    if let Some(key) = api_key.map(str::trim).filter(|key| !key.is_empty()) {
        let mut value = HeaderValue::from_str(&format!("Bearer {key}"))
            .map_err(|_| Error::Malformed("the provider's key holds characters that no header can carry".into()))?;
        value.set_sensitive(true);
        headers.insert(reqwest::header::AUTHORIZATION, value);
    }
    Ok(headers)
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// As much of an error's body as is useful; what goes wrong while reading it would only hide the refusal.
async fn read_some(mut response: Response, deadline: Instant) -> String {
    let mut body = Vec::new();
    while let Ok(Ok(Some(bytes))) = timeout_at(deadline, response.chunk()).await {
        body.extend_from_slice(&bytes);
        if body.len() >= MAX_ERROR_BYTES {
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}

/// An error with its causes, which hold what went wrong ("connection refused").
fn plain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// At least one, so that a message never says "longer than 0 s".
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(base_url: &str, api_key: Option<&str>) -> OpenAiConfig {
        let second = Duration::from_secs(1);
        OpenAiConfig {
            base_url: base_url.into(),
            api_key: api_key.map(str::to_owned),
            connect_timeout: second,
            first_token_timeout: second,
            idle_timeout: second,
        }
    }

    #[test]
    fn the_endpoint_follows_the_base() {
        for base in [
            "http://localhost:1/v1",
            "http://localhost:1/v1/",
            " http://localhost:1/v1// ",
        ] {
            assert_eq!(
                endpoint(base).unwrap().as_str(),
                "http://localhost:1/v1/chat/completions"
            );
        }
        for base in ["", "localhost:1/v1", "ftp://localhost/v1", "/v1"] {
            assert!(matches!(endpoint(base), Err(Error::Malformed(_))), "{base}");
        }
    }

    #[test]
    fn the_key_is_in_no_debug_text_and_no_error() {
        let model = OpenAi::new(config("http://localhost:1/v1", Some("sk-canary"))).unwrap();
        assert!(!format!("{model:?} {:?}", model.config).contains("sk-canary"));
        assert_eq!(model.without_key("wrong key: sk-canary."), "wrong key: [redacted].");
        let error = OpenAi::new(config("http://localhost:1/v1", Some("sk-canary\n\u{7}x"))).unwrap_err();
        assert!(!error.to_string().contains("canary"));
    }
}
