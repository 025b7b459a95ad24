//! Answers being written: an append-only event log that readers join, leave and resume.
//!
//! A run appends to the log through one committer, which gathers what all runs have to say for some milliseconds and
//! writes it in one transaction; only then do readers get it. So what a reader saw is on disk, whatever happens next.
//!
//! [`begin`] → rows, in the caller's transaction; [`launch`] → the run, on the task tracker; [`read`] → a reader.

mod api;
mod live;
mod log;
mod models;
mod prompt;
mod recovery;
mod run;
mod store;
mod view;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use parlor_db::{
    Owner, Tx,
    entities::{generations, messages},
    sea_orm::ConnectionTrait,
};
use tokio::sync::mpsc;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use live::{Event, Live};
pub use log::LogInbox;
pub use models::{LocalModel, Models};
pub use recovery::{drain, recover};
pub use run::Question;

use crate::{
    app::App,
    features::{chats, sessions},
    http::{Error, Result, auth::Identity, sse},
};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::events))
        .routes(routes!(api::cancel))
        .routes(routes!(api::continue_answer))
}

/// How an answer stands.
pub mod status {
    pub const RUNNING: &str = "running";
    pub const COMPLETE: &str = "complete";
    pub const CANCELLED: &str = "cancelled";
    pub const FAILED: &str = "failed";
    pub const INTERRUPTED: &str = "interrupted";
}

/// The answers that this node writes.
pub struct Generations {
    live: Mutex<HashMap<Uuid, Arc<Live>>>,
    log: mpsc::Sender<log::Append>,
}

impl Generations {
    /// The value for the app, and the end that [`start`] takes.
    #[must_use]
    pub fn new() -> (Self, LogInbox) {
        let (log, inbox) = mpsc::channel(log::CAPACITY);
        (
            Self {
                live: Mutex::default(),
                log,
            },
            inbox,
        )
    }

    fn live(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, owner: Owner, message_id: Uuid) -> Option<Arc<Live>> {
        self.live().get(&message_id).filter(|live| live.owner == owner).cloned()
    }

    /// How many answers this node is writing.
    #[must_use]
    pub fn running(&self) -> usize {
        self.live().len()
    }
}

/// Starts the committer, the lease keeper and the reaper of this node.
pub fn start(app: &App, inbox: LogInbox) {
    log::start(app, inbox);
    recovery::start(app);
    models::load(app);
}

/// An answer whose rows stand and that waits for its launch.
pub struct Begun {
    pub message: messages::Model,
    live: Arc<Live>,
    question: Question,
}

/// Writes the rows of a new answer and its first events, as part of `tx`.
///
/// # Errors
/// When the database fails.
pub async fn begin(
    app: &App,
    tx: &Tx,
    question: Question,
    first: impl FnOnce(Uuid) -> Vec<(&'static str, String)>,
) -> Result<Begun> {
    let message = store::insert(app, tx, &question).await?;
    let live = Live::new(&message, 1);
    let events = live.prepare(first(message.id));
    store::append(tx, message.id, &events).await?;
    live.publish(events, false);
    Ok(Begun {
        message,
        live,
        question,
    })
}

/// Runs a begun answer; call it after the commit. It goes on whether or not anybody reads.
pub fn launch(app: &App, begun: Begun) {
    let Begun { live, question, .. } = begun;
    app.generations.live().insert(live.message_id, live.clone());
    let (worker, run) = (app.clone(), live);
    app.spawn(async move { run::run(&worker, run, question).await });
}

/// The answer as a stream of server-sent events, from the one after `after`, for as long as the reader's session lives.
///
/// # Errors
/// `not_found`, also for somebody else's.
pub async fn read(app: &App, reader: &Identity, message_id: Uuid, after: i64) -> Result<Response> {
    let frames = frames(app, reader.owner(), message_id, after).await?;
    Ok(sse::response(sessions::while_alive(app, reader, frames).await?))
}

async fn frames(
    app: &App,
    owner: Owner,
    message_id: Uuid,
    after: i64,
) -> Result<impl Stream<Item = Bytes> + Send + 'static> {
    if let Some(live) = app.generations.get(owner, message_id) {
        let earlier = if after + 1 < live.first_seq {
            view::without_ends(store::events(app.db.read(), message_id, after, Some(live.first_seq)).await?)
        } else {
            Vec::new()
        };
        let earlier = futures_util::stream::iter(earlier.into_iter().map(|event| event.frame.clone()));
        return Ok(earlier.chain(live::follow(live, after)).left_stream());
    }
    let generation = store::find(app.db.read(), owner, message_id)
        .await?
        .ok_or_else(Error::not_found)?;
    if generation.status == status::RUNNING {
        return Ok(view::poll(app.clone(), owner, message_id, after).boxed().right_stream());
    }
    let events = view::with_last_end(store::events(app.db.read(), message_id, after, None).await?);
    let frames = futures_util::stream::iter(events.into_iter().map(|event| event.frame.clone()));
    Ok(frames.boxed().right_stream())
}

/// Waits until an answer has ended and its end is on disk.
///
/// # Errors
/// `not_found`, also for somebody else's.
pub async fn wait(app: &App, owner: Owner, message_id: Uuid) -> Result<()> {
    if let Some(live) = app.generations.get(owner, message_id) {
        live.closed().await;
        return Ok(());
    }
    view::wait(app, owner, message_id).await
}

/// What was recalled for answers and learned with them, from their logs. The caller has found the messages through
/// their owner.
///
/// # Errors
/// When the database fails.
pub async fn memory_of(db: &impl ConnectionTrait, messages: &[Uuid]) -> Result<HashMap<Uuid, chats::MemoryOfAnswer>> {
    let mut found: HashMap<Uuid, chats::MemoryOfAnswer> = HashMap::new();
    for (message_id, kind, data) in store::memory_events(db, messages).await? {
        let mut data: serde_json::Value = serde_json::from_str(&data).map_err(Error::internal)?;
        let Some(memories) = data["memories"].as_array_mut() else {
            continue;
        };
        let of = found.entry(message_id).or_default();
        let list = if kind == "memory.recalled" {
            &mut of.recalled
        } else {
            &mut of.learned
        };
        list.append(memories);
    }
    Ok(found)
}

/// The message that an answer answers.
///
/// # Errors
/// `not_found`, also for somebody else's.
pub async fn question_of(db: &impl ConnectionTrait, owner: Owner, message_id: Uuid) -> Result<Uuid> {
    let generation = store::find(db, owner, message_id).await?.ok_or_else(Error::not_found)?;
    Ok(generation.user_message_id)
}

/// What a running answer says so far; for an ended one the message itself has it.
///
/// # Errors
/// When the database fails.
pub async fn text_so_far(app: &App, message_id: Uuid) -> Result<String> {
    store::text(app.db.read(), message_id).await
}

/// Stops an answer, on whichever node it runs. What came stays.
///
/// # Errors
/// `not_found`, also for somebody else's.
pub async fn cancel(app: &App, owner: Owner, message_id: Uuid) -> Result<()> {
    if let Some(live) = app.generations.get(owner, message_id) {
        live.cancel();
        live.closed().await;
        return Ok(());
    }
    store::find(app.db.read(), owner, message_id)
        .await?
        .ok_or_else(Error::not_found)?;
    store::request_cancel(app, owner, message_id).await
}

/// Goes on with an answer that was cut short: same message, same log. Answers the last event before the new part.
///
/// # Errors
/// `conflict` when it runs or is complete.
pub async fn resume(app: &App, owner: Owner, message_id: Uuid) -> Result<i64> {
    let own = app.clone();
    // A commit without its launch would leave an answer that nobody writes.
    app.to_the_end(async move { reopen(&own, owner, message_id).await })
        .await
}

async fn reopen(app: &App, owner: Owner, message_id: Uuid) -> Result<i64> {
    let tx = app.db.begin().await?;
    let generation = store::find(&tx, owner, message_id)
        .await?
        .ok_or_else(Error::not_found)?;
    let message = chats::message(&tx, owner, generation.chat_id, message_id).await?;
    // Its text as it ended: complete also where the log lost a piece to a failing disk.
    let partial = message.content.clone();
    let first_seq = store::reopen(app, &tx, &generation).await?;
    let question = Question::again(&tx, owner, &generation, &message, partial).await?;
    tx.commit().await?;
    let live = Live::new(&message, first_seq);
    let begun = Begun {
        message,
        live,
        question,
    };
    launch(app, begun);
    Ok(first_seq - 1)
}

type Row = generations::Model;
