//! A browser without scripts: it keeps cookies, and follows a redirect when told to.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder};

use super::{Answer, send};

#[derive(Clone)]
pub struct Visitor {
    base: String,
    http: reqwest::Client,
    pub cookies: BTreeMap<String, String>,
}

impl Visitor {
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
            cookies: BTreeMap::new(),
        }
    }

    /// The same browser at a server that has moved to another port.
    pub fn moved_to(&self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..self.clone()
        }
    }

    fn request(&self, method: Method, to: &str) -> RequestBuilder {
        let url = if to.starts_with('/') {
            format!("{}{to}", self.base)
        } else {
            to.to_owned()
        };
        let request = self.http.request(method, &url).header("accept", "text/html");
        if !url.starts_with(&self.base) || self.cookies.is_empty() {
            return request;
        }
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        request.header("cookie", pairs.join("; "))
    }

    async fn take(&mut self, ours: bool, request: RequestBuilder) -> Answer {
        let answer = send(request).await;
        for line in answer.headers.get_all("set-cookie").iter().filter(|_| ours) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// A path of Parlor's, or an address elsewhere, which gets no cookie of Parlor's.
    pub async fn get(&mut self, to: &str) -> Answer {
        let ours = to.starts_with('/') || to.starts_with(&self.base);
        let request = self.request(Method::GET, to);
        self.take(ours, request).await
    }

    pub async fn submit(&mut self, to: &str, fields: &[(&str, &str)]) -> Answer {
        let ours = to.starts_with('/') || to.starts_with(&self.base);
        let request = self.request(Method::POST, to).form(fields);
        self.take(ours, request).await
    }

    /// Posts a form of a page of Parlor's, with the token that stands in that page.
    pub async fn press(&mut self, page: &str, action: &str) -> Answer {
        let html = self.get(page).await.expect(200).text;
        let token = html.split("name=\"csrf_token\" value=\"").nth(1).unwrap();
        let token = token.split('"').next().unwrap().to_owned();
        self.submit(action, &[("csrf_token", &token)]).await
    }

    pub async fn delete(&mut self, path: &str) -> Answer {
        let html = self.get("/en/account").await.expect(200).text;
        let token = html.split("name=\"csrf_token\" value=\"").nth(1).unwrap();
        let token = token.split('"').next().unwrap().to_owned();
        let request = self.request(Method::DELETE, path).header("x-csrf-token", token);
        self.take(true, request).await
    }

    pub async fn log_in(&mut self, email: &str) {
        let fields = [("email", email), ("password", super::PASSWORD)];
        let answer = self.submit("/en/login", &fields).await.expect(303);
        assert!(!answer.header("location").contains("notice"), "{answer:?}");
    }

    /// To the provider and back as far as the address of our callback, which is not called yet.
    pub async fn visit(&mut self, provider: &str) -> String {
        let answer = self.get(&format!("/api/v1/auth/oauth/{provider}")).await.expect(303);
        self.agree(answer.header("location")).await
    }

    /// The provider's redirect for somebody who agrees at once.
    pub async fn agree(&mut self, at: &str) -> String {
        let answer = self.get(at).await;
        assert!(matches!(answer.status.as_u16(), 302 | 303), "{answer:?}");
        answer.header("location").to_owned()
    }

    /// The whole way; where our callback sends the browser.
    pub async fn sign_in(&mut self, provider: &str) -> String {
        let callback = self.visit(provider).await;
        self.get(&callback).await.expect(303).header("location").to_owned()
    }

    /// The account that this browser is signed in to.
    pub async fn me(&mut self) -> Option<serde_json::Value> {
        let answer = self.get("/api/v1/me").await;
        (answer.status == 200).then(|| answer.json())
    }

    pub async fn email(&mut self) -> Option<String> {
        self.me().await.map(|me| me["email"].as_str().unwrap().to_owned())
    }
}
