//! What clients see of memories.

use parlor_db::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Memory, Recalled};

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MemoryView {
    pub id: Uuid,
    /// `episode`, `fact`, `preference`, `event`, `plan`, `instruction` or `relation`.
    pub kind: String,
    /// The person's own words.
    pub content: String,
    /// 0 to 1.
    pub importance: f64,
    /// 0 to 1.
    pub confidence: f64,
    #[schema(value_type = String, format = "date-time")]
    pub occurred_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    pub valid_from: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    pub valid_to: Option<Timestamp>,
    pub superseded_by: Option<Uuid>,
    /// Where it comes from; null when it was added by hand.
    pub source: Option<Source>,
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    pub last_accessed_at: Option<Timestamp>,
    pub access_count: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Source {
    pub chat_id: Uuid,
    pub message_id: Uuid,
}

impl From<&Memory> for MemoryView {
    fn from(memory: &Memory) -> Self {
        let source = memory.source_chat_id.zip(memory.source_message_id);
        Self {
            id: memory.id,
            kind: memory.kind.clone(),
            content: memory.content.clone(),
            importance: memory.importance,
            confidence: memory.confidence,
            occurred_at: memory.occurred_at,
            valid_from: memory.valid_from,
            valid_to: memory.valid_to,
            superseded_by: memory.superseded_by,
            source: source.map(|(chat_id, message_id)| Source { chat_id, message_id }),
            created_at: memory.created_at,
            last_accessed_at: memory.last_accessed_at,
            access_count: memory.access_count,
        }
    }
}

/// A memory that was recalled for an answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RecalledView {
    pub id: Uuid,
    pub content: String,
    #[schema(value_type = String, format = "date-time")]
    pub occurred_at: Timestamp,
    pub score: f32,
    pub parts: PartsView,
}

/// What the score is made of, each 0 to 1.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PartsView {
    pub relevance: f32,
    pub recency: f32,
    pub importance: f32,
    pub confidence: f32,
}

impl From<&parlor_memory::Parts> for PartsView {
    fn from(parts: &parlor_memory::Parts) -> Self {
        Self {
            relevance: parts.relevance,
            recency: parts.recency,
            importance: parts.importance,
            confidence: parts.confidence,
        }
    }
}

impl From<&Recalled> for RecalledView {
    fn from(recalled: &Recalled) -> Self {
        Self {
            id: recalled.memory.id,
            content: recalled.memory.content.clone(),
            occurred_at: recalled.memory.occurred_at,
            score: recalled.score,
            parts: PartsView::from(&recalled.parts),
        }
    }
}
