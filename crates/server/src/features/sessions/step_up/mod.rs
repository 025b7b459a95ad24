//! Step-up ("sudo"): a proof within a session of who is there, for what could give the account away.
//!
//! A session remembers when its person last proved themselves: at the login, or here. `http::StepUp` lets a request
//! through only for some minutes after that.

mod api;
mod code;
mod pages;
mod view;

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub(super) use pages::pages;

use super::{Session, cookie, new_secret, store};
use crate::{
    app::App,
    features::{
        accounts,
        audit::{self, Event},
        second_factors,
    },
    http::{Code, Error, Result, auth::InSession},
    secrets::fingerprint,
    telemetry::metrics,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::step_up))
        .routes(routes!(api::email))
}

/// Whether the session's person has proved who they are lately enough.
///
/// # Errors
/// When the database fails.
pub async fn is_fresh(app: &App, session: &Session) -> Result<bool> {
    if within(app, session) {
        return Ok(true);
    }
    // Another node may have taken the proof a moment ago.
    app.sessions.cache.invalidate(&session.id);
    let now = store::find(app, session.id).await?;
    Ok(now.is_some_and(|session| within(app, &session)))
}

fn within(app: &App, session: &Session) -> bool {
    let limit = Duration::from_secs(u64::from(app.config.sessions.step_up_minutes) * 60);
    app.clock.now().since(session.authenticated_at) < limit
}

/// Notes that the session's person has proved who they are by `method` (as `sessions.method` names it). A browser gets a
/// new cookie for it: put the line into the answer; `headers` are those of the request.
///
/// # Errors
/// When the database fails.
pub async fn stepped_up(
    app: &App,
    headers: &HeaderMap,
    session: &Session,
    method: &str,
) -> Result<Option<(HeaderName, HeaderValue)>> {
    let old = cookie::read(app, headers).map(|secret| fingerprint(secret.as_bytes()));
    let secret = new_secret();
    let hashes = old.map(|old| [old, fingerprint(secret.as_bytes())]);
    let tx = app.db.begin().await?;
    let renewed = store::step_up(&tx, session.id, app.clock.now(), hashes).await?;
    let event = Event {
        session_id: Some(session.id),
        data: json!({ "method": method }),
        ..Event::own(session.user_id, "session.stepped_up")
    };
    audit::record(app, &tx, event).await?;
    tx.commit().await?;
    app.sessions.cache.invalidate(&session.id);
    if let (true, Some(old)) = (renewed, old) {
        app.sessions.by_cookie.invalidate(&old);
    }
    Ok(renewed.then(|| cookie::set(app, &secret, session.remember)))
}

/// What somebody shows to prove who they are.
enum Proof {
    Password(String),
    /// Of an authenticator app, or a recovery code.
    Code(String),
    /// Of the mail that [`code::send`] sent.
    EmailCode(String),
}

impl Proof {
    fn method(&self) -> &'static str {
        match self {
            Self::Password(_) => "password",
            Self::Code(_) => "totp",
            Self::EmailCode(_) => "email_code",
        }
    }
}

/// Checks the proof and notes it; the cookie line of a browser.
async fn prove(
    app: &App,
    headers: &HeaderMap,
    person: &InSession,
    proof: Proof,
) -> Result<Option<(HeaderName, HeaderValue)>> {
    let method = proof.method();
    let right = is_right(app, person, proof).await?;
    metrics::step_up(method, if right { "success" } else { "failure" });
    if !right {
        return Err(Error::new(
            Code::InvalidCredentials,
            "This is not right. Check it and try again.",
        ));
    }
    stepped_up(app, headers, &person.session, method).await
}

async fn is_right(app: &App, person: &InSession, proof: Proof) -> Result<bool> {
    let user = &person.identity.user;
    match proof {
        Proof::Password(password) => accounts::confirm_password(app, user, password).await,
        Proof::Code(code) => second_factors::verify_code(app, user.id, code.trim()).await,
        Proof::EmailCode(code) => code::take(app, person.session.id, &code).await,
    }
}

/// Mails a code to somebody who has no password.
async fn send_code(app: &App, person: &InSession) -> Result<()> {
    let user = &person.identity.user;
    if user.password_hash.is_some() {
        return Err(Error::new(
            Code::Conflict,
            "This account has a password: prove who you are with it.",
        ));
    }
    code::send(app, user, person.session.id).await
}

/// Names the session in what is kept of its code.
fn tag(app: &App, id: Uuid, code: &str) -> [u8; 32] {
    let data = [b"step_up_code".as_slice(), id.as_bytes(), code.as_bytes()].concat();
    app.vault.tag(crate::secrets::Purpose::SecondFactor, &data)
}
