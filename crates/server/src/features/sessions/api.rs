//! `/auth/refresh`, `/auth/logout` and the public keys.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode},
    response::IntoResponse,
};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Tokens, cookie, refresh};
use crate::{
    app::App,
    http::{Json, Result, auth::InSession},
};

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    #[garde(length(min = 1, max = 500))]
    refresh_token: String,
}

/// Exchange a refresh token for a new pair. Sent again within `sessions.refresh_grace_s`, while the new one is unused, it
/// gives that same new one: for lost answers and for many tabs. Sent again later it ends its session.
#[utoipa::path(post, path = "/auth/refresh", tag = "Accounts", security(()), responses(
    (status = 200, body = Tokens),
    (status = 401, description = "unauthenticated, session_revoked or refresh_token_reused", body = crate::http::error::Problem)))]
pub async fn refresh(State(app): State<App>, Json(request): Json<RefreshRequest>) -> Result<Json<Tokens>> {
    refresh::exchange(&app, &request.refresh_token).await.map(Json)
}

/// End this session. Its cookie, access token and refresh token are dead at once.
#[utoipa::path(post, path = "/auth/logout", tag = "Accounts", responses((status = 204)))]
pub async fn logout(State(app): State<App>, InSession { session, .. }: InSession) -> Result<impl IntoResponse> {
    super::end(&app, session.id, "logout").await?;
    let site_data = ("clear-site-data", HeaderValue::from_static("\"cache\", \"storage\""));
    Ok((StatusCode::NO_CONTENT, [cookie::clear(&app)], [site_data]))
}

/// Public keys that verify access tokens. Look here again for a `kid` that you do not know: a new key is published an hour
/// before it signs, so an answer may be kept for five minutes.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "Operations", security(()), responses(
    (status = 200, description = "JSON Web Key Set", body = Object)))]
pub async fn jwks(State(app): State<App>) -> impl IntoResponse {
    let cacheable = [("cache-control", "public, max-age=300")];
    (cacheable, axum::Json(app.sessions.tokens.keys.jwks(app.clock.now())))
}
