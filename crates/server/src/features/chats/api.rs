//! `/chats` and `/chats/{id}/messages`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Answered, ChatView, MessageView, Say, SentBefore, Settings, Tier, store};
use crate::{
    app::App,
    features::generations,
    http::{
        Create, Json, Page, PageQuery, Path, Query, Result,
        auth::Identity,
        create::{IDEMPOTENCY_REPLAYED, Replay, Stop},
        error::Problem,
        extract, pagination, sse,
    },
};

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateChat {
    /// Without one, the first message gives it.
    #[garde(length(chars, max = 200))]
    title: Option<String>,
    /// A theme of `config/prompts.yaml`.
    #[garde(length(max = 100))]
    theme: Option<String>,
    #[garde(length(max = 100))]
    audience: Option<String>,
    #[garde(length(max = 100))]
    response_style: Option<String>,
    /// A model of the configured provider, instead of the tier's.
    #[garde(length(min = 1, max = 200))]
    model: Option<String>,
}

/// Start a chat.
#[utoipa::path(post, path = "/chats", tag = "Chats",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["chats:write"])), request_body = CreateChat,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = ChatView), (status = 422, body = Problem)))]
pub async fn create(State(app): State<App>, identity: Identity, input: Create<CreateChat>) -> Result<Response> {
    let body = input.body;
    let settings = Settings {
        title: body.title.map(|title| title.trim().to_owned()),
        theme: Some(body.theme),
        audience: Some(body.audience),
        response_style: Some(body.response_style),
        model: Some(body.model),
    };
    match super::create(&app, identity.owner(), settings, Some(&input.once)).await {
        Ok(chat) => Ok((StatusCode::CREATED, Json(ChatView::from(&chat))).into_response()),
        Err(failure) => Ok(input.once.earlier(&app, failure).await?.into_response()),
    }
}

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListChats {
    /// Words of the title or of messages; the best matches come first, without pages.
    #[garde(length(chars, max = 500))]
    q: Option<String>,
    #[garde(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
    #[garde(length(max = 500))]
    cursor: Option<String>,
}

/// The person's chats, most recently used first.
#[utoipa::path(get, path = "/chats", tag = "Chats",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["chats:read"])), params(ListChats), responses((status = 200, body = Page<ChatView>)))]
pub async fn list(
    State(app): State<App>,
    identity: Identity,
    Query(query): Query<ListChats>,
) -> Result<Json<Page<ChatView>>> {
    let limit = query.limit.unwrap_or(pagination::DEFAULT_LIMIT);
    if let Some(words) = query.q.filter(|words| !words.trim().is_empty()) {
        let found = super::search(&app, identity.owner(), &words).await?;
        let view = |found: store::Found| ChatView {
            snippet: found.snippet,
            ..ChatView::from(&found.chat)
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let data = found.into_iter().take(limit).map(view).collect();
        return Ok(Json(Page {
            data,
            next_cursor: None,
        }));
    }
    let after = pagination::decode(query.cursor.as_deref())?;
    let rows = super::list(&app, identity.owner(), after, limit + 1).await?;
    let position = |chat: &super::Chat| store::Position(chat.updated_at.as_micros(), chat.id);
    Ok(Json(Page::from_rows(rows, limit, position, |chat| {
        ChatView::from(&chat)
    })))
}

/// One chat.
#[utoipa::path(get, path = "/chats/{id}", tag = "Chats",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["chats:read"])), params(("id" = Uuid, Path)),
    responses((status = 200, body = ChatView), (status = 404, body = Problem)))]
pub async fn get(State(app): State<App>, identity: Identity, Path(id): Path<Uuid>) -> Result<Json<ChatView>> {
    Ok(Json(ChatView::from(
        &super::find(app.db.read(), identity.owner(), id).await?,
    )))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateChat {
    #[garde(length(chars, min = 1, max = 200))]
    title: Option<String>,
    #[garde(inner(length(max = 100)))]
    #[serde(default, deserialize_with = "extract::present")]
    theme: Option<Option<String>>,
    #[garde(inner(length(max = 100)))]
    #[serde(default, deserialize_with = "extract::present")]
    audience: Option<Option<String>>,
    #[garde(inner(length(max = 100)))]
    #[serde(default, deserialize_with = "extract::present")]
    response_style: Option<Option<String>>,
    #[garde(inner(length(min = 1, max = 200)))]
    #[serde(default, deserialize_with = "extract::present")]
    model: Option<Option<String>>,
}

/// Change a chat's title or settings.
#[utoipa::path(patch, path = "/chats/{id}", tag = "Chats",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["chats:write"])), params(("id" = Uuid, Path)),
    responses((status = 200, body = ChatView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn update(
    State(app): State<App>,
    identity: Identity,
    Path(id): Path<Uuid>,
    Json(body): Json<UpdateChat>,
) -> Result<Json<ChatView>> {
    let settings = Settings {
        title: body.title,
        theme: body.theme,
        audience: body.audience,
        response_style: body.response_style,
        model: body.model,
    };
    let chat = super::change(&app, identity.owner(), id, settings).await?;
    Ok(Json(ChatView::from(&chat)))
}

/// Move a chat to the trash.
#[utoipa::path(delete, path = "/chats/{id}", tag = "Chats",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["chats:write"])), params(("id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn delete(State(app): State<App>, identity: Identity, Path(id): Path<Uuid>) -> Result<StatusCode> {
    super::delete(&app, identity.owner(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A chat's messages, oldest first.
#[utoipa::path(get, path = "/chats/{id}/messages", tag = "Chats",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["chats:read"])), params(("id" = Uuid, Path), PageQuery),
    responses((status = 200, body = Page<MessageView>), (status = 404, body = Problem)))]
pub async fn messages(
    State(app): State<App>,
    identity: Identity,
    Path(id): Path<Uuid>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<MessageView>>> {
    let owner = identity.owner();
    super::find(app.db.read(), owner, id).await?;
    let rows = store::messages(&app, owner, id, query.after()?, query.limit() + 1).await?;
    let mut page = Page::from_rows(rows, query.limit(), |row| row.id, |row| MessageView::from(&row));
    for message in page
        .data
        .iter_mut()
        .filter(|message| message.status == generations::status::RUNNING)
    {
        message.content = generations::text_so_far(&app, message.id).await?;
    }
    Ok(Json(page))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendMessage {
    /// What the person says; Markdown.
    #[garde(skip)]
    #[schema(min_length = 1, max_length = 100_000)]
    content: String,
    #[garde(skip)]
    #[serde(default)]
    tier: Tier,
    /// A model of the configured provider, instead of the tier's.
    #[garde(length(min = 1, max = 200))]
    model: Option<String>,
}

/// Say something. Answers as JSON when the answer has ended, or, with `Accept: text/event-stream`, as a stream of
/// events: `message.created`, `memory.learned`, `memory.recalled`, `delta`, `usage`, `error`, and `done` as the last.
#[utoipa::path(post, path = "/chats/{id}/messages", tag = "Chats",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["chats:write"])), request_body = SendMessage,
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = Answered), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 502, description = "provider_failed", body = Problem)))]
pub async fn send(
    State(app): State<App>,
    identity: Identity,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    input: Result<Create<SendMessage>, Stop>,
) -> Result<Response> {
    let owner = identity.owner();
    let streamed = sse::wanted(&headers);
    let (message_id, before) = match input {
        Ok(Create { body, once }) => {
            super::check_content(&body.content)?;
            let say = Say {
                content: body.content,
                tier: body.tier,
                model: body.model,
            };
            match super::send(&app, owner, id, say, Some(once.clone())).await {
                Ok(message_id) => (message_id, false),
                Err(failure) => (sent_before(&once.earlier(&app, failure).await?)?, true),
            }
        }
        Err(Stop::Failed(error)) => return Err(error),
        Err(Stop::Replayed(replay)) => (sent_before(&replay)?, true),
    };
    let mut response = if streamed {
        generations::read(&app, &identity, message_id, 0).await?
    } else {
        generations::wait(&app, owner, message_id).await?;
        let answered = super::answered(&app, owner, id, message_id).await?;
        (StatusCode::CREATED, Json(answered)).into_response()
    };
    if before {
        response
            .headers_mut()
            .insert(IDEMPOTENCY_REPLAYED, axum::http::HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The answer that an equal request has started before.
fn sent_before(replay: &Replay) -> Result<Uuid> {
    let sent: SentBefore = serde_json::from_str(&replay.body).map_err(crate::http::Error::internal)?;
    Ok(sent.message_id)
}
