//! Finding what matters to a question.

use std::{collections::HashMap, time::Instant};

use parlor_db::{Owner, dialect};
use parlor_memory::{Candidate, Kind, Parts, Weights, first_person, rank, terms};
use uuid::Uuid;

use super::{Memory, store};
use crate::{
    app::App,
    http::{Error, Result},
    telemetry::metrics,
};

/// Candidates from each of the two searches.
const CANDIDATES: u64 = 60;

/// A memory that was found, and why.
pub struct Recalled {
    pub memory: Memory,
    pub score: f32,
    pub parts: Parts,
}

/// The owner's memories that matter to `query`, best first; what `except`, the question itself, taught is left out.
///
/// # Errors
/// When the database or the embedding model fails.
pub async fn recall(app: &App, owner: Owner, query: &str, except: Option<Uuid>) -> Result<Vec<Recalled>> {
    if !app.config.memory.enabled {
        return Ok(Vec::new());
    }
    let started = Instant::now();
    let mut found = search(app, owner, query, except, app.config.memory.recall_limit).await?;
    found.truncate(app.config.memory.recall_limit);
    metrics::recall(started.elapsed());
    if !found.is_empty() {
        note(app, owner, found.iter().map(|recalled| recalled.memory.id).collect());
    }
    Ok(found)
}

pub(super) async fn search(
    app: &App,
    owner: Owner,
    query: &str,
    except: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Recalled>> {
    let words = terms(query);
    let by_words = store::by_words(app, owner, &words, CANDIDATES);
    let (by_words, by_meaning) = tokio::try_join!(by_words, by_meaning(app, owner, query))?;
    let mut ids: Vec<Uuid> = by_words.keys().chain(by_meaning.keys()).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    let now = app.clock.now();
    let rows = store::by_ids(app, owner, &ids).await?;
    let mut rows: HashMap<Uuid, Memory> = rows
        .into_iter()
        .filter(|row| row.superseded_by.is_none() && (except.is_none() || row.source_message_id != except))
        .map(|row| (row.id, row))
        .collect();
    let candidate = |row: &Memory| Candidate {
        id: row.id.as_u128(),
        text_score: by_words.get(&row.id).map(|score| *score as f32),
        cosine: by_meaning.get(&row.id).copied(),
        importance: row.importance as f32,
        confidence: row.confidence as f32,
        age_days: now.since(row.occurred_at).as_secs_f32() / 86_400.0,
        kind: Kind::parse(&row.kind).unwrap_or(Kind::Episode),
    };
    let candidates = rows.values().map(candidate).collect();
    let ranked = rank(query, candidates, &Weights::default(), limit);
    let join = |ranked: parlor_memory::Ranked| {
        let memory = rows.remove(&Uuid::from_u128(ranked.id))?;
        Some(Recalled {
            memory,
            score: ranked.score,
            parts: ranked.parts,
        })
    };
    Ok(ranked.into_iter().filter_map(join).collect())
}

/// Cosine similarity of the nearest memories; none without a model.
async fn by_meaning(app: &App, owner: Owner, query: &str) -> Result<HashMap<Uuid, f32>> {
    let Some(embedder) = app.memories.embedder() else {
        return Ok(HashMap::new());
    };
    // People say "I live in …" and ask "Where do I live?": a statement is nearer to a statement.
    let text = first_person(query, None);
    let failed = |error: parlor_llm::Error| Error::internal(anyhow::anyhow!("embedding: {error}"));
    let vectors = embedder.embed(vec![text]).await.map_err(failed)?;
    let Some(vector) = vectors.first() else {
        return Ok(HashMap::new());
    };
    let near = dialect::search_vectors(app.db.read(), owner, embedder.model_id(), vector, CANDIDATES).await?;
    Ok(near.into_iter().collect())
}

/// Counts the recall, in the background: nobody waits for a statistic.
fn note(app: &App, owner: Owner, ids: Vec<Uuid>) {
    let background = app.clone();
    app.spawn(async move {
        if let Err(error) = store::touch(&background, owner, ids).await {
            tracing::warn!(cause = ?error.cause(), "a recall could not be counted");
        }
    });
}
