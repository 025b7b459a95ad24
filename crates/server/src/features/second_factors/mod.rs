//! The second proof at a login: codes of an authenticator app, recovery codes, passkeys; and passkeys alone.

mod api;
mod challenge;
mod change;
mod gate;
mod pages;
mod passkeys;
mod recovery;
mod store;
mod totp;
mod views;

use std::time::Duration;

use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    accounts::User,
    sessions::{SignIn, cookie},
};
use crate::{app::App, coordination::Cache, http::Result, ui::Page};

pub use gate::gate;
pub use pages::pages;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::list))
        .routes(routes!(api::begin_totp, api::remove_totp))
        .routes(routes!(api::confirm_totp))
        .routes(routes!(api::renew_recovery_codes))
        .routes(routes!(api::passkey_options))
        .routes(routes!(api::add_passkey))
        .routes(routes!(api::rename_passkey, api::remove_passkey))
        .routes(routes!(api::answer))
        .routes(routes!(api::login_options))
        .routes(routes!(api::login))
}

/// Who has a factor, for the question that every request of an administrator asks.
pub struct SecondFactors {
    known: Cache<Uuid, bool>,
}

impl SecondFactors {
    /// `exclusive` when no other process writes to the database; otherwise a row is believed for a second only.
    #[must_use]
    pub fn new(exclusive: bool) -> Self {
        let max_age = if exclusive {
            Duration::from_secs(300)
        } else {
            Duration::from_secs(1)
        };
        Self {
            known: Cache::new(10_000, max_age),
        }
    }

    fn forget(&self, user_id: Uuid) {
        self.known.invalidate(&user_id);
    }
}

/// A login that waits for its second factor.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Challenge {
    /// Send it back with the answer.
    pub token: String,
    /// What answers it: `totp`, `passkey`, `recovery_code`.
    pub methods: Vec<&'static str>,
    /// Seconds until it is void.
    pub expires_in: u64,
    /// Options for `navigator.credentials.get`, where a passkey can answer.
    #[serde(rename = "publicKey", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub public_key: Option<Value>,
}

/// Whether the account asks for a second factor. One query: every login asks it.
///
/// # Errors
/// When the database fails.
pub async fn is_on(app: &App, user_id: Uuid) -> Result<bool> {
    store::has_any(app.db.read(), user_id).await
}

/// Begins a challenge for somebody who has given the first proof.
///
/// # Errors
/// When the database fails.
pub async fn challenge(app: &App, sign_in: &SignIn<'_>) -> Result<Challenge> {
    challenge::begin(app, sign_in).await
}

/// Whether `code` is right, a fresh one of the app or an unused recovery code; it is used up then.
///
/// # Errors
/// `rate_limited` after too many wrong codes, or when the database fails.
pub async fn verify_code(app: &App, user_id: Uuid, code: &str) -> Result<bool> {
    challenge::verify_code(app, user_id, code).await
}

/// Takes all factors of somebody who lost them, and ends their sessions: the operator's rescue. How many there were.
///
/// # Errors
/// When the database fails.
pub async fn reset(app: &App, user: &User) -> Result<u64> {
    change::reset(app, user).await
}

/// Removes challenges that ended long ago; the job worker calls it from time to time.
///
/// # Errors
/// When the database fails.
pub async fn purge(app: &App) -> Result<()> {
    const KEPT: Duration = Duration::from_secs(24 * 3600);
    store::challenges::purge(app, app.clock.now() - KEPT).await
}

/// The cookie that carries the challenge from one page to the next.
fn challenge_cookie(app: &App) -> &'static str {
    cookie::prefixed(app, "parlor_challenge", "__Host-parlor_challenge")
}

/// Sends the browser to the page that asks for the second factor.
#[must_use]
pub fn ask(app: &App, page: &Page, challenge: &Challenge, next: Option<&str>) -> Response {
    let life = format!("; Max-Age={}", challenge.expires_in);
    let line = cookie::line(app, challenge_cookie(app), &challenge.token, &life);
    let query = next.map(|next| serde_urlencoded::to_string([("next", next)]).unwrap_or_default());
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    let to = Redirect::to(&format!("{}{query}", page.url("/login/second-factor")));
    (AppendHeaders([line]), to).into_response()
}
