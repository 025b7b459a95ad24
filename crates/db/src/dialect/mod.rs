//! What the two databases do differently: full-text and vector search, and waiting for each other.
//!
//! Callers see one set of functions; `sqlite.rs` and `postgres.rs` implement it. Terms come prepared (lower case,
//! stemmed), so that both databases match alike.

mod postgres;
mod sqlite;

use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use crate::{Owner, Result, Tx};

/// What a document in the full-text index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Memory,
    Message,
    ChatTitle,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Message => "message",
            Self::ChatTitle => "chat_title",
        }
    }
}

/// A text to be found by its terms.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    pub id: Uuid,
    pub kind: Kind,
    pub chat_id: Option<Uuid>,
    pub terms: &'a [String],
}

/// How many of a query's terms a document must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// One is enough; more score higher.
    Any,
    /// All of them, each as the beginning of a word: what a person types into a search field.
    AllPrefixes,
}

/// A document found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    pub id: Uuid,
    pub chat_id: Option<Uuid>,
    /// Higher is better; comparable within one answer only.
    pub score: f64,
}

/// Until the end of the transaction, no other one that names the same `what` goes on. SQLite's writers wait for each
/// other anyway.
///
/// # Errors
/// When the database fails.
pub async fn serialise(tx: &Tx, what: &str) -> Result<()> {
    match tx.get_database_backend() {
        DbBackend::Sqlite => Ok(()),
        _ => postgres::serialise(tx, what).await,
    }
}

/// Puts a document into the index, or replaces it there.
///
/// # Errors
/// When the database fails.
pub async fn index(db: &impl ConnectionTrait, owner: Owner, document: Document<'_>) -> Result<()> {
    match db.get_database_backend() {
        DbBackend::Sqlite => sqlite::index(db, owner, document).await,
        _ => postgres::index(db, owner, document).await,
    }
}

/// Takes documents out of the index.
///
/// # Errors
/// When the database fails.
pub async fn unindex(db: &impl ConnectionTrait, owner: Owner, ids: &[Uuid]) -> Result<()> {
    match db.get_database_backend() {
        _ if ids.is_empty() => Ok(()),
        DbBackend::Sqlite => sqlite::unindex(db, ids).await,
        _ => postgres::unindex(db, owner, ids).await,
    }
}

/// Takes a chat's title and messages out of the index.
///
/// # Errors
/// When the database fails.
pub async fn unindex_chat(db: &impl ConnectionTrait, owner: Owner, chat_id: Uuid) -> Result<()> {
    match db.get_database_backend() {
        DbBackend::Sqlite => sqlite::unindex_chat(db, chat_id).await,
        _ => postgres::unindex_chat(db, owner, chat_id).await,
    }
}

/// The owner's documents of some kinds that match, best first.
///
/// # Errors
/// When the database fails.
pub async fn search_text(
    db: &impl ConnectionTrait,
    owner: Owner,
    kinds: &[Kind],
    query: (&[String], Match),
    limit: u64,
) -> Result<Vec<Hit>> {
    let (terms, how) = query;
    if terms.is_empty() || kinds.is_empty() {
        return Ok(Vec::new());
    }
    match db.get_database_backend() {
        DbBackend::Sqlite => sqlite::search_text(db, owner, kinds, (terms, how), limit).await,
        _ => postgres::search_text(db, owner, kinds, (terms, how), limit).await,
    }
}

/// Keeps a memory's embedding, replacing an earlier one.
///
/// # Errors
/// When the database fails.
pub async fn store_vector(
    db: &impl ConnectionTrait,
    owner: Owner,
    memory_id: Uuid,
    model: &str,
    embedding: &[f32],
) -> Result<()> {
    match db.get_database_backend() {
        DbBackend::Sqlite => sqlite::store_vector(db, owner, memory_id, model, embedding).await,
        _ => postgres::store_vector(db, owner, memory_id, model, embedding).await,
    }
}

/// The owner's memories nearest to `query` among those that `model` embedded, with their cosine similarity, best first.
///
/// # Errors
/// When the database fails.
pub async fn search_vectors(
    db: &impl ConnectionTrait,
    owner: Owner,
    model: &str,
    query: &[f32],
    limit: u64,
) -> Result<Vec<(Uuid, f32)>> {
    match db.get_database_backend() {
        DbBackend::Sqlite => sqlite::search_vectors(db, owner, model, query, limit).await,
        _ => postgres::search_vectors(db, owner, model, query, limit).await,
    }
}
