//! Work that must happen, though not within the request: rows written in the transaction that asks for it.
//!
//! A job runs at least once, so its body must be idempotent. A worker takes a job by setting its lock into the future;
//! when the worker dies, the lock ends by itself and another takes over. Bodies live in the features.

use std::time::{Duration, Instant};

use parlor_db::{
    Tx,
    entities::jobs,
    sea_orm::{
        ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Expr,
    },
};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{app::App, features, http::Result, telemetry::metrics};

/// What there is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Give memories that have none an embedding.
    EmbedMemories { owner_id: Uuid, memory_ids: Vec<Uuid> },
}

impl Job {
    fn kind(&self) -> &'static str {
        match self {
            Self::EmbedMemories { .. } => "embed_memories",
        }
    }

    async fn run(&self, app: &App) -> anyhow::Result<()> {
        match self {
            Self::EmbedMemories { owner_id, memory_ids } => {
                features::memories::embed(app, parlor_db::Owner::new(*owner_id), memory_ids).await
            }
        }
    }
}

/// Wakes the worker when there is something new.
#[derive(Default)]
pub struct Jobs {
    wake: Notify,
}

impl Jobs {
    /// Call it after the commit that queued a job.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

const LOCK: Duration = Duration::from_secs(60);
const CLEAN_EVERY: Duration = Duration::from_secs(3600);
const PURGE_EVERY: Duration = Duration::from_secs(86_400);
/// Not at once: a start has enough to do, and a command that runs for a moment should not do it by the way.
const PURGE_AFTER_START: Duration = Duration::from_secs(300);
const IDLE: Duration = Duration::from_secs(5);
const MAX_ATTEMPTS: i64 = 12;
const AT_ONCE: u64 = 16;

/// Queues a job as part of `tx`; call `app.jobs.wake()` after the commit.
///
/// # Errors
/// When the database fails.
pub async fn enqueue(app: &App, tx: &Tx, job: &Job) -> Result<()> {
    let now = app.clock.now();
    let row = jobs::ActiveModel {
        id: Set(app.ids.next()),
        kind: Set(job.kind().to_owned()),
        payload: Set(serde_json::to_string(job).map_err(crate::http::Error::internal)?),
        run_at: Set(now),
        attempts: Set(0),
        locked_until: Set(now),
        last_error: Set(None),
        created_at: Set(now),
        dead_at: Set(None),
    };
    jobs::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Starts the worker of this node.
pub fn start(app: &App) {
    let worker = app.clone();
    app.spawn(async move {
        let mut cleaned: Option<Instant> = None;
        let mut purge_at = Instant::now() + PURGE_AFTER_START;
        while !worker.stopping.is_cancelled() {
            if cleaned.is_none_or(|at| at.elapsed() > CLEAN_EVERY) {
                cleaned = Some(Instant::now());
                if let Err(error) = crate::http::create::purge(&worker).await {
                    tracing::error!(?error, "old idempotency keys could not be removed");
                }
                if let Err(error) = features::api_keys::purge(&worker).await {
                    tracing::error!(?error, "API keys that ended long ago could not be removed");
                }
            }
            if Instant::now() >= purge_at {
                purge_at = Instant::now() + PURGE_EVERY;
                purge_tokens(&worker).await;
            }
            match work(&worker).await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::error!(?error, "the job queue cannot be read"),
            }
            tokio::select! {
                () = worker.stopping.cancelled() => {}
                () = worker.jobs.wake.notified() => {}
                () = tokio::time::sleep(IDLE) => {}
            }
        }
    });
}

async fn purge_tokens(app: &App) {
    match features::accounts::purge(app).await {
        Ok(purged) => {
            let total: u64 = purged.iter().map(|(_, count)| count).sum();
            tracing::info!(total, "expired tokens and sessions removed");
        }
        Err(error) => tracing::error!(?error, "expired tokens and sessions could not be removed"),
    }
}

/// Runs what is due; says how many jobs that were. Tests call it to drain the queue.
///
/// # Errors
/// When the queue cannot be read.
pub async fn work(app: &App) -> Result<usize> {
    let now = app.clock.now();
    let due = Condition::all()
        .add(jobs::Column::DeadAt.is_null())
        .add(jobs::Column::RunAt.lte(now))
        .add(jobs::Column::LockedUntil.lte(now));
    let rows = jobs::Entity::find()
        .filter(due)
        .order_by_asc(jobs::Column::RunAt)
        .limit(AT_ONCE)
        .all(app.db.read())
        .await?;
    let mut ran = 0;
    for row in rows {
        if take(app, &row).await? {
            run_one(app, row).await?;
            ran += 1;
        }
    }
    Ok(ran)
}

/// True for the one worker whose update finds the row as it was read.
async fn take(app: &App, row: &jobs::Model) -> Result<bool> {
    let taken = jobs::Entity::update_many()
        .col_expr(jobs::Column::LockedUntil, Expr::value(app.clock.now() + LOCK))
        .col_expr(jobs::Column::Attempts, Expr::value(row.attempts + 1))
        .filter(jobs::Column::Id.eq(row.id))
        .filter(jobs::Column::LockedUntil.eq(row.locked_until))
        .exec(app.db.write())
        .await?;
    Ok(taken.rows_affected == 1)
}

async fn run_one(app: &App, row: jobs::Model) -> Result<()> {
    let job: Result<Job, _> = serde_json::from_str(&row.payload);
    let (kind, outcome) = match &job {
        Ok(job) => (job.kind(), job.run(app).await),
        Err(e) => ("unknown", Err(anyhow::anyhow!("unreadable job: {e}"))),
    };
    let Err(error) = outcome else {
        metrics::job(kind, "done");
        jobs::Entity::delete_by_id(row.id).exec(app.db.write()).await?;
        return Ok(());
    };
    let attempts = row.attempts + 1;
    let dead = attempts >= MAX_ATTEMPTS || kind == "unknown";
    metrics::job(kind, if dead { "dead" } else { "failed" });
    tracing::warn!(kind, attempts, dead, error = format!("{error:#}"), "job failed");
    let now = app.clock.now();
    // 2 s, 4 s, … up to an hour.
    let pause = Duration::from_secs(1 << attempts.clamp(1, 11)).min(Duration::from_secs(3600));
    jobs::Entity::update_many()
        .col_expr(jobs::Column::RunAt, Expr::value(now + pause))
        .col_expr(jobs::Column::LockedUntil, Expr::value(now))
        .col_expr(jobs::Column::LastError, Expr::value(format!("{error:#}")))
        .col_expr(jobs::Column::DeadAt, Expr::value(dead.then_some(now)))
        .filter(jobs::Column::Id.eq(row.id))
        .exec(app.db.write())
        .await?;
    Ok(())
}
