//! The outermost layer: request id, time limit, panics, the error envelope, headers, one log line, metrics.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::FutureExt;
use tracing::Instrument;

use super::{
    auth::accepts_html,
    error::{Code, Error},
    headers,
};
use crate::{app::App, clock::random_bytes, telemetry::metrics};

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of this request, in its extensions.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

/// What scripts and styles of this page carry so that the browser runs them.
#[derive(Clone, Debug)]
pub struct Nonce(pub Arc<str>);

pub async fn edge(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&app, request.headers());
    let seen = Seen::of(&request);
    let nonce: Option<Arc<str>> = (!seen.is_api).then(|| BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<16>()).into());
    if let Some(nonce) = &nonce {
        request.extensions_mut().insert(Nonce(nonce.clone()));
    }
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", request_id = &*id);
    async move {
        let mut response = run(&app, request, next).await;
        let error = response.extensions_mut().remove::<Error>();
        if let Some(error) = &error {
            response = describe(error, &seen, &id, nonce.as_deref(), &response);
        }
        headers::add(response.headers_mut(), nonce.as_deref(), app.config.is_https());
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        record(&seen, response.status(), started, error.as_ref());
        response
    }
    .instrument(span)
    .await
}

/// The body that a refused request may still be sending: small enough to wait for.
const UNREAD: usize = 64 * 1024;

/// Answers without a look at the body. What is left unread would be taken for the next request, so a small body is read
/// and dropped, and with a large or slow one the connection ends.
pub async fn refuse_body(request: Request, mut refusal: Response) -> Response {
    let read = axum::body::to_bytes(request.into_body(), UNREAD);
    let drained = tokio::time::timeout(std::time::Duration::from_secs(1), read).await;
    if !matches!(drained, Ok(Ok(_))) {
        refusal
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    refusal
}

/// What is known of a request after it was handled.
struct Seen {
    method: axum::http::Method,
    path: String,
    route: Option<MatchedPath>,
    is_api: bool,
    wants_html: bool,
    headers: HeaderMap,
}

impl Seen {
    fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let is_api = path.starts_with("/api/");
        let wants_html = !is_api && accepts_html(request.headers());
        Self {
            method: request.method().clone(),
            path: path.to_owned(),
            route: request.extensions().get().cloned(),
            is_api,
            wants_html,
            headers: if wants_html {
                request.headers().clone()
            } else {
                HeaderMap::new()
            },
        }
    }

    /// The route's pattern: no ids, no user input, and so few different values.
    fn route(&self) -> &str {
        self.route.as_ref().map_or("none", MatchedPath::as_str)
    }
}

/// A valid incoming id is kept, so that a proxy's and our log lines meet.
fn request_id(app: &App, headers: &HeaderMap) -> Arc<str> {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let valid = |id: &&str| {
        (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    given
        .filter(valid)
        .map_or_else(|| app.ids.next().to_string().into(), Into::into)
}

async fn run(app: &App, request: Request, next: Next) -> Response {
    let limit = std::time::Duration::from_secs(app.config.http.request_timeout_s);
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(limit, handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => Error::internal(anyhow::anyhow!("panic: {}", panic_text(&*panic))).into_response(),
        Err(_) => Error::new(Code::Unavailable, "The request took too long. Try again.")
            .retry_after(1)
            .into_response(),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

fn describe(error: &Error, seen: &Seen, id: &str, nonce: Option<&str>, old: &Response) -> Response {
    let mut response = match nonce {
        Some(nonce) if seen.wants_html => super::page::error_page(error, &seen.path, &seen.headers, id, nonce),
        _ => problem(error, id),
    };
    for (name, value) in old.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            response.headers_mut().insert(name, value.clone());
        }
    }
    if let Some(seconds) = error.retry_after_s() {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if error.code() == Code::Unauthenticated {
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"parlor\""),
        );
    }
    response
}

fn problem(error: &Error, id: &str) -> Response {
    let body = serde_json::to_vec(&error.problem(id)).unwrap_or_default();
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (error.code().status(), kind, Body::from(body)).into_response()
}

fn record(seen: &Seen, status: StatusCode, started: Instant, error: Option<&Error>) {
    let elapsed = started.elapsed();
    metrics::request(&seen.method, seen.route(), status, elapsed);
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    let (method, route, code) = (
        seen.method.as_str(),
        seen.route(),
        error.map(|error| error.code().as_str()),
    );
    match error.and_then(Error::cause) {
        Some(cause) => {
            tracing::error!(
                method,
                route,
                status = status.as_u16(),
                micros,
                code,
                cause = format!("{cause:#}"),
                "request"
            );
        }
        None => tracing::info!(method, route, status = status.as_u16(), micros, code, "request"),
    }
}
