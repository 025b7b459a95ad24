//! What the app tells a person the next time they look: a login from a new device, for one. It stands at the top of
//! every page until they put it away.

mod api;
mod pages;
mod rules;
mod store;

use std::{sync::Arc, time::Duration};

pub use pages::pages;
use parlor_db::{
    Tx,
    entities::notices,
    sea_orm::{ActiveValue::Set, EntityTrait},
};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::App,
    coordination::Cache,
    http::{Error, Result},
    ui::{Banner, Text},
};

type Notice = notices::Model;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::list))
        .routes(routes!(api::seen))
}

/// What people have not put away yet; most have nothing, and then a page costs no query.
pub struct Notices {
    unseen: Cache<Uuid, Arc<Vec<Notice>>>,
}

impl Notices {
    /// `exclusive` when no other process writes to the database; otherwise a list is believed for seconds only.
    #[must_use]
    pub fn new(exclusive: bool) -> Self {
        let max_age = Duration::from_secs(if exclusive { 300 } else { 5 });
        Self {
            unseen: Cache::new(100_000, max_age),
        }
    }

    /// Call it after the commit that left a notice.
    pub fn changed(&self, user_id: Uuid) {
        self.unseen.invalidate(&user_id);
    }
}

/// Leaves a notice as part of `tx`. `kind` is the key of its sentence, `data` what stands in it. Call
/// `app.notices.changed` after the commit.
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

/// What stands at the top of the person's pages, newest first.
///
/// # Errors
/// When the database fails.
pub async fn banners(app: &App, text: &Text, user_id: Uuid) -> Result<Vec<Banner>> {
    let load = async { Ok::<_, Error>(Some(Arc::new(store::unseen(app, user_id).await?))) };
    let unseen = app.notices.unseen.get_or_load(user_id, load).await?;
    let rows = unseen.iter().flat_map(|rows| rows.iter());
    Ok(rows.map(|notice| rules::banner(text, notice)).collect())
}

/// Puts a notice away.
///
/// # Errors
/// `not_found`, also for somebody else's.
async fn put_away(app: &App, user_id: Uuid, id: Uuid) -> Result<()> {
    store::mark_seen(app, user_id, id).await?;
    app.notices.changed(user_id);
    Ok(())
}
