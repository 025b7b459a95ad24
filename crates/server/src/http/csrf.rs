//! Requests that another site makes a browser send: Fetch Metadata first, a token bound to the session second.

use axum::http::{HeaderMap, HeaderName, Method, header};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::error::{Code, Error, Result};
use crate::{app::App, secrets::Purpose};

pub const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[must_use]
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Refuses what a browser says comes from elsewhere. A client that says nothing is no browser, and carries no cookie of a
/// person who did not mean it.
///
/// # Errors
/// `csrf_failed`.
pub fn check_origin(app: &App, headers: &HeaderMap) -> Result<()> {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("invalid"));
    let same = match (text(&SEC_FETCH_SITE), text(&header::ORIGIN)) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => is_own_origin(app, origin, text(&header::HOST)),
        (None, None) => true,
    };
    if same { Ok(()) } else { Err(failed()) }
}

/// The configured origin; on one's own machine also whatever name the browser used for it.
#[must_use]
pub fn is_own_origin(app: &App, origin: &str, host: Option<&str>) -> bool {
    let development = app.config.env == crate::config::Environment::Development;
    origin == app.config.public_url || (development && host.is_some_and(|host| origin == format!("http://{host}")))
}

/// The token that a page of this session carries.
#[must_use]
pub fn token(app: &App, session_id: Uuid) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(tag(app, session_id))
}

/// # Errors
/// `csrf_failed` unless `given` is the session's token.
pub fn check_token(app: &App, session_id: Uuid, given: &str) -> Result<()> {
    let given = BASE64_URL_SAFE_NO_PAD.decode(given).unwrap_or_default();
    let right = tag(app, session_id).as_slice().ct_eq(&given).into();
    if right { Ok(()) } else { Err(failed()) }
}

fn tag(app: &App, session_id: Uuid) -> [u8; 32] {
    app.vault.tag(Purpose::Csrf, session_id.as_bytes())
}

fn failed() -> Error {
    Error::new(
        Code::CsrfFailed,
        "Reload the page and try again. API clients: send X-CSRF-Token, or use an access token.",
    )
}
