//! A sign-in provider whose every answer a test can bend: an OpenID Connect issuer and a GitHub in one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Form, Json, Router,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{delete, get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parlor_server::{
    clock::{Clock, random_bytes},
    config::{Config, Secret},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const CLIENT_ID: &str = "parlor-id";
pub const CLIENT_SECRET: &str = "parlor secret&=+";

type Fields = HashMap<String, String>;
type Change = Box<dyn Fn(&mut Value) + Send>;

/// Who signs the id token, and how.
#[derive(Clone, Copy, Default, PartialEq)]
pub enum Signature {
    #[default]
    Honest,
    /// `alg: none`, with an empty signature.
    None,
    /// HMAC with what everybody knows: the public key.
    HmacWithPublicKey,
    /// HMAC with the client's secret, which the standard would allow.
    HmacWithClientSecret,
    /// The attacker's key under the issuer's `kid`.
    ForeignKey,
    /// The attacker's key, with a header that says where to find it.
    JwkInHeader,
    JkuInHeader,
    UnknownKid,
}

/// How the token endpoint behaves.
#[derive(Clone, Default, PartialEq)]
pub enum Endpoint {
    #[default]
    Honest,
    Redirects(String),
    Oversized,
    Slow(Duration),
    Fails(u16),
    NotJson,
}

#[derive(Default)]
pub struct Inner {
    /// Claims of the person who signs in.
    pub person: Value,
    /// What GitHub's `/user/emails` says.
    pub emails: Value,
    pub claims: Option<Change>,
    pub metadata: Option<Change>,
    pub signature: Signature,
    pub token_endpoint: Endpoint,
    pub discovery: Endpoint,
    /// What the redirect back says of itself (RFC 9207).
    pub iss: Option<String>,
    /// The next code to give, instead of a fresh one.
    pub next_code: Option<String>,
    /// Every path that was asked for.
    pub asked: Vec<String>,
    pub revoked: Vec<String>,
    pub issued: Vec<String>,
    codes: HashMap<String, Fields>,
}

#[derive(Clone)]
pub struct Issuer {
    pub base: String,
    pub clock: Clock,
    key: Arc<SigningKey>,
    inner: Arc<Mutex<Inner>>,
}

impl Issuer {
    #[expect(clippy::disallowed_methods, reason = "it lives as long as the test's runtime")]
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            clock: Clock::default(),
            key: Arc::new(SigningKey::from_bytes(&random_bytes())),
            inner: Arc::default(),
        };
        issuer.is_person("alice", "alice@example.org", true);
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/common/v2.0/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .route("/userinfo", get(userinfo))
            .route("/login/oauth/authorize", get(authorize))
            .route("/login/oauth/access_token", post(token))
            .route("/user", get(github_user))
            .route("/user/emails", get(github_emails))
            .route("/applications/{id}/grant", delete(github_revoke))
            .fallback(anything)
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        issuer
    }

    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub fn is_person(&self, subject: &str, email: &str, verified: bool) {
        let mut inner = self.inner();
        inner.person = json!({ "sub": subject, "email": email, "email_verified": verified, "name": "Alice Liddell",
            "preferred_username": "alice", "picture": "https://example.org/alice.png" });
        inner.emails = json!([{ "email": "other@example.org", "primary": false, "verified": true, "visibility": null },
            { "email": email, "primary": true, "verified": verified, "visibility": "private" }]);
    }

    pub fn claims(&self, change: impl Fn(&mut Value) + Send + 'static) {
        self.inner().claims = Some(Box::new(change));
    }

    pub fn metadata(&self, change: impl Fn(&mut Value) + Send + 'static) {
        self.inner().metadata = Some(Box::new(change));
    }

    /// Turns this issuer on as the generic provider.
    pub fn as_oidc(&self, config: &mut Config) {
        config.oauth.timeout_s = 1;
        config.oauth.oidc.issuer = self.base.clone();
        config.oauth.oidc.client_id = CLIENT_ID.to_owned();
        config.oauth.oidc.client_secret = Secret::new(CLIENT_SECRET);
    }

    pub fn as_google(&self, config: &mut Config) {
        config.oauth.google.issuer = self.base.clone();
        config.oauth.google.client_id = CLIENT_ID.to_owned();
        config.oauth.google.client_secret = Secret::new(CLIENT_SECRET);
    }

    pub fn as_github(&self, config: &mut Config) {
        config.oauth.github.url = self.base.clone();
        config.oauth.github.api_url = self.base.clone();
        config.oauth.github.client_id = CLIENT_ID.to_owned();
        config.oauth.github.client_secret = Secret::new(CLIENT_SECRET);
    }

    pub fn asked(&self, path: &str) -> usize {
        self.inner().asked.iter().filter(|asked| *asked == path).count()
    }

    fn note(&self, path: &str) {
        self.inner().asked.push(path.to_owned());
    }

    fn jwk(&self, key: &SigningKey) -> Value {
        let x = BASE64_URL_SAFE_NO_PAD.encode(key.verifying_key().to_bytes());
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "key-1", "x": x })
    }

    fn id_token(&self, nonce: &str) -> String {
        let now = self.clock.now().as_seconds();
        let mut claims = self.inner().person.clone();
        claims["iss"] = json!(self.base);
        claims["aud"] = json!(CLIENT_ID);
        claims["nonce"] = json!(nonce);
        claims["iat"] = json!(now);
        claims["exp"] = json!(now + 300);
        if let Some(change) = &self.inner().claims {
            change(&mut claims);
        }
        let signature = self.inner().signature;
        self.sign(signature, &claims)
    }

    fn sign(&self, signature: Signature, claims: &Value) -> String {
        let foreign = SigningKey::from_bytes(&[9; 32]);
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some("key-1".to_owned());
        let with = |header: &Header, key: &SigningKey| {
            let key = EncodingKey::from_ed_der(key.to_pkcs8_der().unwrap().as_bytes());
            jsonwebtoken::encode(header, claims, &key).unwrap()
        };
        let hmac = |secret: &[u8]| {
            let mut header = Header::new(Algorithm::HS256);
            header.kid = Some("key-1".to_owned());
            jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
        };
        match signature {
            Signature::Honest => with(&header, &self.key),
            Signature::ForeignKey => with(&header, &foreign),
            Signature::UnknownKid => {
                header.kid = Some("key-2".to_owned());
                with(&header, &foreign)
            }
            Signature::JkuInHeader => {
                header.jku = Some(format!("{}/evil-keys", self.base));
                header.kid = Some("evil".to_owned());
                with(&header, &foreign)
            }
            Signature::JwkInHeader => {
                header.jwk = Some(serde_json::from_value(self.jwk(&foreign)).unwrap());
                with(&header, &foreign)
            }
            Signature::HmacWithPublicKey => hmac(self.key.verifying_key().as_bytes()),
            Signature::HmacWithClientSecret => hmac(CLIENT_SECRET.as_bytes()),
            Signature::None => {
                let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
                format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(claims))
            }
        }
    }
}

async fn misbehave(endpoint: Endpoint) -> Option<Response> {
    match endpoint {
        Endpoint::Honest => None,
        Endpoint::Redirects(to) => Some((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response()),
        Endpoint::Oversized => {
            let chunk = || Ok::<_, std::io::Error>(vec![b' '; 64 * 1024]);
            let chunks = futures_util::stream::iter((0..200).map(move |_| chunk()));
            Some(Body::from_stream(chunks).into_response())
        }
        Endpoint::Slow(time) => {
            tokio::time::sleep(time).await;
            None
        }
        Endpoint::Fails(status) => {
            let body = Json(json!({ "error": "invalid_grant" }));
            Some((StatusCode::from_u16(status).unwrap(), body).into_response())
        }
        Endpoint::NotJson => Some("<html>hello</html>".into_response()),
    }
}

async fn discovery(State(issuer): State<Issuer>) -> Response {
    issuer.note("/.well-known/openid-configuration");
    let endpoint = issuer.inner().discovery.clone();
    if let Some(answer) = misbehave(endpoint).await {
        return answer;
    }
    let base = &issuer.base;
    let mut document = json!({ "issuer": base, "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/keys"),
        "userinfo_endpoint": format!("{base}/userinfo"), "revocation_endpoint": format!("{base}/revoke") });
    if let Some(change) = &issuer.inner().metadata {
        change(&mut document);
    }
    Json(document).into_response()
}

async fn keys(State(issuer): State<Issuer>) -> Json<Value> {
    issuer.note("/keys");
    // A key of a kind that nobody knows must not hide the other.
    Json(json!({ "keys": [{ "kty": "POST-QUANTUM", "kid": "key-0" }, issuer.jwk(&issuer.key)] }))
}

/// Everybody agrees at once.
async fn authorize(State(issuer): State<Issuer>, Query(fields): Query<Fields>) -> Redirect {
    issuer.note("/authorize");
    let mut inner = issuer.inner();
    let fresh = || BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<16>());
    let code = inner.next_code.take().unwrap_or_else(fresh);
    let mut to = reqwest::Url::parse(&fields["redirect_uri"]).unwrap();
    to.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &fields["state"]);
    if let Some(iss) = &inner.iss {
        to.query_pairs_mut().append_pair("iss", iss);
    }
    inner.codes.insert(code, fields);
    Redirect::to(to.as_str())
}

async fn token(State(issuer): State<Issuer>, headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    issuer.note("/token");
    let endpoint = issuer.inner().token_endpoint.clone();
    if let Some(answer) = misbehave(endpoint).await {
        return answer;
    }
    let refuse = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    if !knows_client(&headers, &form) {
        return refuse("invalid_client");
    }
    // A code works once.
    let Some(asked) = issuer.inner().codes.remove(&form["code"]) else {
        return refuse("invalid_grant");
    };
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    if challenge != asked["code_challenge"] || form["redirect_uri"] != asked["redirect_uri"] {
        return refuse("invalid_grant");
    }
    let fresh = |name: &str| format!("{name}_{}", BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<16>()));
    let (access, refresh) = (fresh("access"), fresh("refresh"));
    issuer.inner().issued.extend([access.clone(), refresh.clone()]);
    let nonce = asked.get("nonce").cloned().unwrap_or_default();
    Json(
        json!({ "access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 3600,
        "scope": asked["scope"], "id_token": issuer.id_token(&nonce) }),
    )
    .into_response()
}

/// Both ways of the standard: in the header, where each half is encoded as in a form, or in the body.
fn knows_client(headers: &HeaderMap, form: &Fields) -> bool {
    let encoded = |text: &str| form_urlencoded(text);
    let pair = format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET));
    let basic = format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(pair));
    let by_header = headers.get(header::AUTHORIZATION).is_some_and(|value| *value == *basic);
    let is = |name: &str, value: &str| form.get(name).is_some_and(|found| found == value);
    by_header || (is("client_id", CLIENT_ID) && is("client_secret", CLIENT_SECRET))
}

fn form_urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn revoke(State(issuer): State<Issuer>, headers: HeaderMap, Form(form): Form<Fields>) -> StatusCode {
    if !knows_client(&headers, &form) {
        return StatusCode::UNAUTHORIZED;
    }
    issuer.inner().revoked.push(form["token"].clone());
    StatusCode::OK
}

async fn userinfo(State(issuer): State<Issuer>) -> Json<Value> {
    issuer.note("/userinfo");
    Json(issuer.inner().person.clone())
}

fn is_token(issuer: &Issuer, headers: &HeaderMap) -> bool {
    let sent = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap().to_owned());
    let inner = issuer.inner();
    inner
        .issued
        .iter()
        .any(|token| sent.as_deref() == Some(&format!("Bearer {token}")))
}

async fn github_user(State(issuer): State<Issuer>, headers: HeaderMap) -> Response {
    if !is_token(&issuer, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let person = issuer.inner().person.clone();
    Json(
        json!({ "id": 583231, "login": "alice", "name": person["name"], "email": null,
        "avatar_url": person["picture"] }),
    )
    .into_response()
}

async fn github_emails(State(issuer): State<Issuer>, headers: HeaderMap) -> Response {
    if !is_token(&issuer, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(issuer.inner().emails.clone()).into_response()
}

async fn github_revoke(State(issuer): State<Issuer>, headers: HeaderMap, Json(body): Json<Value>) -> StatusCode {
    let basic = base64::prelude::BASE64_STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
    if headers
        .get(header::AUTHORIZATION)
        .is_none_or(|value| *value != *format!("Basic {basic}"))
    {
        return StatusCode::UNAUTHORIZED;
    }
    issuer
        .inner()
        .revoked
        .push(body["access_token"].as_str().unwrap().to_owned());
    StatusCode::NO_CONTENT
}

async fn anything(State(issuer): State<Issuer>, uri: axum::http::Uri) -> StatusCode {
    issuer.note(uri.path());
    StatusCode::NOT_FOUND
}
