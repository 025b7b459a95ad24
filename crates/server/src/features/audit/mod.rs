//! The trail: who did what to an account, when and from where.

mod api;
mod store;

use parlor_db::Tx;
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::sessions::Device;
use crate::{app::App, http::Result};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(api::list_own))
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
    store::insert(app, tx, event).await
}
