//! The chats, in the browser.

use std::collections::HashMap;

use axum::{
    Router,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::{Zoned, tz::TimeZone};
use parlor_db::{Owner, entities::messages};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Chat, MemoryOfAnswer, Say, Settings, Tier, store,
    views::{self, ChatGroup, ChatLink, ChatView, ChatsView, Composer, MessageFragment, ModelNotice, Sidebar},
};
use crate::{
    app::App,
    features::generations::{self, LocalModel},
    http::{
        Code, Error, Form, Path, Result,
        auth::Identity,
        page::{Frame, go, show},
        pagination,
    },
    ui::{ConfirmView, Page, dates::When, markdown},
};

pub fn pages() -> Router<App> {
    Router::new()
        .route("/{locale}/chats", get(home).post(start))
        .route("/{locale}/chats/{id}", get(chat))
        .route("/{locale}/chats/{id}/messages", post(say))
        .route("/{locale}/chats/{id}/rename", post(rename))
        .route("/{locale}/chats/{id}/delete", post(delete))
        .route("/{locale}/chats/{id}/messages/{message_id}", get(message))
        .route("/{locale}/chats/{id}/messages/{message_id}/cancel", post(cancel))
        .route("/{locale}/chats/{id}/messages/{message_id}/continue", post(go_on))
}

#[derive(Default, Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    q: String,
    cursor: Option<String>,
    #[serde(default)]
    draft: String,
}

const CHATS_IN_LIST: u64 = 40;

async fn home(
    State(app): State<App>,
    Frame(page): Frame,
    identity: Identity,
    Query(query): Query<ListQuery>,
) -> Result<Response> {
    let sidebar = sidebar(&app, &page, identity.owner(), None, &query).await?;
    let composer = composer(&app, page.url("/chats"), query.draft, None);
    show(&ChatsView {
        model: model_notice(&app),
        sidebar,
        composer,
        page,
    })
}

#[derive(Deserialize)]
pub struct SayForm {
    #[serde(default)]
    content: String,
    #[serde(default)]
    tier: Tier,
}

/// The first message of a new chat. The page that follows shows the answer as it comes.
async fn start(
    State(app): State<App>,
    Frame(page): Frame,
    identity: Identity,
    Form(form): Form<SayForm>,
) -> Result<Response> {
    let owner = identity.owner();
    if let Some(error) = content_error(&page, &form.content) {
        let sidebar = sidebar(&app, &page, owner, None, &ListQuery::default()).await?;
        let composer = composer(&app, page.url("/chats"), form.content, Some(error));
        let view = ChatsView {
            model: model_notice(&app),
            sidebar,
            composer,
            page,
        };
        return Ok((Code::ValidationFailed.status(), show(&view)?).into_response());
    }
    let chat = super::create(&app, owner, Settings::default(), None).await?;
    super::send(
        &app,
        owner,
        chat.id,
        Say {
            content: form.content,
            tier: form.tier,
            model: None,
        },
        None,
    )
    .await?;
    Ok(go(&page, &format!("/chats/{}", chat.id)))
}

async fn chat(
    State(app): State<App>,
    Frame(page): Frame,
    identity: Identity,
    Path((_, id)): Path<(String, Uuid)>,
    Query(query): Query<ListQuery>,
) -> Result<Response> {
    let chat = super::find(app.db.read(), identity.owner(), id).await?;
    let composer = composer(
        &app,
        page.url(&format!("/chats/{id}/messages")),
        query.draft.clone(),
        None,
    );
    show(&chat_view(&app, page, identity.owner(), &chat, composer).await?)
}

async fn chat_view(app: &App, page: Page, owner: Owner, chat: &Chat, composer: Composer) -> Result<ChatView> {
    let rows = super::all_messages(app, owner, chat.id).await?;
    Ok(ChatView {
        sidebar: sidebar(app, &page, owner, Some(chat.id), &ListQuery::default()).await?,
        messages: message_views(app, &page, rows).await?,
        chat_id: chat.id.to_string(),
        title: chat.title.clone(),
        model: model_notice(app),
        composer,
        page,
    })
}

/// Sends without a script: the page comes back when the answer is complete.
async fn say(
    State(app): State<App>,
    Frame(page): Frame,
    identity: Identity,
    Path((_, id)): Path<(String, Uuid)>,
    Form(form): Form<SayForm>,
) -> Result<Response> {
    let owner = identity.owner();
    if let Some(error) = content_error(&page, &form.content) {
        let chat = super::find(app.db.read(), owner, id).await?;
        let action = page.url(&format!("/chats/{id}/messages"));
        let composer = composer(&app, action, form.content, Some(error));
        let view = chat_view(&app, page, owner, &chat, composer).await?;
        return Ok((Code::ValidationFailed.status(), show(&view)?).into_response());
    }
    let say = Say {
        content: form.content,
        tier: form.tier,
        model: None,
    };
    let message_id = super::send(&app, owner, id, say, None).await?;
    generations::wait(&app, owner, message_id).await?;
    Ok(go(&page, &format!("/chats/{id}#message-{message_id}")))
}

#[derive(Deserialize)]
pub struct RenameForm {
    title: String,
}

async fn rename(
    State(app): State<App>,
    Frame(page): Frame,
    identity: Identity,
    Path((_, id)): Path<(String, Uuid)>,
    Form(form): Form<RenameForm>,
) -> Result<Response> {
    let title: String = form.title.trim().chars().take(200).collect();
    if !title.is_empty() {
        super::change(
            &app,
            identity.owner(),
            id,
            Settings {
                title: Some(title),
                ..Settings::default()
            },
        )
        .await?;
    }
    Ok(go(&page, &format!("/chats/{id}?notice=chat-renamed")))
}

#[derive(Deserialize)]
pub struct ConfirmForm {
    #[serde(default)]
    confirm: String,
}

async fn delete(
    State(app): State<App>,
    Frame(page): Frame,
    identity: Identity,
    Path((_, id)): Path<(String, Uuid)>,
    Form(form): Form<ConfirmForm>,
) -> Result<Response> {
    if form.confirm == "yes" {
        super::delete(&app, identity.owner(), id).await?;
        return Ok(go(&page, "/chats?notice=chat-deleted"));
    }
    super::find(app.db.read(), identity.owner(), id).await?;
    show(&ConfirmView {
        title: page.t("chat-delete-title"),
        detail: page.t("chat-delete-detail"),
        button: page.t("chat-delete"),
        action: page.url(&format!("/chats/{id}/delete")),
        back: page.url(&format!("/chats/{id}")),
        page,
    })
}

/// One message, as it stands in the page: the script puts it in place of what it streamed.
async fn message(
    State(app): State<App>,
    Frame(page): Frame,
    identity: Identity,
    Path((_, id, message_id)): Path<(String, Uuid, Uuid)>,
) -> Result<Response> {
    let row = super::message(app.db.read(), identity.owner(), id, message_id).await?;
    let m = message_views(&app, &page, vec![row])
        .await?
        .pop()
        .ok_or_else(Error::not_found)?;
    show(&MessageFragment {
        page,
        chat_id: id.to_string(),
        m,
    })
}

#[derive(Deserialize)]
pub struct Nothing {}

async fn cancel(
    State(app): State<App>,
    Frame(page): Frame,
    identity: Identity,
    Path((_, id, message_id)): Path<(String, Uuid, Uuid)>,
    _: Form<Nothing>,
) -> Result<Response> {
    super::message(app.db.read(), identity.owner(), id, message_id).await?;
    generations::cancel(&app, identity.owner(), message_id).await?;
    Ok(go(&page, &format!("/chats/{id}#message-{message_id}")))
}

async fn go_on(
    State(app): State<App>,
    Frame(page): Frame,
    identity: Identity,
    Path((_, id, message_id)): Path<(String, Uuid, Uuid)>,
    _: Form<Nothing>,
) -> Result<Response> {
    super::message(app.db.read(), identity.owner(), id, message_id).await?;
    match generations::resume(&app, identity.owner(), message_id).await {
        // Somebody was faster: the page shows what they started.
        Err(error) if error.code() == Code::Conflict => {}
        resumed => drop(resumed?),
    }
    Ok(go(&page, &format!("/chats/{id}#message-{message_id}")))
}

fn composer(app: &App, action: String, draft: String, error: Option<String>) -> Composer {
    let units = |units: u32| usize::try_from(units).unwrap_or(1);
    Composer {
        action,
        draft,
        tier: views::Tier::Quick,
        quick_units: units(app.config.tiers.quick.units),
        enhanced_units: units(app.config.tiers.enhanced.units),
        error,
    }
}

fn model_notice(app: &App) -> ModelNotice {
    match app.models.local() {
        _ if !app.models.is_local() => ModelNotice::None,
        LocalModel::Ready(_) | LocalModel::Loading => ModelNotice::Weak {
            name: app.config.tiers.quick.local_model.clone(),
        },
        _ => ModelNotice::Missing,
    }
}

fn now(app: &App) -> Zoned {
    app.clock.now().to_jiff().to_zoned(TimeZone::UTC)
}

async fn sidebar(app: &App, page: &Page, owner: Owner, active: Option<Uuid>, query: &ListQuery) -> Result<Sidebar> {
    let words = query.q.trim().to_owned();
    let link = |chat: &Chat, snippet| {
        let link = ChatLink {
            id: chat.id.to_string(),
            title: chat.title.clone(),
            active: active == Some(chat.id),
            snippet,
            ..ChatLink::default()
        };
        (chat.updated_at.to_jiff(), link)
    };
    if !words.is_empty() {
        let mut found = super::search(app, owner, &words).await?;
        found.sort_by_key(|found| std::cmp::Reverse(found.chat.updated_at));
        let links = found
            .into_iter()
            .map(|found| link(&found.chat, found.snippet))
            .collect();
        let groups = ChatGroup::by_day(page.text, &now(app), links);
        return Ok(Sidebar {
            query: words,
            groups,
            next_page: None,
        });
    }
    let after = pagination::decode(query.cursor.as_deref())?;
    let rows = super::list(app, owner, after, CHATS_IN_LIST + 1).await?;
    let position = |chat: &Chat| store::Position(chat.updated_at.as_micros(), chat.id);
    let listed = pagination::Page::from_rows(rows, CHATS_IN_LIST, position, |chat| link(&chat, None));
    let next_page = listed
        .next_cursor
        .map(|cursor| page.url(&format!("/chats?cursor={cursor}")));
    Ok(Sidebar {
        query: words,
        groups: ChatGroup::by_day(page.text, &now(app), listed.data),
        next_page,
    })
}

async fn message_views(app: &App, page: &Page, rows: Vec<messages::Model>) -> Result<Vec<views::MessageView>> {
    let answers: Vec<Uuid> = rows
        .iter()
        .filter(|row| row.role == "assistant")
        .map(|row| row.id)
        .collect();
    let mut memory = generations::memory_of(app.db.read(), &answers).await?;
    let now = now(app);
    let mut rows = rows;
    for row in rows.iter_mut().filter(|row| row.status == generations::status::RUNNING) {
        row.content = generations::text_so_far(app, row.id).await?;
    }
    let rendered = rendered(rows).await?;
    Ok(rendered
        .into_iter()
        .map(|(row, html)| message_view(page, &now, (row, html), &mut memory))
        .collect())
}

/// What the page says of an answer that failed; the stored detail is in English.
fn error_key(code: &str) -> &'static str {
    match code {
        "provider_timeout" => "error-provider-timeout",
        "unavailable" => "error-no-model",
        _ => "error-provider",
    }
}

/// Why a message cannot be sent, in the page's language.
fn content_error(page: &Page, content: &str) -> Option<String> {
    let error = super::check_content(content).err()?;
    let empty = error.fields().iter().any(|field| field.code == "required");
    Some(page.t(if empty { "composer-empty" } else { "composer-too-long" }))
}

/// Answers with their HTML. Highlighting takes milliseconds for a long one, so it does not run among the requests.
async fn rendered(rows: Vec<messages::Model>) -> Result<Vec<(messages::Model, String)>> {
    let render = |row: messages::Model| {
        let html = if row.role == "assistant" {
            markdown::render(&row.content)
        } else {
            String::new()
        };
        (row, html)
    };
    let all = tokio::task::spawn_blocking(move || rows.into_iter().map(render).collect());
    all.await.map_err(Error::internal)
}

fn message_view(
    page: &Page,
    now: &Zoned,
    (row, html): (messages::Model, String),
    memory: &mut HashMap<Uuid, MemoryOfAnswer>,
) -> views::MessageView {
    let memory = memory.remove(&row.id).unwrap_or_default();
    let role = views::Role::from_id(&row.role);
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let said = |value: &Value| text(value, "occurred_at").parse().unwrap_or_default();
    let recalled = |value: &Value| views::RecalledView {
        content: text(value, "content"),
        when: When::new(page.text, said(value), now),
        score: value["score"].as_f64().unwrap_or_default() as f32,
    };
    let learned = |value: &Value| views::LearnedView {
        id: text(value, "id"),
        content: text(value, "content"),
    };
    views::MessageView {
        id: row.id.to_string(),
        role,
        html,
        text: row.content,
        status: views::Status::from_id(&row.status),
        tier: row.tier.as_deref().map(views::Tier::from_id),
        model: row.model,
        when: When::new(page.text, row.created_at.to_jiff(), now),
        recalled: memory.recalled.iter().map(recalled).collect(),
        learned: memory.learned.iter().map(learned).collect(),
        error: row
            .error_code
            .as_deref()
            .filter(|code| *code != "interrupted")
            .map(|code| page.t(error_key(code))),
    }
}
