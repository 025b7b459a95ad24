//! Answers whose node died, and answers of a node that stops.

use std::time::Duration;

use parlor_db::entities::{generations, messages};
use parlor_llm::Usage;

use super::{Live, run, status, store};
use crate::{app::App, features::chats, http::Result};

/// Renews this node's leases and ends the answers of nodes that no longer do.
pub(super) fn start(app: &App) {
    let app = app.clone();
    let every = Duration::from_millis((app.config.generations.lease_s * 1000 / 10).clamp(200, 1000));
    app.clone().spawn(async move {
        while tokio::time::timeout(every, app.stopping.cancelled()).await.is_err() || app.generations.running() > 0 {
            if app.stopping.is_cancelled() {
                tokio::time::sleep(every).await;
            }
            if let Err(error) = tick(&app).await {
                tracing::error!(cause = ?error.cause(), "leases of running answers could not be renewed");
            }
        }
    });
}

async fn tick(app: &App) -> Result<()> {
    let live: Vec<_> = app.generations.live().keys().copied().collect();
    if !live.is_empty() {
        for message_id in store::renew_leases(app, &live).await? {
            if let Some(live) = app.generations.live().get(&message_id) {
                live.cancel();
            }
        }
    }
    recover(app).await
}

/// Ends what nobody writes any more as interrupted: its text is in the log and stays.
///
/// # Errors
/// When the database fails.
pub async fn recover(app: &App) -> Result<()> {
    for orphan in store::orphans(app).await? {
        // A lease can run out while the database is slow; what runs here is alive all the same.
        let alive = app.generations.live().contains_key(&orphan.message_id);
        if !alive && interrupt(app, &orphan).await? {
            tracing::warn!(message_id = %orphan.message_id, "an interrupted answer was found; its text is kept");
        }
    }
    Ok(())
}

async fn interrupt(app: &App, orphan: &generations::Model) -> Result<bool> {
    let tx = app.db.begin().await?;
    if !store::take_over(app, &tx, orphan).await? {
        return Ok(false);
    }
    let owner = parlor_db::Owner::new(orphan.owner_id);
    let message = chats::message(&tx, owner, orphan.chat_id, orphan.message_id).await?;
    let error = run::interrupted();
    let message = messages::Model {
        content: store::text(&tx, orphan.message_id).await?,
        status: status::INTERRUPTED.to_owned(),
        error_code: Some(error.code().as_str().to_owned()),
        error_detail: Some(error.detail().to_owned()),
        completed_at: Some(app.clock.now()),
        ..message
    };
    let live = Live::new(&message, store::last_seq(&tx, message.id).await? + 1);
    let ended = run::Ended::new(message, Some(error), Usage::default());
    let events = live.prepare(ended.events());
    store::append(&tx, orphan.message_id, &events).await?;
    ended.write(app, &tx).await?;
    tx.commit().await?;
    Ok(true)
}

/// Gives running answers until `deadline` to end, then ends them as interrupted, so that the next start finds nothing
/// to repair.
pub async fn drain(app: &App, deadline: tokio::time::Instant) {
    while app.generations.running() > 0 && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rest: Vec<_> = app.generations.live().values().cloned().collect();
    for live in rest {
        live.interrupt();
        live.closed().await;
    }
}
