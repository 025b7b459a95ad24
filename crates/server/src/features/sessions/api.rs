//! `/auth/refresh`, `/auth/logout`, the public keys, and `/me/sessions`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use garde::Validate;
use parlor_db::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Client, Device, Session, Tokens, cookie, ending, events, refresh, store};
use crate::{
    app::App,
    http::{Json, Page, PageQuery, Path, Query, Result, auth::InSession, error::Problem, sse},
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
    Ok((StatusCode::NO_CONTENT, cookie::forget(&app)))
}

/// Public keys that verify access tokens. Look here again for a `kid` that you do not know: a new key is published an hour
/// before it signs, so an answer may be kept for five minutes.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "Operations", security(()), responses(
    (status = 200, description = "JSON Web Key Set", body = Object)))]
pub async fn jwks(State(app): State<App>) -> impl IntoResponse {
    let cacheable = [("cache-control", "public, max-age=300")];
    (cacheable, axum::Json(app.sessions.tokens.keys.jwks(app.clock.now())))
}

/// A session, as its person sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionView {
    id: Uuid,
    /// Whether it is the one that asks.
    current: bool,
    device: Client,
    /// As much of the address as this server keeps; null where it keeps none.
    ip: Option<String>,
    /// Always null: Parlor asks nobody where an address is.
    location: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// Within a minute.
    #[schema(value_type = String, format = "date-time")]
    last_active_at: Timestamp,
}

impl SessionView {
    #[must_use]
    pub fn new(session: &Session, current: Option<Uuid>) -> Self {
        Self {
            id: session.id,
            current: current == Some(session.id),
            device: Client::parse(session.user_agent.as_deref()),
            ip: session.ip.clone(),
            location: None,
            created_at: session.created_at,
            last_active_at: session.last_active_at,
        }
    }
}

/// Where the signed-in person is logged in, the session that was active last first.
#[utoipa::path(get, path = "/me/sessions", tag = "Sessions", params(PageQuery), responses(
    (status = 200, body = Page<SessionView>)))]
pub async fn list(
    State(app): State<App>,
    by: InSession,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<SessionView>>> {
    let rows = store::list(&app, by.identity.user.id, query.after()?, query.limit() + 1).await?;
    let position = |session: &Session| store::Position(session.last_active_at.as_micros(), session.id);
    let view = |session: Session| SessionView::new(&session, Some(by.session.id));
    Ok(Json(Page::from_rows(rows, query.limit(), position, view)))
}

/// Log another device out. Its cookie and tokens are dead at once, its open streams close within a second.
#[utoipa::path(delete, path = "/me/sessions/{id}", tag = "Sessions", params(("id" = Uuid, Path)), responses(
    (status = 204), (status = 404, body = Problem),
    (status = 409, description = "conflict: it is the session that asks", body = Problem)))]
pub async fn revoke(State(app): State<App>, by: InSession, device: Device, Path(id): Path<Uuid>) -> Result<StatusCode> {
    ending::revoke(&app, &by, device, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Log all other devices out.
#[utoipa::path(delete, path = "/me/sessions", tag = "Sessions", responses((status = 204)))]
pub async fn revoke_others(State(app): State<App>, by: InSession, device: Device) -> Result<StatusCode> {
    ending::revoke_others(&app, &by, device).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What happens to the person's sessions, as server-sent events: `session.created` (a session), `session.revoked`
/// (`{id, current}`), `session.active` (`{id, last_active_at}`). With `Last-Event-ID` it begins with what was missed. The
/// end of the session that reads is the last event of its stream.
#[utoipa::path(get, path = "/me/sessions/events", tag = "Sessions", params(("Last-Event-ID" = Option<i64>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub async fn events(State(app): State<App>, by: InSession, headers: HeaderMap) -> Result<Response> {
    let frames = events::stream(&app, &by, sse::last_event_id(&headers)).await?;
    Ok(sse::response(frames))
}
