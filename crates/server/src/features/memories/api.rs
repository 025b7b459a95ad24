//! `/memories`.

use std::time::Instant;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use garde::Validate;
use parlor_db::{Owner, Timestamp};
use parlor_memory::Kind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{MemoryView, New, recall, store, view::PartsView};
use crate::{
    app::App,
    http::{
        Create, Error, FieldError, Json, Page, Path, Query, Result, auth::Identity, create::Once, error::Problem,
        pagination,
    },
};

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateMemory {
    /// A statement, as the person would say it.
    #[garde(length(chars, min = 1, max = 4000), custom(not_blank))]
    content: String,
    /// `episode` if not given.
    #[garde(length(max = 20))]
    kind: Option<String>,
    /// 0 to 1; 0.5 if not given.
    #[garde(range(min = 0.0, max = 1.0))]
    importance: Option<f64>,
    /// When it was said or happened; now if not given.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = "date-time")]
    occurred_at: Option<Timestamp>,
}

fn not_blank(text: &str, _: &()) -> garde::Result {
    if text.trim().is_empty() {
        Err(garde::Error::new("must not be blank"))
    } else {
        Ok(())
    }
}

#[derive(Serialize, ToSchema)]
pub struct Created {
    memory: MemoryView,
    /// What it replaced.
    superseded: Vec<MemoryView>,
}

/// Add a memory. The same statement again answers the one that is there.
#[utoipa::path(post, path = "/memories", tag = "Memory",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["memories:write"])), request_body = CreateMemory,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = Created), (status = 422, body = Problem)))]
pub async fn create(State(app): State<App>, identity: Identity, input: Create<CreateMemory>) -> Result<Response> {
    let owner = identity.owner();
    let content = input.body.content.trim().to_owned();
    let new = New {
        kind: parse_kind(input.body.kind.as_deref())?.unwrap_or(Kind::Episode),
        content,
        importance: input.body.importance.unwrap_or(0.5),
        confidence: 1.0,
        occurred_at: input.body.occurred_at.unwrap_or_else(|| app.clock.now()),
        source: None,
    };
    match add(&app, owner, new, &input.once).await {
        Ok(created) => Ok((StatusCode::CREATED, Json(created)).into_response()),
        Err(failure) => Ok(input.once.earlier(&app, failure).await?.into_response()),
    }
}

async fn add(app: &App, owner: Owner, new: New, once: &Once) -> Result<Created> {
    let content = new.content.clone();
    let tx = app.db.begin().await?;
    super::keep(app, &tx, owner, vec![new]).await?;
    let memory = store::by_content(&tx, owner, &content)
        .await?
        .ok_or_else(Error::not_found)?;
    let created = Created {
        memory: MemoryView::from(&memory),
        superseded: Vec::new(),
    };
    once.store(app, &tx, StatusCode::CREATED, &created).await?;
    tx.commit().await?;
    app.jobs.wake();
    Ok(created)
}

fn parse_kind(text: Option<&str>) -> Result<Option<Kind>> {
    let Some(text) = text else { return Ok(None) };
    let wrong = || {
        Error::validation(vec![FieldError::new(
            "kind",
            "invalid_value",
            "There is no such kind of memory.",
        )])
    };
    Kind::parse(text).map(Some).ok_or_else(wrong)
}

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListMemories {
    /// Only this kind.
    #[garde(length(max = 20))]
    kind: Option<String>,
    #[garde(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
    #[garde(length(max = 500))]
    cursor: Option<String>,
}

/// The person's memories, newest first.
#[utoipa::path(get, path = "/memories", tag = "Memory",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["memories:read"])), params(ListMemories),
    responses((status = 200, body = Page<MemoryView>)))]
pub async fn list(
    State(app): State<App>,
    identity: Identity,
    Query(query): Query<ListMemories>,
) -> Result<Json<Page<MemoryView>>> {
    let limit = query.limit.unwrap_or(pagination::DEFAULT_LIMIT);
    let kind = parse_kind(query.kind.as_deref())?.map(|kind| kind.as_str());
    let before = pagination::decode(query.cursor.as_deref())?;
    let rows = super::list(&app, identity.owner(), kind, before, limit + 1).await?;
    Ok(Json(Page::from_rows(
        rows,
        limit,
        |row| row.id,
        |row| MemoryView::from(&row),
    )))
}

/// One memory.
#[utoipa::path(get, path = "/memories/{id}", tag = "Memory",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["memories:read"])), params(("id" = Uuid, Path)),
    responses((status = 200, body = MemoryView), (status = 404, body = Problem)))]
pub async fn get(State(app): State<App>, identity: Identity, Path(id): Path<Uuid>) -> Result<Json<MemoryView>> {
    let found = store::by_ids(&app, identity.owner(), &[id]).await?;
    Ok(Json(MemoryView::from(found.first().ok_or_else(Error::not_found)?)))
}

/// Forget a memory.
#[utoipa::path(delete, path = "/memories/{id}", tag = "Memory",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["memories:write"])), params(("id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn delete(State(app): State<App>, identity: Identity, Path(id): Path<Uuid>) -> Result<StatusCode> {
    super::forget(&app, identity.owner(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forget everything.
#[utoipa::path(delete, path = "/memories", tag = "Memory",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["memories:write"])), responses((status = 204)))]
pub async fn delete_all(State(app): State<App>, identity: Identity) -> Result<StatusCode> {
    store::delete(&app, identity.owner(), None).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchMemories {
    #[garde(length(chars, min = 1, max = 4000))]
    query: String,
    /// 1 to 100; 10 if not given.
    #[garde(range(min = 1, max = 100))]
    limit: Option<usize>,
}

#[derive(Serialize, ToSchema)]
pub struct SearchResult {
    data: Vec<Scored>,
    /// Milliseconds.
    took_ms: f64,
}

#[derive(Serialize, ToSchema)]
pub struct Scored {
    memory: MemoryView,
    score: f32,
    parts: PartsView,
}

/// Find memories by words and meaning, with the reasons of each score.
#[utoipa::path(post, path = "/memories/search", tag = "Memory",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["memories:read"])), responses((status = 200, body = SearchResult)))]
pub async fn search(
    State(app): State<App>,
    identity: Identity,
    Json(request): Json<SearchMemories>,
) -> Result<Json<SearchResult>> {
    let started = Instant::now();
    let limit = request.limit.unwrap_or(10);
    let found = recall::search(&app, identity.owner(), &request.query, None, limit).await?;
    let scored = |found: recall::Recalled| Scored {
        memory: MemoryView::from(&found.memory),
        score: found.score,
        parts: PartsView::from(&found.parts),
    };
    let data = found.into_iter().map(scored).collect();
    Ok(Json(SearchResult {
        data,
        took_ms: started.elapsed().as_secs_f64() * 1000.0,
    }))
}
