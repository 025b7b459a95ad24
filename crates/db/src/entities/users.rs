use sea_orm::entity::prelude::*;

use crate::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub email: String,
    pub email_key: String,
    pub email_verified_at: Option<Timestamp>,
    pub password_hash: Option<String>,
    pub display_name: String,
    pub full_name: Option<String>,
    pub avatar_url: Option<String>,
    pub bio: Option<String>,
    pub locale: String,
    pub role: String,
    pub plan: String,
    pub status: String,
    pub chat_count: i64,
    pub message_count: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub terms_version: Option<String>,
    pub terms_accepted_at: Option<Timestamp>,
    pub password_changed_at: Option<Timestamp>,
    pub mail_new_device: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
