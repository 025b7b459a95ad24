//! The second proof at a login: codes of an authenticator app, recovery codes, passkeys.

use axum::{
    Router,
    response::{IntoResponse, Response},
};
use parlor_db::{
    entities::{passkeys, totp},
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::sessions::SignIn;
use crate::{
    app::App,
    http::{Code, Error, Result},
    ui::Page,
};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}

pub fn pages() -> Router<App> {
    Router::new()
}

/// A login that waits for its second factor.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Challenge {
    /// Send it back with the answer.
    pub token: String,
    /// What answers it: `totp`, `recovery_code`, `passkey`.
    pub methods: Vec<&'static str>,
    /// Seconds until it is void.
    pub expires_in: u64,
}

/// Whether the account asks for a second factor.
///
/// # Errors
/// When the database fails.
pub async fn is_on(app: &App, user_id: Uuid) -> Result<bool> {
    let codes = totp::Entity::find()
        .filter(totp::Column::UserId.eq(user_id))
        .filter(totp::Column::ConfirmedAt.is_not_null());
    if codes.count(app.db.read()).await? > 0 {
        return Ok(true);
    }
    let keys = passkeys::Entity::find().filter(passkeys::Column::UserId.eq(user_id));
    Ok(keys.count(app.db.read()).await? > 0)
}

/// Begins a challenge for somebody who has given the first proof.
///
/// # Errors
/// When the database fails.
pub async fn challenge(_app: &App, _sign_in: &SignIn<'_>) -> Result<Challenge> {
    Err(Error::new(Code::Unavailable, "Second factors are being built."))
}

/// Sends the browser to the page that asks for the second factor.
#[must_use]
pub fn ask(_app: &App, _page: &Page, _challenge: &Challenge, _next: Option<&str>) -> Response {
    Error::new(Code::Unavailable, "Second factors are being built.").into_response()
}

/// Whether `code` is one of the person's authenticator app, or a recovery code of theirs that was not used yet.
///
/// # Errors
/// When the database fails.
pub async fn verify_code(_app: &App, _user_id: Uuid, _code: &str) -> Result<bool> {
    // Nobody can set up a factor yet, so no code is anybody's.
    Ok(false)
}
