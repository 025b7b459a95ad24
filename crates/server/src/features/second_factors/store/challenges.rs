//! Every query about what somebody began and must finish within minutes.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use parlor_db::{
    Timestamp, Tx,
    entities::challenges,
    sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, prelude::Expr},
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

pub(in super::super) use parlor_db::entities::challenges::Model as Row;

use crate::{
    app::App,
    clock::random_bytes,
    http::{Error, Result},
    secrets::{Purpose, fingerprint},
};

pub(in super::super) const LIFE: Duration = Duration::from_secs(300);
/// Answers that a challenge bears.
pub(in super::super) const ATTEMPTS: i64 = 5;

pub(in super::super) const SECOND_FACTOR: &str = "second_factor";
pub(in super::super) const PASSKEY_LOGIN: &str = "passkey_login";
pub(in super::super) const PASSKEY_REGISTRATION: &str = "passkey_registration";
/// A code that was asked for within a session; only there to be counted.
const STEP_UP: &str = "step_up";

/// Writes a challenge and answers with its token.
pub(in super::super) async fn open(
    app: &App,
    purpose: &str,
    user_id: Option<Uuid>,
    state: &impl Serialize,
) -> Result<String> {
    let token = BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<32>());
    let plain = serde_json::to_vec(state).map_err(Error::internal)?;
    let id = app.ids.next();
    let now = app.clock.now();
    let row = challenges::ActiveModel {
        id: Set(id),
        purpose: Set(purpose.to_owned()),
        user_id: Set(user_id),
        token_hash: Set(hash(&token)),
        state: Set(app.vault.seal(Purpose::SecondFactor, id.as_bytes(), &plain)),
        attempts: Set(0),
        created_at: Set(now),
        expires_at: Set(now + LIFE),
        used_at: Set(None),
    };
    challenges::Entity::insert(row)
        .exec_without_returning(app.db.write())
        .await?;
    Ok(token)
}

fn hash(token: &str) -> Vec<u8> {
    fingerprint(token.as_bytes()).to_vec()
}

/// What was kept of a challenge.
pub(in super::super) async fn state<T: DeserializeOwned>(app: &App, row: &Row) -> Result<T> {
    let plain = app
        .vault
        .unseal(Purpose::SecondFactor, row.id.as_bytes(), &row.state)
        .await
        .map_err(Error::internal)?;
    serde_json::from_slice(&plain).map_err(Error::internal)
}

pub(in super::super) async fn find(app: &App, purpose: &str, token: &str) -> Result<Option<Row>> {
    Ok(challenges::Entity::find()
        .filter(challenges::Column::TokenHash.eq(hash(token)))
        .filter(challenges::Column::Purpose.eq(purpose))
        .one(app.db.write())
        .await?)
}

pub(in super::super) async fn find_by_id(app: &App, id: Uuid) -> Result<Option<Row>> {
    Ok(challenges::Entity::find_by_id(id).one(app.db.write()).await?)
}

/// Counts an answer before it is looked at, so that many at once are not more than many in a row. False when the
/// challenge bears no more.
pub(in super::super) async fn attempt(app: &App, row: &Row) -> Result<bool> {
    let counted = challenges::Entity::update_many()
        .col_expr(
            challenges::Column::Attempts,
            ExprTrait::add(Expr::col(challenges::Column::Attempts), 1),
        )
        .filter(challenges::Column::Id.eq(row.id))
        .filter(challenges::Column::Attempts.lt(ATTEMPTS))
        .filter(challenges::Column::UsedAt.is_null())
        .exec(app.db.write())
        .await?;
    Ok(counted.rows_affected > 0)
}

/// Uses a challenge up; the right answer was no guess and is not counted as one.
pub(in super::super) async fn take(tx: &Tx, row: &Row, now: Timestamp) -> Result<bool> {
    let taken = challenges::Entity::update_many()
        .col_expr(challenges::Column::UsedAt, Expr::value(now))
        .col_expr(
            challenges::Column::Attempts,
            ExprTrait::sub(Expr::col(challenges::Column::Attempts), 1),
        )
        .filter(challenges::Column::Id.eq(row.id))
        .filter(challenges::Column::UsedAt.is_null())
        .filter(challenges::Column::ExpiresAt.gt(now))
        .exec(tx)
        .await?;
    Ok(taken.rows_affected > 0)
}

/// Takes a passkey's challenge, which bears one answer, right or wrong.
pub(in super::super) async fn take_once(app: &App, purpose: &str, token: &str) -> Result<Option<Row>> {
    let now = app.clock.now();
    let taken = challenges::Entity::update_many()
        .col_expr(challenges::Column::UsedAt, Expr::value(now))
        .filter(challenges::Column::TokenHash.eq(hash(token)))
        .filter(challenges::Column::Purpose.eq(purpose))
        .filter(challenges::Column::UsedAt.is_null())
        .filter(challenges::Column::ExpiresAt.gt(now))
        .exec(app.db.write())
        .await?;
    if taken.rows_affected == 0 {
        return Ok(None);
    }
    find(app, purpose, token).await
}

/// Notes a guess within a session.
pub(in super::super) async fn note_guess(app: &App, user_id: Uuid) -> Result<Uuid> {
    let id = app.ids.next();
    let now = app.clock.now();
    let row = challenges::ActiveModel {
        id: Set(id),
        purpose: Set(STEP_UP.to_owned()),
        user_id: Set(Some(user_id)),
        token_hash: Set(random_bytes::<32>().to_vec()),
        state: Set(Vec::new()),
        attempts: Set(1),
        created_at: Set(now),
        expires_at: Set(now),
        used_at: Set(Some(now)),
    };
    challenges::Entity::insert(row)
        .exec_without_returning(app.db.write())
        .await?;
    Ok(id)
}

pub(in super::super) async fn forget_guess(app: &App, id: Uuid) -> Result<()> {
    challenges::Entity::delete_by_id(id).exec(app.db.write()).await?;
    Ok(())
}

/// Answers that were counted for this account since `since`, in all its challenges.
pub(in super::super) async fn guesses(app: &App, user_id: Uuid, since: Timestamp) -> Result<i64> {
    let counts: Vec<i64> = challenges::Entity::find()
        .select_only()
        .column(challenges::Column::Attempts)
        .filter(challenges::Column::UserId.eq(user_id))
        .filter(challenges::Column::CreatedAt.gt(since))
        .filter(challenges::Column::Attempts.gt(0))
        .limit(100)
        .into_tuple()
        .all(app.db.write())
        .await?;
    Ok(counts.iter().sum())
}

/// Removes what ended before `before`.
pub(in super::super) async fn purge(app: &App, before: Timestamp) -> Result<()> {
    challenges::Entity::delete_many()
        .filter(challenges::Column::ExpiresAt.lt(before))
        .exec(app.db.write())
        .await?;
    Ok(())
}
