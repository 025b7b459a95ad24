//! Every query of this feature.

use parlor_db::{
    Owner, Tx,
    entities::audit_events,
    sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use uuid::Uuid;

use super::Event;
use crate::{app::App, http::Result};

pub(super) async fn insert(app: &App, tx: &Tx, event: Event<'_>) -> Result<()> {
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

/// The owner's own trail, the newest first.
pub(super) async fn list(
    app: &App,
    owner: Owner,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<audit_events::Model>> {
    let mut query = audit_events::Entity::find().filter(audit_events::Column::UserId.eq(owner.id()));
    if let Some(before) = before {
        query = query.filter(audit_events::Column::Id.lt(before));
    }
    Ok(query
        .order_by_desc(audit_events::Column::Id)
        .limit(limit)
        .all(app.db.read())
        .await?)
}
