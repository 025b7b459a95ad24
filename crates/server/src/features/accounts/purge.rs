//! Removes what has expired or was used: tokens, challenges, sign-ins that nobody ended, old sessions.

use std::time::Duration;

use parlor_db::{
    Timestamp,
    entities::{challenges, email_tokens, oauth_flows, refresh_tokens, sessions},
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect},
};
use uuid::Uuid;

use crate::{app::App, http::Result, telemetry::metrics};

/// Rows of one statement: a writer never holds the others up for long.
const BATCH: u64 = 500;

/// How long an expired token stays, so that a second click can be told from a mistyped link.
const TOKENS_KEPT: Duration = Duration::from_secs(7 * 86_400);
/// How long an ended session stays, for the trail.
const SESSIONS_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// How many rows of which table are gone.
pub type Purged = Vec<(&'static str, u64)>;

/// Removes everything that is due, in batches. Any number of nodes may do it at once.
///
/// # Errors
/// When the database fails; what was removed until then stays removed.
pub async fn purge(app: &App) -> Result<Purged> {
    let now = app.clock.now();
    let tokens = email_tokens::Column::ExpiresAt.lt(now - TOKENS_KEPT);
    let flows = oauth_flows::Column::ExpiresAt.lt(now);
    let refresh = refresh_tokens::Column::ExpiresAt.lt(now);
    let begun = challenges::Column::ExpiresAt.lt(now);
    let ended = ended_sessions(now - SESSIONS_KEPT);
    let purged = vec![
        (
            "email_tokens",
            sweep::<email_tokens::Entity>(app, email_tokens::Column::Id, tokens.into()).await?,
        ),
        (
            "challenges",
            sweep::<challenges::Entity>(app, challenges::Column::Id, begun.into()).await?,
        ),
        (
            "oauth_flows",
            sweep::<oauth_flows::Entity>(app, oauth_flows::Column::Id, flows.into()).await?,
        ),
        (
            "refresh_tokens",
            sweep::<refresh_tokens::Entity>(app, refresh_tokens::Column::Id, refresh.into()).await?,
        ),
        (
            "sessions",
            sweep::<sessions::Entity>(app, sessions::Column::Id, ended).await?,
        ),
    ];
    for (table, count) in &purged {
        metrics::tokens_purged(table, *count);
    }
    Ok(purged)
}

/// Its refresh tokens go with it.
fn ended_sessions(before: Timestamp) -> Condition {
    Condition::any()
        .add(sessions::Column::ExpiresAt.lt(before))
        .add(sessions::Column::RevokedAt.lt(before))
}

async fn sweep<E: EntityTrait>(app: &App, id: E::Column, due: Condition) -> Result<u64> {
    let mut removed = 0;
    loop {
        let batch = E::find().select_only().column(id).filter(due.clone()).limit(BATCH);
        let ids: Vec<Uuid> = batch.into_tuple().all(app.db.read()).await?;
        let last = (ids.len() as u64) < BATCH;
        if !ids.is_empty() {
            let deleted = E::delete_many().filter(id.is_in(ids)).exec(app.db.write()).await?;
            removed += deleted.rows_affected;
        }
        if last {
            return Ok(removed);
        }
    }
}
