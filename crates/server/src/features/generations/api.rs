//! Readers of an answer, and what can be done with one.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use crate::{
    app::App,
    features::chats,
    http::{Json, Path, Result, auth::Identity, error::Problem, sse},
};

/// Join or resume an answer's stream. `Last-Event-ID` names the last event that was seen; without it the stream begins
/// at the beginning. A reader that leaves does not stop the answer.
#[utoipa::path(get, path = "/chats/{id}/messages/{message_id}/events", tag = "Chats",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["chats:read"])),
    params(("id" = Uuid, Path), ("message_id" = Uuid, Path), ("Last-Event-ID" = Option<i64>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 404, body = Problem)))]
pub async fn events(
    State(app): State<App>,
    identity: Identity,
    Path((chat_id, message_id)): Path<(Uuid, Uuid)>,
    headers: HeaderMap,
) -> Result<Response> {
    chats::message(app.db.read(), identity.owner(), chat_id, message_id).await?;
    super::read(&app, &identity, message_id, sse::last_event_id(&headers)).await
}

/// Stop an answer; what came is kept.
#[utoipa::path(post, path = "/chats/{id}/messages/{message_id}/cancel", tag = "Chats",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["chats:write"])),
    params(("id" = Uuid, Path), ("message_id" = Uuid, Path)),
    responses((status = 200, body = chats::MessageView), (status = 404, body = Problem)))]
pub async fn cancel(
    State(app): State<App>,
    identity: Identity,
    Path((chat_id, message_id)): Path<(Uuid, Uuid)>,
) -> Result<Json<chats::MessageView>> {
    super::cancel(&app, identity.owner(), message_id).await?;
    let message = chats::message(app.db.write(), identity.owner(), chat_id, message_id).await?;
    Ok(Json(chats::MessageView::from(&message)))
}

/// Go on with an answer that was interrupted, stopped, or failed in its middle. Answers as a new message does: as JSON
/// when it has ended, or as a stream of what is new.
#[utoipa::path(post, path = "/chats/{id}/messages/{message_id}/continue", tag = "Chats",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["chats:write"])),
    params(("id" = Uuid, Path), ("message_id" = Uuid, Path)),
    responses((status = 201, body = chats::Answered), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn continue_answer(
    State(app): State<App>,
    identity: Identity,
    Path((chat_id, message_id)): Path<(Uuid, Uuid)>,
    headers: HeaderMap,
) -> Result<Response> {
    let owner = identity.owner();
    chats::message(app.db.read(), owner, chat_id, message_id).await?;
    let after = super::resume(&app, owner, message_id).await?;
    if sse::wanted(&headers) {
        return super::read(&app, &identity, message_id, after).await;
    }
    super::wait(&app, owner, message_id).await?;
    let answered = chats::answered(&app, owner, chat_id, message_id).await?;
    Ok((StatusCode::CREATED, Json(answered)).into_response())
}
