//! Pages: their language, their frame, their files, and how they fail.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{FromRequestParts, Path as RawPath, Query as RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use super::{
    auth::{Identity, MaybeIdentity},
    cookies, csrf,
    edge::Nonce,
    error::{Error, Result},
};
use crate::{
    app::App,
    features::{accounts, notices, oauth, sessions::cookie},
    ui::{ErrorView, LOCALES, Notice, NoticeKind, Page, Text, Theme, Viewer, assets, negotiate, supported},
};

/// What any page needs besides a feature's pages.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(home))
        .route("/{locale}", get(locale_home))
        .route("/{locale}/", get(locale_home))
        .route("/assets/{hash}/{*path}", get(asset))
        .route(
            "/favicon.ico",
            get(async || file("icons/favicon.svg", "public, max-age=86400")),
        )
}

/// The language of a path, or the one that the browser prefers.
#[must_use]
pub fn locale_of(path: &str, headers: &HeaderMap) -> &'static str {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let accepted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    supported(first).unwrap_or_else(|| negotiate(accepted.unwrap_or_default()))
}

async fn home(MaybeIdentity(identity): MaybeIdentity, headers: HeaderMap) -> Redirect {
    let chosen = identity.as_ref().and_then(|identity| supported(&identity.user.locale));
    let locale = chosen.unwrap_or_else(|| locale_of("/", &headers));
    Redirect::to(&format!("/{locale}"))
}

/// Pages that people type without a language.
const TYPED: [&str; 9] = [
    "login", "register", "forgot", "account", "chats", "memories", "security", "sessions", "api-keys",
];

fn unprefixed(identity: Option<&Identity>, page: &str, headers: &HeaderMap) -> Result<Redirect> {
    if !TYPED.contains(&page) {
        return Err(Error::not_found());
    }
    let chosen = identity.and_then(|identity| supported(&identity.user.locale));
    let locale = chosen.unwrap_or_else(|| locale_of("/", headers));
    Ok(Redirect::to(&format!("/{locale}/{page}")))
}

/// Signed in: the chats. First visitor of all: make an account. Everybody else: log in.
async fn locale_home(
    State(app): State<App>,
    MaybeIdentity(identity): MaybeIdentity,
    RawPath(locale): RawPath<String>,
    headers: HeaderMap,
) -> Result<Redirect> {
    let Some(locale) = supported(&locale) else {
        return unprefixed(identity.as_ref(), &locale, &headers);
    };
    let page = match identity {
        Some(_) => "chats",
        None if accounts::none_yet(&app).await? => "register",
        None => "login",
    };
    Ok(Redirect::to(&format!("/{locale}/{page}")))
}

/// The build's hash is in the address, so a file there never changes.
async fn asset(RawPath((_, path)): RawPath<(String, String)>) -> Response {
    file(&path, "public, max-age=31536000, immutable")
}

fn file(path: &str, caching: &'static str) -> Response {
    match assets::asset(path) {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
                (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
            ];
            (headers, asset.bytes).into_response()
        }
        None => Error::not_found().into_response(),
    }
}

/// The frame of the page that is asked for, in its language.
pub struct Frame(pub Page);

#[derive(Default, Deserialize)]
struct FrameQuery {
    /// What has just happened: the key of a sentence.
    notice: Option<String>,
}

/// Sentences that an address may ask for. Nothing else in it is shown.
const NOTICES: &[&str] = &[
    "logged-out",
    "login-needed",
    "login-expired",
    "register-done",
    "account-saved",
    "password-changed",
    "email-change-sent",
    "chat-renamed",
    "chat-deleted",
    "memory-forgotten",
    "session-ended",
    "device-logged-out",
    "devices-logged-out",
    "sessions-saved",
    "api-key-revoked",
    "totp-removed",
    "passkey-added",
    "passkey-renamed",
    "passkey-removed",
    "outbox-retried",
];

impl FromRequestParts<App> for Frame {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let path = parts.uri.path().to_owned();
        let (first, rest) = path
            .trim_start_matches('/')
            .split_once('/')
            .unwrap_or((path.trim_start_matches('/'), ""));
        let locale = supported(first).ok_or_else(Error::not_found)?;
        let nonce = parts
            .extensions
            .get::<Nonce>()
            .map(|nonce| nonce.0.clone())
            .unwrap_or_else(|| Arc::from(""));
        let identity = parts.extensions.get::<Identity>();
        let text = Text::for_locale(locale);
        let query = RawQuery::<FrameQuery>::try_from_uri(&parts.uri)
            .map(|query| query.0)
            .unwrap_or_default();
        let known = query
            .notice
            .filter(|key| NOTICES.contains(&key.as_str()) || oauth::notice_kind(key).is_some());
        Ok(Self(Page {
            text,
            nonce: nonce.to_string(),
            csrf: identity
                .and_then(Identity::cookie_session_id)
                .map(|session_id| csrf::token(app, session_id))
                .unwrap_or_default(),
            viewer: identity.map(viewer),
            path: format!("/{rest}"),
            theme: theme(&parts.headers),
            notice: known.map(|key| Notice {
                kind: oauth::notice_kind(&key).unwrap_or_else(|| notice_kind(&key)),
                text: text.t(&key),
            }),
            banners: match identity {
                Some(identity) => notices::banners(app, text, identity).await?,
                None => Vec::new(),
            },
        }))
    }
}

/// Most say that something worked.
fn notice_kind(key: &str) -> NoticeKind {
    match key {
        "session-ended" | "login-needed" | "login-expired" => NoticeKind::Info,
        _ => NoticeKind::Success,
    }
}

fn viewer(identity: &Identity) -> Viewer {
    Viewer {
        display_name: identity.user.display_name.clone(),
        email: identity.user.email.clone(),
        is_admin: accounts::is_admin(&identity.user),
    }
}

const THEME: &str = "parlor_theme";
const HOST_THEME: &str = "__Host-parlor_theme";

/// Light or dark is a matter of this screen, not of the account, so a cookie keeps it; no script reads it.
fn theme(headers: &HeaderMap) -> Theme {
    let chosen = cookies::get(headers, HOST_THEME).or_else(|| cookies::get(headers, THEME));
    chosen.map_or(Theme::Auto, Theme::from_id)
}

#[must_use]
pub fn theme_cookie(app: &App, theme: Theme) -> (HeaderName, HeaderValue) {
    let name = cookie::prefixed(app, THEME, HOST_THEME);
    cookie::line(app, name, theme.id(), "; Max-Age=31536000")
}

/// A page as an answer.
///
/// # Errors
/// When its template fails, which its test would have shown.
pub fn show(view: &impl Template) -> Result<Response> {
    Ok(Html(view.render().map_err(Error::internal)?).into_response())
}

/// On to another page of this language.
#[must_use]
pub fn go(page: &Page, path: &str) -> Response {
    Redirect::to(&page.url(path)).into_response()
}

/// A path of this site, or the home of the signed-in. Backslashes and double slashes lead browsers elsewhere.
#[must_use]
pub fn safe_next<'a>(page: &Page, next: Option<&'a str>) -> std::borrow::Cow<'a, str> {
    let own = |path: &&str| {
        path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') && !path.chars().any(char::is_control)
    };
    next.filter(own).map_or_else(|| page.url("/chats").into(), Into::into)
}

/// An error as a page.
#[must_use]
pub fn error_page(error: &Error, path: &str, headers: &HeaderMap, request_id: &str, nonce: &str) -> Response {
    let text = Text::for_locale(locale_of(path, headers));
    let page = Page {
        text,
        nonce: nonce.to_owned(),
        csrf: String::new(),
        viewer: None,
        path: "/".to_owned(),
        theme: theme(headers),
        notice: None,
        banners: Vec::new(),
    };
    let status = error.code().status();
    let html = ErrorView::for_status(page, status.as_u16(), Some(request_id.to_owned()))
        .render()
        .unwrap_or_default();
    (status, Html(html)).into_response()
}

/// The codes of all languages.
#[must_use]
pub fn locale_codes() -> Vec<&'static str> {
    LOCALES.iter().map(|locale| locale.code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_redirects_lead_home() {
        let page = Page {
            text: Text::for_locale("en"),
            nonce: String::new(),
            csrf: String::new(),
            viewer: None,
            path: "/login".to_owned(),
            theme: Theme::Auto,
            notice: None,
            banners: Vec::new(),
        };
        for evil in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "",
            "/\t/evil.example",
        ] {
            assert_eq!(safe_next(&page, Some(evil)), "/en/chats", "{evil:?}");
        }
        assert_eq!(safe_next(&page, Some("/de/chats/1?q=a")), "/de/chats/1?q=a");
    }
}
