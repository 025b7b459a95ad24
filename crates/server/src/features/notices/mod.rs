//! What the app tells a person the next time they look: a login from a new device, for one.

use parlor_db::{
    Tx,
    entities::notices,
    sea_orm::{ActiveValue::Set, EntityTrait},
};
use serde_json::Value;
use uuid::Uuid;

use crate::{app::App, http::Result};

/// Leaves a notice as part of `tx`. `kind` is the key of its sentence, `data` what stands in it.
///
/// # Errors
/// When the database fails.
pub async fn add(app: &App, tx: &Tx, user_id: Uuid, kind: &'static str, data: &Value) -> Result<()> {
    let row = notices::ActiveModel {
        id: Set(app.ids.next()),
        user_id: Set(user_id),
        kind: Set(kind.to_owned()),
        data: Set(data.to_string()),
        created_at: Set(app.clock.now()),
        seen_at: Set(None),
    };
    notices::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}
