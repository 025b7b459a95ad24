//! The session cookie. Its `__Host-` prefix makes browsers refuse one that was set for another path, another host or
//! without TLS; plain http on one's own machine cannot have it.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{app::App, http::cookies};

fn name(app: &App) -> &'static str {
    prefixed(app, "parlor_session", "__Host-parlor_session")
}

/// A name that only this host can have set, where there is TLS.
pub(crate) fn prefixed(app: &App, plain: &'static str, host: &'static str) -> &'static str {
    if app.config.is_https() { host } else { plain }
}

/// The name of the device cookie: it tells a browser that has signed in before from a new one, and opens nothing.
pub(super) fn device_name(app: &App) -> &'static str {
    prefixed(app, "parlor_device", "__Host-parlor_device")
}

/// Remembers this browser for a year.
#[must_use]
pub(super) fn set_device(app: &App, secret: &str) -> (HeaderName, HeaderValue) {
    line(app, device_name(app), secret, "; Max-Age=31536000")
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
    line(app, name(app), secret, &life)
}

/// Takes it away.
#[must_use]
pub fn clear(app: &App) -> (HeaderName, HeaderValue) {
    line(app, name(app), "", "; Max-Age=0")
}

/// What an answer to a logout carries: the cookie goes, and so does what this site stored in the browser (drafts, copies
/// of pages). The device cookie stays: the next login here is not one from a new device.
#[must_use]
pub fn forget(app: &App) -> [(HeaderName, HeaderValue); 2] {
    let site_data = HeaderValue::from_static("\"cache\", \"storage\"");
    [clear(app), (HeaderName::from_static("clear-site-data"), site_data)]
}

/// A cookie line; `life` is its `; Max-Age=`, or nothing for as long as the browser is open.
pub(crate) fn line(app: &App, name: &str, value: &str, life: &str) -> (HeaderName, HeaderValue) {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{life}");
    (
        header::SET_COOKIE,
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("")),
    )
}
