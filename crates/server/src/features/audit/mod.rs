//! The trail: who did what to an account, when and from where.

use parlor_db::{
    Tx,
    entities::audit_events,
    sea_orm::{ActiveValue::Set, EntityTrait},
};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::sessions::Device;
use crate::{app::App, http::Result};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}

/// Something worth remembering of an account. Never put a secret into `data`.
pub struct Event<'a> {
    /// Whom it is about; none where there is no account.
    pub user_id: Option<Uuid>,
    /// Who did it, when that is not the person themselves.
    pub actor_id: Option<Uuid>,
    /// `noun.verb`, as `session.revoked`.
    pub action: &'static str,
    pub session_id: Option<Uuid>,
    pub device: Option<&'a Device>,
    pub data: Value,
}

impl Event<'_> {
    /// Something that the person did to their own account.
    #[must_use]
    pub fn own(user_id: Uuid, action: &'static str) -> Self {
        Self {
            user_id: Some(user_id),
            actor_id: None,
            action,
            session_id: None,
            device: None,
            data: Value::Object(serde_json::Map::new()),
        }
    }
}

/// Writes the event as part of `tx`.
///
/// # Errors
/// When the database fails.
pub async fn record(app: &App, tx: &Tx, event: Event<'_>) -> Result<()> {
    let device = event.device;
    let row = audit_events::ActiveModel {
        id: Set(app.ids.next()),
        user_id: Set(event.user_id),
        actor_id: Set(event.actor_id),
        action: Set(event.action.to_owned()),
        session_id: Set(event.session_id),
        ip: Set(device.and_then(|device| device.stored_ip(app.config.sessions.ip_mode))),
        user_agent: Set(device.and_then(|device| device.user_agent.clone())),
        data: Set(event.data.to_string()),
        created_at: Set(app.clock.now()),
    };
    audit_events::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}
