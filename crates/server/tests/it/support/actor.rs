//! Somebody who sends requests.

use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

use super::{Events, PASSWORD};

#[derive(Clone)]
pub struct Actor {
    base: String,
    http: reqwest::Client,
    token: Option<String>,
    cookie: Option<String>,
    key: Option<String>,
    pub csrf: Option<String>,
    pub refresh_token: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e} in {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// Status and problem code: what a client decides by.
    pub fn problem(&self) -> (u16, String) {
        (
            self.status.as_u16(),
            self.json()["code"].as_str().unwrap_or_default().to_owned(),
        )
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }
}

impl Actor {
    pub fn new(base: &str) -> Self {
        parlor_server::install_tls();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            base: base.to_owned(),
            http,
            token: None,
            cookie: None,
            key: None,
            csrf: None,
            refresh_token: None,
        }
    }

    pub async fn register(&self, email: &str) {
        let account = json!({ "email": email, "password": PASSWORD });
        self.post("/api/v1/auth/register", &account).await.expect(202);
    }

    pub async fn log_in(&self, email: &str) -> Self {
        let answer = self
            .post("/api/v1/auth/login", &json!({ "email": email, "password": PASSWORD }))
            .await
            .expect(200);
        let body = answer.json();
        let text = |name: &str| Some(body[name].as_str().unwrap().to_owned());
        Self {
            token: text("access_token"),
            refresh_token: text("refresh_token"),
            ..self.clone()
        }
    }

    pub async fn log_in_with_cookie(&self, email: &str) -> Self {
        let request = self
            .request(Method::POST, "/api/v1/auth/login")
            .header("x-session", "cookie");
        let answer = send(request.json(&json!({ "email": email, "password": PASSWORD })))
            .await
            .expect(200);
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let csrf = answer.json()["csrf_token"].as_str().unwrap().to_owned();
        Self {
            cookie: Some(cookie),
            csrf: Some(csrf),
            ..self.clone()
        }
    }

    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// A browser with this cookie, as `name=value`, on a page with this token.
    pub fn with_cookie(&self, cookie: &str, csrf: Option<&str>) -> Self {
        Self {
            cookie: Some(cookie.to_owned()),
            csrf: csrf.map(str::to_owned),
            ..self.clone()
        }
    }

    /// A program with an API key in the header `X-API-Key`.
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..self.clone()
        }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }

    pub fn try_token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub fn cookie(&self) -> &str {
        self.cookie.as_deref().unwrap()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(key) = &self.key {
            request = request.header("x-api-key", key);
        }
        request
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self.request(method, path);
        if let Some(csrf) = &self.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        send(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// A new chat's id.
    pub async fn chat(&self) -> String {
        let chat = self.post("/api/v1/chats", &json!({})).await.expect(201).json();
        chat["id"].as_str().unwrap().to_owned()
    }

    /// Says something and waits for the answer.
    pub async fn say(&self, chat: &str, content: &str) -> Value {
        let path = format!("/api/v1/chats/{chat}/messages");
        self.post(&path, &json!({ "content": content, "tier": "quick" }))
            .await
            .expect(201)
            .json()
    }

    /// Says something and reads the answer as it comes.
    pub async fn say_streamed(&self, chat: &str, content: &str) -> Events {
        let request = self.request(Method::POST, &format!("/api/v1/chats/{chat}/messages"));
        let request = request.json(&json!({ "content": content, "tier": "quick" }));
        Events::open(request).await
    }

    /// Joins an answer after the event `after`.
    pub async fn join(&self, chat: &str, message: &str, after: Option<i64>) -> Events {
        let mut request = self.request(Method::GET, &format!("/api/v1/chats/{chat}/messages/{message}/events"));
        if let Some(after) = after {
            request = request.header("last-event-id", after.to_string());
        }
        Events::open(request).await
    }

    /// What a page's form sends.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        send(self.request(Method::POST, path).form(fields)).await
    }
}

pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}
