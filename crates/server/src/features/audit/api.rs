//! `/me/audit-events`

use axum::extract::State;
use parlor_db::{Timestamp, entities::audit_events};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::store;
use crate::{
    app::App,
    http::{Json, Page, PageQuery, Query, Result, auth::InSession},
};

/// Something that happened to the account.
#[derive(Serialize, ToSchema)]
pub struct AuditEvent {
    id: Uuid,
    /// `noun.verb`, as `session.revoked`.
    action: String,
    /// Who did it, when that was not the account's owner.
    actor_id: Option<Uuid>,
    session_id: Option<Uuid>,
    ip: Option<String>,
    user_agent: Option<String>,
    #[schema(value_type = Object)]
    data: serde_json::Value,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl From<audit_events::Model> for AuditEvent {
    fn from(row: audit_events::Model) -> Self {
        Self {
            id: row.id,
            action: row.action,
            actor_id: row.actor_id,
            session_id: row.session_id,
            ip: row.ip,
            user_agent: row.user_agent,
            data: serde_json::from_str(&row.data).unwrap_or_default(),
            created_at: row.created_at,
        }
    }
}

/// What happened to the signed-in person's account, the newest first.
#[utoipa::path(get, path = "/me/audit-events", tag = "Account", params(PageQuery), responses(
    (status = 200, body = Page<AuditEvent>)))]
pub async fn list_own(
    State(app): State<App>,
    InSession { identity, .. }: InSession,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<AuditEvent>>> {
    let limit = query.limit();
    let rows = store::list(&app, identity.owner(), query.after()?, limit + 1).await?;
    Ok(Json(Page::from_rows(rows, limit, |row| row.id, AuditEvent::from)))
}
