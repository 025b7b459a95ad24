use sea_orm::entity::prelude::*;

use crate::Timestamp;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memories")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub owner_id: Uuid,
    pub kind: String,
    pub content: String,
    pub content_hash: Vec<u8>,
    pub importance: f64,
    pub confidence: f64,
    pub occurred_at: Timestamp,
    pub valid_from: Option<Timestamp>,
    pub valid_to: Option<Timestamp>,
    pub superseded_by: Option<Uuid>,
    pub source_chat_id: Option<Uuid>,
    pub source_message_id: Option<Uuid>,
    pub created_at: Timestamp,
    pub last_accessed_at: Option<Timestamp>,
    pub access_count: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
