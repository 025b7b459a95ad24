//! `/auth/refresh`, `/auth/logout` and the public keys.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode},
    response::IntoResponse,
};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Tokens, cookie, issue, store};
use crate::{
    app::App,
    http::{Code, Error, Json, Result, auth::InSession},
};

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    #[garde(length(min = 1, max = 500))]
    refresh_token: String,
}

/// Exchange a refresh token for a new pair. A token that was used before ends its session.
#[utoipa::path(post, path = "/auth/refresh", tag = "Accounts", security(()), responses(
    (status = 200, body = Tokens),
    (status = 401, description = "unauthenticated or refresh_token_reused", body = crate::http::error::Problem)))]
pub async fn refresh(State(app): State<App>, Json(request): Json<RefreshRequest>) -> Result<Json<Tokens>> {
    match store::exchange(&app, &request.refresh_token).await? {
        store::Exchange::New { session, refresh_token } => Ok(Json(issue(&app, &session, refresh_token)?)),
        store::Exchange::Unknown => Err(Error::new(Code::Unauthenticated, "Log in again.")),
        store::Exchange::Reused { session_id } => {
            super::end(&app, session_id, "refresh_token_reused").await?;
            tracing::warn!(%session_id, "a refresh token was used twice; its session has ended");
            Err(Error::new(
                Code::RefreshTokenReused,
                "The session has ended, to be safe. Log in again.",
            ))
        }
    }
}

/// End this session. Its cookie, access token and refresh token are dead at once.
#[utoipa::path(post, path = "/auth/logout", tag = "Accounts", responses((status = 204)))]
pub async fn logout(State(app): State<App>, InSession { session, .. }: InSession) -> Result<impl IntoResponse> {
    super::end(&app, session.id, "logout").await?;
    let site_data = ("clear-site-data", HeaderValue::from_static("\"cache\", \"storage\""));
    Ok((StatusCode::NO_CONTENT, [cookie::clear(&app)], [site_data]))
}

/// Public keys that verify access tokens.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "Operations", security(()), responses(
    (status = 200, description = "JSON Web Key Set", body = Object)))]
pub async fn jwks(State(app): State<App>) -> impl IntoResponse {
    let cacheable = [("cache-control", "public, max-age=300")];
    (cacheable, axum::Json(app.sessions.tokens.jwks()))
}
