//! Keys as clients see them, and the lists in their rows.

use parlor_db::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Made, Row, Scope, Scopes};

/// Whether a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Active,
    /// Another key took its place; it works until `expires_at`.
    Replaced,
    Expired,
    Revoked,
}

/// An API key. The key itself is shown once, when it is made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ApiKeyView {
    id: Uuid,
    name: String,
    /// How the key begins.
    prefix: String,
    scopes: Vec<Scope>,
    /// Addresses and networks that it works from; empty: from anywhere.
    allowed_ips: Vec<String>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Timestamp>,
    /// To the minute.
    #[schema(value_type = Option<String>, format = "date-time")]
    last_used_at: Option<Timestamp>,
    last_used_ip: Option<String>,
    status: Status,
    /// The key that replaced it.
    replaced_by: Option<Uuid>,
}

impl ApiKeyView {
    pub(super) fn new(row: Row, now: Timestamp) -> Self {
        Self {
            status: status(&row, now),
            scopes: scopes(&row).iter().collect(),
            allowed_ips: addresses(&row),
            id: row.id,
            name: row.name,
            prefix: row.prefix,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            last_used_ip: row.last_used_ip,
            replaced_by: row.replaced_by,
        }
    }
}

/// An API key that was just made.
#[derive(Serialize, ToSchema)]
pub struct CreatedApiKey {
    #[serde(flatten)]
    view: ApiKeyView,
    /// The key. Keep it now: it is never shown again.
    key: String,
}

impl CreatedApiKey {
    pub(super) fn new(made: &Made, now: Timestamp) -> Self {
        Self {
            view: ApiKeyView::new(made.row.clone(), now),
            key: made.key.clone(),
        }
    }
}

pub(super) fn status(row: &Row, now: Timestamp) -> Status {
    match row {
        row if row.revoked_at.is_some() => Status::Revoked,
        row if row.expires_at.is_some_and(|end| end <= now) => Status::Expired,
        row if row.replaced_by.is_some() => Status::Replaced,
        _ => Status::Active,
    }
}

/// What cannot be read allows nothing.
pub(super) fn scopes(row: &Row) -> Scopes {
    let names: Vec<String> = serde_json::from_str(&row.scopes).unwrap_or_default();
    names.iter().filter_map(|name| Scope::parse(name)).collect()
}

/// What cannot be read is no address, so that the key works from nowhere.
pub(super) fn addresses(row: &Row) -> Vec<String> {
    serde_json::from_str(&row.allowed_ips).unwrap_or_else(|_| vec![row.allowed_ips.clone()])
}

pub(super) fn scopes_json(scopes: Scopes) -> String {
    let names: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
    serde_json::json!(names).to_string()
}

pub(super) fn addresses_json(addresses: &[String]) -> String {
    serde_json::json!(addresses).to_string()
}
