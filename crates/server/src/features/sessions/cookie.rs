//! The session cookie. Its `__Host-` prefix makes browsers refuse one that was set for another path, another host or
//! without TLS; plain http on one's own machine cannot have it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{app::App, http::cookies};

fn name(app: &App) -> &'static str {
    if app.config.is_https() {
        "__Host-parlor_session"
    } else {
        "parlor_session"
    }
}

/// The secret that the browser sent.
#[must_use]
pub fn read<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    cookies::get(headers, name(app))
}

/// Sets it; without "remember me" only until the browser closes.
#[must_use]
pub fn set(app: &App, secret: &str, remember: bool) -> (HeaderName, HeaderValue) {
    let days = u64::from(app.config.sessions.remember_days);
    let life = if remember {
        format!("; Max-Age={}", days * 86_400)
    } else {
        String::new()
    };
    line(app, secret, &life)
}

/// Takes it away.
#[must_use]
pub fn clear(app: &App) -> (HeaderName, HeaderValue) {
    line(app, "", "; Max-Age=0")
}

fn line(app: &App, value: &str, life: &str) -> (HeaderName, HeaderValue) {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{life}", name(app));
    (
        header::SET_COOKIE,
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("")),
    )
}
