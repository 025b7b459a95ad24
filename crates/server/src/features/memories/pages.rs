//! What Parlor remembers, in the browser.

use std::collections::HashMap;

use axum::{
    Router,
    extract::{Query, State},
    response::Response,
    routing::{get, post},
};
use jiff::tz::TimeZone;
use parlor_db::Owner;
use parlor_memory::Kind;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Memory, recall, store,
    views::{KindChip, MemoriesView, MemoryView, SourceView},
};
use crate::{
    app::App,
    features::chats,
    http::{
        Form, Path, Result,
        auth::Identity,
        page::{Frame, go, show},
        pagination,
    },
    ui::{ConfirmView, Page, dates::When},
};

pub fn pages() -> Router<App> {
    Router::new()
        .route("/{locale}/memories", get(memories))
        .route("/{locale}/memories/{id}/delete", post(forget))
}

const ON_A_PAGE: u64 = 50;

#[derive(Deserialize)]
pub struct MemoriesQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    kind: String,
    cursor: Option<String>,
}

async fn memories(
    State(app): State<App>,
    Frame(page): Frame,
    identity: Identity,
    Query(query): Query<MemoriesQuery>,
) -> Result<Response> {
    let owner = identity.owner();
    let kind = Kind::parse(&query.kind).map(|kind| kind.as_str());
    let counts = store::count_by_kind(&app, owner).await?;
    let (rows, next_cursor) = found(&app, owner, &query, kind).await?;
    let next_page = next_cursor.map(|cursor| page.url(&format!("/memories?kind={}&cursor={cursor}", query.kind)));
    let view = MemoriesView {
        kinds: chips(&counts, kind),
        memories: views(&app, &page, owner, rows).await?,
        query: query.q.trim().to_owned(),
        next_page,
        page,
    };
    show(&view)
}

async fn found(
    app: &App,
    owner: Owner,
    query: &MemoriesQuery,
    kind: Option<&str>,
) -> Result<(Vec<Memory>, Option<String>)> {
    if !query.q.trim().is_empty() {
        let limit = usize::try_from(ON_A_PAGE).unwrap_or(50);
        let found = recall::search(app, owner, &query.q, None, limit).await?;
        let wanted = |memory: &Memory| kind.is_none_or(|kind| memory.kind == kind);
        return Ok((
            found.into_iter().map(|found| found.memory).filter(wanted).collect(),
            None,
        ));
    }
    let before = pagination::decode(query.cursor.as_deref())?;
    let rows = super::list(app, owner, kind, before, ON_A_PAGE + 1).await?;
    let listed = pagination::Page::from_rows(rows, ON_A_PAGE, |row| row.id, |row| row);
    Ok((listed.data, listed.next_cursor))
}

fn chips(counts: &[(String, i64)], active: Option<&str>) -> Vec<KindChip> {
    if counts.is_empty() {
        return Vec::new();
    }
    let chip = |id: &str, count: i64| KindChip {
        id: id.to_owned(),
        active: active.unwrap_or_default() == id,
        count: usize::try_from(count).ok(),
    };
    let all = chip("", counts.iter().map(|(_, count)| count).sum());
    std::iter::once(all)
        .chain(counts.iter().map(|(kind, count)| chip(kind, *count)))
        .collect()
}

async fn views(app: &App, page: &Page, owner: Owner, rows: Vec<Memory>) -> Result<Vec<MemoryView>> {
    let ids = rows.iter().filter_map(|row| row.source_chat_id).collect();
    let titles: HashMap<Uuid, String> = chats::titles(app, owner, ids).await?;
    let now = app.clock.now().to_jiff().to_zoned(TimeZone::UTC);
    let view = |row: Memory| MemoryView {
        id: row.id.to_string(),
        when: When::new(page.text, row.occurred_at.to_jiff(), &now),
        source: row.source_chat_id.and_then(|chat_id| {
            let title = titles.get(&chat_id)?.clone();
            Some(SourceView {
                chat_id: chat_id.to_string(),
                title,
            })
        }),
        content: row.content,
        kind: row.kind,
    };
    Ok(rows.into_iter().map(view).collect())
}

#[derive(Deserialize)]
pub struct ConfirmForm {
    #[serde(default)]
    confirm: String,
}

async fn forget(
    State(app): State<App>,
    Frame(page): Frame,
    identity: Identity,
    Path((_, id)): Path<(String, Uuid)>,
    Form(form): Form<ConfirmForm>,
) -> Result<Response> {
    if form.confirm == "yes" {
        super::forget(&app, identity.owner(), id).await?;
        return Ok(go(&page, "/memories?notice=memory-forgotten"));
    }
    show(&ConfirmView {
        title: page.t("memory-forget-title"),
        detail: page.t("memory-forget-detail"),
        button: page.t("memory-forget"),
        action: page.url(&format!("/memories/{id}/delete")),
        back: page.url("/memories"),
        page,
    })
}
