//! One run: recall, prompt, the model's stream, the end.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use futures_util::{FutureExt, StreamExt};
use parlor_db::{Owner, Tx, entities::messages, sea_orm::ConnectionTrait};
use parlor_llm::{Chunk, Usage};
use serde_json::json;
use uuid::Uuid;

use super::{
    Live, Row,
    log::{Append, Entry},
    prompt, status, store,
};
use crate::{
    app::App,
    features::{accounts, chats, memories},
    http::{Code, Error, Result},
    telemetry::metrics,
};

/// What a run answers.
pub struct Question {
    pub owner: Owner,
    pub chat: chats::Chat,
    pub user_message_id: Uuid,
    pub content: String,
    pub tier: chats::Tier,
    /// The model that the person asked for, if any.
    pub model: Option<String>,
    /// What an earlier run of the same answer wrote.
    pub partial: String,
}

impl Question {
    /// The question of an answer that goes on.
    pub(super) async fn again(
        db: &impl ConnectionTrait,
        owner: Owner,
        generation: &Row,
        message: &messages::Model,
        partial: String,
    ) -> Result<Self> {
        let asked = chats::message(db, owner, generation.chat_id, generation.user_message_id).await?;
        Ok(Self {
            owner,
            chat: chats::find(db, owner, generation.chat_id).await?,
            user_message_id: asked.id,
            content: asked.content,
            tier: chats::Tier::parse(message.tier.as_deref()),
            model: message.model.clone(),
            partial,
        })
    }
}

/// How a run ended: what the log and the message get.
pub(super) struct Ended {
    message: messages::Model,
    error: Option<Error>,
    usage: Usage,
}

impl Ended {
    pub(super) fn new(message: messages::Model, error: Option<Error>, usage: Usage) -> Self {
        Self { message, error, usage }
    }

    /// The last events of the run.
    pub(super) fn events(&self) -> Vec<(&'static str, String)> {
        let mut events = Vec::new();
        if let Some(error) = &self.error {
            events.push(("error", json!({ "problem": error.problem("") }).to_string()));
        } else {
            events.push(("usage", json!(self.usage).to_string()));
        }
        events.push((
            "done",
            json!({ "message": chats::MessageView::from(&self.message) }).to_string(),
        ));
        events
    }

    pub(super) async fn write(&self, app: &App, tx: &Tx) -> Result<()> {
        store::finish(app, tx, &self.message).await?;
        chats::index_message(tx, &self.message).await?;
        accounts::count(tx, self.message.owner_id, 0, 1, app.clock.now()).await
    }

    /// After the commit.
    pub(super) fn announce(&self, app: &App) {
        app.users.invalidate(self.message.owner_id);
        metrics::generation_ended(
            known_status(&self.message.status),
            self.usage.input_tokens,
            self.usage.output_tokens,
        );
    }
}

fn known_status(text: &str) -> &'static str {
    let all = [status::COMPLETE, status::CANCELLED, status::FAILED, status::INTERRUPTED];
    all.into_iter().find(|known| *known == text).unwrap_or("other")
}

/// What has come of an answer so far.
struct Progress {
    text: String,
    usage: Usage,
    model: Option<String>,
}

pub(super) async fn run(app: &App, live: Arc<Live>, question: Question) {
    metrics::generation_started();
    let mut progress = Progress {
        text: question.partial.clone(),
        usage: Usage::default(),
        model: question.model.clone(),
    };
    let work = AssertUnwindSafe(answer(app, &live, &question, &mut progress)).catch_unwind();
    let outcome = tokio::select! {
        // What the person decided goes before what the model still has to say.
        biased;
        () = live.stopped() => Ok(Ok(if live.is_interrupted() { status::INTERRUPTED } else { status::CANCELLED })),
        outcome = work => outcome,
    };
    let (status, error) = match outcome {
        Ok(Ok(status)) => (status, (status == status::INTERRUPTED).then(interrupted)),
        Ok(Err(error)) => (status::FAILED, Some(error)),
        Err(_) => (status::FAILED, Some(Error::internal(anyhow::anyhow!("a run panicked")))),
    };
    if let Some(cause) = error.as_ref().and_then(Error::cause) {
        tracing::warn!(message_id = %live.message_id, cause = format!("{cause:#}"), "an answer failed");
    }
    end(app, &live, &question, progress, (status, error)).await;
}

/// What the reader of an interrupted answer is told.
pub(super) fn interrupted() -> Error {
    Error::new(
        Code::Interrupted,
        "The server stopped while it wrote this answer. What came is kept; continue it when you like.",
    )
}

async fn end(app: &App, live: &Arc<Live>, question: &Question, progress: Progress, how: (&str, Option<Error>)) {
    let (status, error) = how;
    let now = app.clock.now();
    let message = messages::Model {
        id: live.message_id,
        chat_id: live.chat_id,
        owner_id: live.owner.id(),
        role: "assistant".to_owned(),
        content: progress.text,
        status: status.to_owned(),
        tier: Some(question.tier.as_str().to_owned()),
        model: progress.model,
        error_code: error.as_ref().map(|error| error.code().as_str().to_owned()),
        error_detail: error.as_ref().map(|error| error.detail().to_owned()),
        input_tokens: Some(progress.usage.input_tokens.into()),
        output_tokens: Some(progress.usage.output_tokens.into()),
        created_at: live.created_at,
        completed_at: Some(now),
    };
    let ended = Ended::new(message, error, progress.usage);
    append(app, live, Entry::End(Box::new(ended))).await;
}

/// Cancelled in mid-call it has appended nothing.
async fn append(app: &App, live: &Arc<Live>, entry: Entry) {
    // The committer lives as long as any run does.
    let _ = app
        .generations
        .log
        .send(Append {
            live: live.clone(),
            entry,
        })
        .await;
}

/// A model that does not stop is stopped.
const MOST_BYTES: usize = 1 << 20;

async fn answer(app: &App, live: &Arc<Live>, question: &Question, progress: &mut Progress) -> Result<&'static str> {
    let started = Instant::now();
    let tier = question.tier.config(&app.config);
    let user = accounts::find(app, question.owner.id()).await?;
    let known = prompt::Known {
        name: user.map(|user| user.display_name.clone()).unwrap_or_default(),
        recalled: recall(app, live, question).await,
        history: chats::history(app, question, tier.history_messages).await?,
    };
    let (model, name) = app.models.route(app, tier, question.model.as_deref()).await?;
    progress.model = Some(name.clone());
    let request = prompt::build(app, question, tier, &known, name);
    let prompt_size = prompt::size(&request);
    let failed = |error| provider_error(&error);
    let mut stream = model.chat(request).await.map_err(failed)?;
    let mut pieces: u32 = 0;
    while let Some(chunk) = stream.next().await {
        match chunk.map_err(failed)? {
            Chunk::Text(mut text) => {
                // PostgreSQL cannot store it, and nobody can see it.
                text.retain(|character| character != '\0');
                if progress.text.len() > MOST_BYTES {
                    break;
                }
                if pieces == 0 {
                    metrics::first_token(started.elapsed());
                }
                pieces += 1;
                // First the log: when the run is stopped in between, the message never says what the log does not.
                append(app, live, Entry::Text(text.clone())).await;
                progress.text.push_str(&text);
                // Until the provider says better: an answer that is stopped has cost what came.
                progress.usage = Usage {
                    input_tokens: prompt_size,
                    output_tokens: pieces,
                };
            }
            Chunk::End { usage, .. } => progress.usage = usage,
        }
    }
    Ok(status::COMPLETE)
}

/// An answer without memories is better than none.
async fn recall(app: &App, live: &Arc<Live>, question: &Question) -> Vec<memories::Recalled> {
    let found = memories::recall(app, question.owner, &question.content, Some(question.user_message_id)).await;
    let recalled = found.unwrap_or_else(|error| {
        tracing::error!(cause = ?error.cause(), "memories could not be recalled");
        Vec::new()
    });
    if !recalled.is_empty() {
        let data = json!({ "memories": recalled.iter().map(memories::RecalledView::from).collect::<Vec<_>>() });
        append(app, live, Entry::Event("memory.recalled", data.to_string())).await;
    }
    recalled
}

fn provider_error(error: &parlor_llm::Error) -> Error {
    let code = match error {
        parlor_llm::Error::ModelMissing(_) => Code::Unavailable,
        error if error.is_timeout() => Code::ProviderTimeout,
        _ => Code::ProviderFailed,
    };
    Error::new(code, error.public_message()).caused_by(anyhow::anyhow!("{error}"))
}
