//! Every query of the outbox.

use std::time::Duration;

use parlor_db::{
    Timestamp,
    entities::mails,
    sea_orm::{
        ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
        prelude::Expr,
        sea_query::{ExprTrait, Func},
    },
};
use uuid::Uuid;

use super::transport::Failure;
use crate::{app::App, http::Result};

pub(super) const QUEUED: &str = "queued";
pub(super) const SENT: &str = "sent";
pub(super) const DEAD: &str = "dead";

/// Mails whose time has come and that no worker holds.
pub(super) async fn due(app: &App, limit: usize) -> Result<Vec<mails::Model>> {
    let now = app.clock.now();
    Ok(mails::Entity::find()
        .filter(mails::Column::Status.eq(QUEUED))
        .filter(mails::Column::RunAt.lte(now))
        .filter(mails::Column::LockedUntil.lte(now))
        .order_by_asc(mails::Column::RunAt)
        .limit(u64::try_from(limit).unwrap_or(u64::MAX))
        .all(app.db.read())
        .await?)
}

/// True for the one worker whose update finds the row as it was read.
pub(super) async fn take(app: &App, row: &mails::Model, lock: Duration) -> Result<bool> {
    let taken = mails::Entity::update_many()
        .col_expr(mails::Column::LockedUntil, Expr::value(app.clock.now() + lock))
        .col_expr(mails::Column::Attempts, Expr::value(row.attempts + 1))
        .filter(mails::Column::Id.eq(row.id))
        .filter(mails::Column::Status.eq(QUEUED))
        .filter(mails::Column::LockedUntil.eq(row.locked_until))
        .exec(app.db.write())
        .await?;
    Ok(taken.rows_affected == 1)
}

/// It is out. Links in it open accounts, so they go, unless the outbox is where it went.
pub(super) async fn sent(app: &App, id: Uuid, keep_contents: bool) -> Result<()> {
    let now = app.clock.now();
    let mut update = mails::Entity::update_many()
        .col_expr(mails::Column::Status, Expr::value(SENT))
        .col_expr(mails::Column::SentAt, Expr::value(now))
        .col_expr(mails::Column::LockedUntil, Expr::value(now))
        .col_expr(mails::Column::LastError, Expr::value(Option::<String>::None));
    if !keep_contents {
        update = update.col_expr(mails::Column::Parameters, Expr::value(Option::<Vec<u8>>::None));
    }
    update.filter(mails::Column::Id.eq(id)).exec(app.db.write()).await?;
    Ok(())
}

/// It did not leave: queued again for `again`, or dead.
pub(super) async fn failed(app: &App, id: Uuid, failure: &Failure, again: Option<Timestamp>) -> Result<()> {
    let now = app.clock.now();
    let status = if again.is_some() { QUEUED } else { DEAD };
    mails::Entity::update_many()
        .col_expr(mails::Column::Status, Expr::value(status))
        .col_expr(mails::Column::RunAt, Expr::value(again.unwrap_or(now)))
        .col_expr(mails::Column::LockedUntil, Expr::value(now))
        .col_expr(mails::Column::LastError, Expr::value(&failure.text))
        .filter(mails::Column::Id.eq(id))
        .exec(app.db.write())
        .await?;
    Ok(())
}

/// What a crash left locked, on a database that nobody else works on.
pub(super) async fn unlock(app: &App) -> Result<()> {
    let now = app.clock.now();
    mails::Entity::update_many()
        .col_expr(mails::Column::LockedUntil, Expr::value(now))
        .filter(mails::Column::Status.eq(QUEUED))
        .filter(mails::Column::LockedUntil.gt(now))
        .exec(app.db.write())
        .await?;
    Ok(())
}

/// Removes mails of this status that are older than `age`.
pub(super) async fn purge(app: &App, status: &str, age: Duration) -> Result<()> {
    mails::Entity::delete_many()
        .filter(mails::Column::Status.eq(status))
        .filter(mails::Column::RunAt.lt(app.clock.now() - age))
        .exec(app.db.write())
        .await?;
    Ok(())
}

/// How the queue is.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub queued: i64,
    pub oldest: Option<Timestamp>,
    /// Within the last day.
    pub sent: i64,
    pub dead: i64,
}

pub(super) async fn figures(app: &App) -> Result<Figures> {
    let since = app.clock.now() - Duration::from_secs(86_400);
    let rows = mails::Entity::find()
        .select_only()
        .column(mails::Column::Status)
        .column_as(mails::Column::Id.count(), "n")
        .column_as(mails::Column::CreatedAt.min(), "oldest")
        .filter(
            mails::Column::Status.eq(QUEUED).or(mails::Column::Status
                .is_in([SENT, DEAD])
                .and(mails::Column::RunAt.gte(since))),
        )
        .group_by(mails::Column::Status)
        .into_tuple::<(String, i64, Option<i64>)>()
        .all(app.db.read())
        .await?;
    let mut figures = Figures::default();
    for (status, n, oldest) in rows {
        match status.as_str() {
            QUEUED => {
                figures.queued = n;
                figures.oldest = oldest.map(Timestamp::from_micros);
            }
            SENT => figures.sent = n,
            _ => figures.dead = n,
        }
    }
    Ok(figures)
}

/// How many mails were queued since, and the most that went to one address. Ids begin with the time, so the primary
/// key finds them.
pub(super) async fn volume(app: &App, since: Timestamp) -> Result<(i64, i64)> {
    let millis = u64::try_from(since.as_micros() / 1000).unwrap_or_default();
    let first = uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid();
    let rows = mails::Entity::find()
        .select_only()
        .column_as(mails::Column::Id.count(), "n")
        .filter(mails::Column::Id.gte(first))
        .group_by(Expr::expr(Func::lower(Expr::col(mails::Column::Recipient))))
        .into_tuple::<i64>()
        .all(app.db.read())
        .await?;
    let most = rows.iter().max().copied().unwrap_or_default();
    Ok((rows.iter().sum(), most))
}

/// Newest first.
pub(super) async fn list(
    app: &App,
    status: Option<&str>,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<mails::Model>> {
    let mut query = mails::Entity::find().order_by_desc(mails::Column::Id).limit(limit);
    if let Some(status) = status {
        query = query.filter(mails::Column::Status.eq(status));
    }
    if let Some(before) = before {
        query = query.filter(mails::Column::Id.lt(before));
    }
    Ok(query.all(app.db.read()).await?)
}

pub(super) async fn find(app: &App, id: Uuid) -> Result<Option<mails::Model>> {
    Ok(mails::Entity::find_by_id(id).one(app.db.write()).await?)
}

/// Puts a dead mail back into the queue, as if it was new; false when it is not dead.
pub(super) async fn requeue(db: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<bool> {
    let changed = mails::Entity::update_many()
        .col_expr(mails::Column::Status, Expr::value(QUEUED))
        .col_expr(mails::Column::Attempts, Expr::value(0))
        .col_expr(mails::Column::RunAt, Expr::value(now))
        .col_expr(mails::Column::LockedUntil, Expr::value(now))
        .filter(mails::Column::Id.eq(id))
        .filter(mails::Column::Status.eq(DEAD))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}
