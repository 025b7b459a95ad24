//! What people said, kept and recalled.
//!
//! Only what a person wrote is learned, in the transaction of their message; embeddings follow as a job. Recall joins
//! full text and vectors, and each result says why it was recalled.

mod api;
mod pages;
mod recall;
mod store;
mod view;
mod views;

use std::sync::{Arc, RwLock};

use parlor_db::{
    Owner, Tx,
    entities::{memories::Model as Memory, messages},
};
use parlor_llm::{
    Embedder, MiniLm,
    models::{self, Status, Store},
};
use parlor_memory::Verdict;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use recall::{Recalled, recall};
pub use store::New;
pub use view::{MemoryView, RecalledView};

use crate::{
    app::App,
    http::{Error, Result},
    jobs::{self, Job},
    telemetry::metrics,
};

pub const EMBEDDING_MODEL: &str = "all-minilm-l6-v2";

pub use pages::pages;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::create, api::list, api::delete_all))
        .routes(routes!(api::get, api::delete))
        .routes(routes!(api::search))
}

/// How memories become vectors.
#[derive(Clone, Default)]
pub enum Embedding {
    /// The weights are not on this machine: recall is by words alone.
    #[default]
    Missing,
    Loading,
    Ready(Arc<dyn Embedder>),
    Failed(String),
}

#[derive(Default)]
pub struct Memories {
    embedding: RwLock<Embedding>,
}

impl Memories {
    #[must_use]
    pub fn new(instead: Option<Arc<dyn Embedder>>) -> Self {
        Self {
            embedding: RwLock::new(instead.map_or(Embedding::Missing, Embedding::Ready)),
        }
    }

    #[must_use]
    pub fn embedding(&self) -> Embedding {
        self.embedding
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    fn embedder(&self) -> Option<Arc<dyn Embedder>> {
        if let Embedding::Ready(embedder) = self.embedding() {
            Some(embedder)
        } else {
            None
        }
    }

    fn set(&self, embedding: Embedding) {
        *self
            .embedding
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = embedding;
    }
}

/// Loads the embedding model in the background, unless there is one.
pub fn load_embedder(app: &App) {
    if app.memories.embedder().is_some() {
        return;
    }
    let store = Store::new(&app.config.models.dir);
    let Some(spec) = models::find(EMBEDDING_MODEL) else {
        return;
    };
    if store.status(spec) != Status::Present {
        tracing::warn!(
            model = spec.id,
            "the embedding model's weights are missing; `parlor models pull` fetches them. Until then, memories are recalled by words alone"
        );
        return;
    }
    app.memories.set(Embedding::Loading);
    let loading = app.clone();
    let folder = store.model_dir(spec);
    app.spawn(async move {
        let loaded = tokio::task::spawn_blocking(move || MiniLm::load(&folder, &folder)).await;
        match loaded
            .map_err(anyhow::Error::from)
            .and_then(|model| model.map_err(anyhow::Error::from))
        {
            Ok(model) => {
                loading.memories.set(Embedding::Ready(Arc::new(model)));
                catch_up(&loading).await;
            }
            Err(error) => {
                tracing::error!(cause = format!("{error:#}"), "the embedding model could not be loaded");
                loading.memories.set(Embedding::Failed(error.to_string()));
            }
        }
    });
}

/// Keeps what is worth keeping of a person's message, as part of `tx`; call `app.jobs.wake()` after the commit.
///
/// # Errors
/// When the database fails.
pub async fn learn(app: &App, tx: &Tx, owner: Owner, message: &messages::Model) -> Result<Vec<MemoryView>> {
    if !app.config.memory.enabled {
        return Ok(Vec::new());
    }
    let Verdict::Keep {
        kind,
        importance,
        statements,
    } = parlor_memory::gate(&message.content)
    else {
        return Ok(Vec::new());
    };
    let new = |content| New {
        kind,
        content,
        importance: rounded(importance),
        confidence: 0.9,
        occurred_at: message.created_at,
        source: Some((message.chat_id, message.id)),
    };
    let kept = keep(app, tx, owner, statements.into_iter().map(new).collect()).await?;
    metrics::memories_learned(kept.len());
    Ok(kept.iter().map(MemoryView::from).collect())
}

/// Two decimals: .9 must not become .8999999761581421 on its way into the database.
fn rounded(number: f32) -> f64 {
    (f64::from(number) * 100.0).round() / 100.0
}

/// Stores memories that the owner does not have yet, and queues their embedding, as part of `tx`.
async fn keep(app: &App, tx: &Tx, owner: Owner, new: Vec<New>) -> Result<Vec<Memory>> {
    let kept = store::insert(app, tx, owner, new).await?;
    if !kept.is_empty() {
        let memory_ids = kept.iter().map(|memory| memory.id).collect();
        jobs::enqueue(
            app,
            tx,
            &Job::EmbedMemories {
                owner_id: owner.id(),
                memory_ids,
            },
        )
        .await?;
    }
    Ok(kept)
}

/// Body of the embedding job: gives memories their vector. Without a model it leaves them; [`catch_up`] finds them when
/// there is one.
///
/// # Errors
/// When the model or the database fails.
pub async fn embed(app: &App, owner: Owner, ids: &[Uuid]) -> anyhow::Result<()> {
    let Some(embedder) = app.memories.embedder() else {
        return Ok(());
    };
    let failed = |error: Error| anyhow::anyhow!("{error:?}");
    let memories = store::by_ids(app, owner, ids).await.map_err(failed)?;
    if memories.is_empty() {
        return Ok(());
    }
    let texts = memories.iter().map(|memory| memory.content.clone()).collect();
    let vectors = embedder.embed(texts).await?;
    store::store_vectors(
        app,
        owner,
        embedder.model_id(),
        memories.iter().map(|memory| memory.id).zip(vectors),
    )
    .await
    .map_err(failed)
}

/// Embeds what was learned while there was no model, or by another model.
async fn catch_up(app: &App) {
    let Some(embedder) = app.memories.embedder() else {
        return;
    };
    let mut after = Uuid::nil();
    loop {
        let Ok(batch) = store::without_vector(app, embedder.model_id(), after).await else {
            return;
        };
        let Some(last) = batch.last() else { return };
        after = last.0;
        for (id, owner) in batch {
            if app.stopping.is_cancelled() {
                return;
            }
            if let Err(error) = embed(app, owner, &[id]).await {
                tracing::warn!(cause = format!("{error:#}"), "a memory could not be embedded");
            }
        }
    }
}

/// The owner's memories, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    app: &App,
    owner: Owner,
    kind: Option<&str>,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Memory>> {
    store::list(app, owner, kind, before, limit).await
}

/// Forgets a memory: its row, its words in the index, its vector.
///
/// # Errors
/// `not_found`.
pub async fn forget(app: &App, owner: Owner, id: Uuid) -> Result<()> {
    if store::delete(app, owner, Some(id)).await? == 0 {
        Err(Error::not_found())
    } else {
        Ok(())
    }
}
