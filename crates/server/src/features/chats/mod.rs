//! Conversations and their messages.

mod api;
mod pages;
mod rules;
mod store;
mod view;
mod views;

use std::collections::HashMap;

use axum::http::StatusCode;
pub use parlor_db::entities::chats::Model as Chat;
use parlor_db::{
    Owner, Tx,
    dialect::{self, Kind},
    entities::messages,
    sea_orm::ConnectionTrait,
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use rules::Tier;
pub use store::{Found, Settings};
pub use view::{ChatView, MessageView};

use crate::{
    app::App,
    features::{accounts, generations, memories},
    http::{Error, FieldError, Result, create::Once},
};

pub use pages::pages;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::create, api::list))
        .routes(routes!(api::get, api::update, api::delete))
        .routes(routes!(api::messages, api::send))
}

/// A chat, if it is the owner's.
///
/// # Errors
/// `not_found` otherwise.
pub async fn find(db: &impl ConnectionTrait, owner: Owner, id: Uuid) -> Result<Chat> {
    store::find(db, owner, id).await?.ok_or_else(Error::not_found)
}

/// A message of one of the owner's chats.
///
/// # Errors
/// `not_found` otherwise.
pub async fn message(db: &impl ConnectionTrait, owner: Owner, chat_id: Uuid, id: Uuid) -> Result<messages::Model> {
    store::message(db, owner, chat_id, id)
        .await?
        .ok_or_else(Error::not_found)
}

/// The owner's chats, most recently used first.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, owner: Owner, after: Option<store::Position>, limit: u64) -> Result<Vec<Chat>> {
    store::list(app, owner, after, limit).await
}

/// The owner's chats whose title or messages have all words of `query`.
///
/// # Errors
/// When the database fails.
pub async fn search(app: &App, owner: Owner, query: &str) -> Result<Vec<Found>> {
    store::search(app, owner, query).await
}

/// A chat's messages, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn all_messages(app: &App, owner: Owner, chat_id: Uuid) -> Result<Vec<messages::Model>> {
    store::messages(app, owner, chat_id, None, store::MOST_MESSAGES).await
}

/// Titles of those of the chats that the owner has.
///
/// # Errors
/// When the database fails.
pub async fn titles(app: &App, owner: Owner, ids: Vec<Uuid>) -> Result<HashMap<Uuid, String>> {
    store::titles(app, owner, ids).await
}

/// Makes a chat.
///
/// # Errors
/// `validation_failed` for a theme, audience or style that the server does not have.
pub async fn create(app: &App, owner: Owner, settings: Settings, once: Option<&Once>) -> Result<Chat> {
    check(app, &settings)?;
    let tx = app.db.begin().await?;
    let chat = store::insert(app, &tx, owner, settings).await?;
    index_title(&tx, &chat).await?;
    accounts::count(&tx, owner.id(), 1, 0, app.clock.now()).await?;
    if let Some(once) = once {
        once.store(app, &tx, StatusCode::CREATED, &ChatView::from(&chat))
            .await?;
    }
    tx.commit().await?;
    app.users.invalidate(owner.id());
    Ok(chat)
}

/// Changes a chat's title or settings.
///
/// # Errors
/// `not_found`, and those of [`create`].
pub async fn change(app: &App, owner: Owner, id: Uuid, settings: Settings) -> Result<Chat> {
    check(app, &settings)?;
    let tx = app.db.begin().await?;
    store::update(app, &tx, owner, id, settings).await?;
    let chat = find(&tx, owner, id).await?;
    index_title(&tx, &chat).await?;
    tx.commit().await?;
    Ok(chat)
}

/// Moves a chat to the trash.
///
/// # Errors
/// `not_found`.
pub async fn delete(app: &App, owner: Owner, id: Uuid) -> Result<()> {
    let tx = app.db.begin().await?;
    find(&tx, owner, id).await?;
    store::trash(app, &tx, owner, id).await?;
    accounts::count(&tx, owner.id(), -1, 0, app.clock.now()).await?;
    tx.commit().await?;
    app.users.invalidate(owner.id());
    Ok(())
}

fn check(app: &App, settings: &Settings) -> Result<()> {
    let config = &app.config;
    let known = [
        ("theme", &settings.theme, &config.themes),
        ("audience", &settings.audience, &config.audiences),
        ("response_style", &settings.response_style, &config.response_styles),
    ];
    let wrong = known.into_iter().filter_map(|(field, value, known)| {
        let value = value.as_ref()?.as_ref()?;
        let names = || known.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        (!known.contains_key(value))
            .then(|| FieldError::new(field, "invalid_value", format!("Must be one of {}.", names())))
    });
    let wrong: Vec<FieldError> = wrong.collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Error::validation(wrong))
    }
}

async fn index_title(tx: &Tx, chat: &Chat) -> Result<()> {
    let terms = parlor_memory::terms(&chat.title);
    let document = dialect::Document {
        id: chat.id,
        kind: Kind::ChatTitle,
        chat_id: Some(chat.id),
        terms: &terms,
    };
    Ok(dialect::index(tx, Owner::new(chat.owner_id), document).await?)
}

/// Makes a message findable, as part of `tx`.
///
/// # Errors
/// When the database fails.
pub async fn index_message(tx: &Tx, message: &messages::Model) -> Result<()> {
    let terms = parlor_memory::terms(&message.content);
    let document = dialect::Document {
        id: message.id,
        kind: Kind::Message,
        chat_id: Some(message.chat_id),
        terms: &terms,
    };
    Ok(dialect::index(tx, Owner::new(message.owner_id), document).await?)
}

/// What a person says in a chat.
pub struct Say {
    pub content: String,
    pub tier: Tier,
    pub model: Option<String>,
}

/// What an idempotency key keeps of a message: its answer is read from the chat, whenever it is asked for again.
#[derive(Serialize, serde::Deserialize)]
pub(crate) struct SentBefore {
    pub message_id: Uuid,
}

/// Takes a message, and answers the id of the answer: the message, what is learned from it, and the answer's first
/// events are one transaction; then the answer runs.
///
/// # Errors
/// `not_found`; `conflict` for an equal request that is just being taken.
pub async fn send(app: &App, owner: Owner, chat_id: Uuid, say: Say, once: Option<Once>) -> Result<Uuid> {
    let own = app.clone();
    // A commit without its launch would leave an answer that nobody writes.
    app.to_the_end(async move { take(&own, owner, chat_id, say, once.as_ref()).await })
        .await
}

async fn take(app: &App, owner: Owner, chat_id: Uuid, say: Say, once: Option<&Once>) -> Result<Uuid> {
    let tx = app.db.begin().await?;
    let mut chat = find(&tx, owner, chat_id).await?;
    let user_message = store::insert_user_message(app, &tx, &chat, &say).await?;
    index_message(&tx, &user_message).await?;
    let learned = memories::learn(app, &tx, owner, &user_message).await?;
    store::touch(app, &tx, &mut chat, rules::title_from(&say.content)).await?;
    if chat.title == rules::title_from(&say.content) {
        index_title(&tx, &chat).await?;
    }
    accounts::count(&tx, owner.id(), 0, 1, app.clock.now()).await?;
    let question = generations::Question {
        owner,
        user_message_id: user_message.id,
        model: say.model.or_else(|| chat.model.clone()),
        content: say.content,
        tier: say.tier,
        partial: String::new(),
        chat,
    };
    let begun = generations::begin(app, &tx, question, |message_id| {
        first_events(&user_message, message_id, &learned)
    })
    .await?;
    let message_id = begun.message.id;
    if let Some(once) = once {
        once.store(app, &tx, StatusCode::CREATED, &SentBefore { message_id })
            .await?;
    }
    tx.commit().await?;
    app.users.invalidate(owner.id());
    app.jobs.wake();
    generations::launch(app, begun);
    Ok(message_id)
}

fn first_events(
    user_message: &messages::Model,
    message_id: Uuid,
    learned: &[memories::MemoryView],
) -> Vec<(&'static str, String)> {
    let created = json!({ "user_message": MessageView::from(user_message), "message_id": message_id });
    let mut events = vec![("message.created", created.to_string())];
    if !learned.is_empty() {
        events.push(("memory.learned", json!({ "memories": learned }).to_string()));
    }
    events
}

/// A question and its answer.
#[derive(Serialize, ToSchema)]
pub struct Answered {
    user_message: MessageView,
    message: MessageView,
    memory: MemoryOfAnswer,
    usage: AnswerUsage,
}

/// What was recalled for an answer, and what was learned from its question.
#[derive(Default, Serialize, ToSchema)]
pub struct MemoryOfAnswer {
    #[schema(value_type = Vec<Object>)]
    pub recalled: Vec<serde_json::Value>,
    #[schema(value_type = Vec<Object>)]
    pub learned: Vec<serde_json::Value>,
}

#[derive(Serialize, ToSchema)]
pub struct AnswerUsage {
    input_tokens: i64,
    output_tokens: i64,
}

/// An ended answer with its question, as the JSON form of a message has it.
///
/// # Errors
/// The answer's own error when it failed, so that a client without a stream sees it as a status.
pub async fn answered(app: &App, owner: Owner, chat_id: Uuid, message_id: Uuid) -> Result<Answered> {
    let db = app.db.write();
    let answer = message(db, owner, chat_id, message_id).await?;
    if answer.status == generations::status::FAILED {
        let code = view::failure(answer.error_code.as_deref());
        return Err(Error::new(code, answer.error_detail.unwrap_or_default()));
    }
    let question = generations::question_of(db, owner, message_id).await?;
    let user_message = message(db, owner, chat_id, question).await?;
    let memory = generations::memory_of(db, &[message_id])
        .await?
        .remove(&message_id)
        .unwrap_or_default();
    let usage = AnswerUsage {
        input_tokens: answer.input_tokens.unwrap_or(0),
        output_tokens: answer.output_tokens.unwrap_or(0),
    };
    Ok(Answered {
        user_message: (&user_message).into(),
        message: (&answer).into(),
        memory,
        usage,
    })
}

/// The turns before a message that the model sees: the last `most`, oldest first, without answers that never came.
///
/// # Errors
/// When the database fails.
pub async fn history(app: &App, question: &generations::Question, most: usize) -> Result<Vec<messages::Model>> {
    let turns = store::before(app, question.owner, question.chat.id, question.user_message_id, most).await?;
    Ok(turns.into_iter().filter(|turn| !turn.content.is_empty()).collect())
}

/// # Errors
/// `validation_failed` unless a message has something in it and not too much.
pub fn check_content(content: &str) -> Result<()> {
    let wrong = |code, message| Err(Error::validation(vec![FieldError::new("content", code, message)]));
    match content.trim() {
        "" => wrong("required", "Write something first."),
        text if text.chars().count() > rules::MOST_CHARACTERS => {
            wrong("too_long", "Use at most 100,000 characters; send long texts in parts.")
        }
        _ => Ok(()),
    }
}
