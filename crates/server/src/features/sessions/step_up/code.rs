//! The code by mail: eight digits, ten minutes, five tries, once.

use std::time::Duration;

use parlor_db::{
    Tx, dialect,
    entities::challenges,
    sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, QueryFilter, prelude::Expr},
};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::tag;
use crate::{
    app::App,
    clock::random_bytes,
    features::accounts::User,
    http::Result,
    mail::{self, Mail, Recipient},
};

const PURPOSE: &str = "step_up_code";
const DIGITS: u32 = 8;
const MINUTES: u32 = 10;
const TRIES: i64 = 5;
/// A second click within that time sends no second mail, and the first code stays good.
const PAUSE: Duration = Duration::from_secs(60);

/// Mails a code that proves the person in this session, and in no other.
pub(super) async fn send(app: &App, user: &User, session_id: Uuid) -> Result<()> {
    let tx = app.db.begin().await?;
    dialect::serialise(&tx, &format!("{PURPOSE} {session_id}")).await?;
    if let Some(earlier) = find(app, &tx, session_id).await? {
        let is_new = app.clock.now().since(earlier.created_at) < PAUSE;
        if is_new && earlier.used_at.is_none() && earlier.attempts < TRIES {
            return Ok(());
        }
        challenges::Entity::delete_by_id(earlier.id).exec(&tx).await?;
    }
    let code = digits();
    insert(app, &tx, user.id, session_id, &code).await?;
    let mail = Mail::SignInCode { code, minutes: MINUTES };
    mail::enqueue(app, &tx, &Recipient::from(user), &mail).await?;
    tx.commit().await?;
    app.mailer.wake();
    Ok(())
}

fn digits() -> String {
    let number = u64::from_le_bytes(random_bytes()) % 10_u64.pow(DIGITS);
    format!("{number:0width$}", width = DIGITS as usize)
}

/// A session has one code at most: the hash of its id is unique.
fn key(app: &App, session_id: Uuid) -> Vec<u8> {
    tag(app, session_id, "").to_vec()
}

async fn find(app: &App, tx: &Tx, session_id: Uuid) -> Result<Option<challenges::Model>> {
    let query = challenges::Entity::find().filter(challenges::Column::TokenHash.eq(key(app, session_id)));
    Ok(query.one(tx).await?)
}

/// Only a keyed hash of the code is kept: a copy of the database does not give it away, few as its digits are.
async fn insert(app: &App, tx: &Tx, user_id: Uuid, session_id: Uuid, code: &str) -> Result<()> {
    let now = app.clock.now();
    let id = app.ids.next();
    let row = challenges::ActiveModel {
        id: Set(id),
        purpose: Set(PURPOSE.to_owned()),
        user_id: Set(Some(user_id)),
        token_hash: Set(key(app, session_id)),
        state: Set(tag(app, id, code).to_vec()),
        attempts: Set(0),
        created_at: Set(now),
        expires_at: Set(now + Duration::from_secs(u64::from(MINUTES) * 60)),
        used_at: Set(None),
    };
    challenges::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Whether this is the code that was mailed for the session. It is used up then, and after a few wrong ones.
pub(super) async fn take(app: &App, session_id: Uuid, code: &str) -> Result<bool> {
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let tx = app.db.begin().await?;
    // The try is counted before the look, in the one statement that also asks whether it may be made.
    let counted = challenges::Entity::update_many()
        .col_expr(
            challenges::Column::Attempts,
            ExprTrait::add(Expr::col(challenges::Column::Attempts), 1),
        )
        .filter(challenges::Column::TokenHash.eq(key(app, session_id)))
        .filter(challenges::Column::Attempts.lt(TRIES))
        .filter(challenges::Column::ExpiresAt.gt(app.clock.now()))
        .filter(challenges::Column::UsedAt.is_null())
        .exec(&tx)
        .await?;
    let row = match counted.rows_affected {
        0 => None,
        _ => find(app, &tx, session_id).await?,
    };
    let Some(row) = row else { return Ok(false) };
    let right: bool = tag(app, row.id, &code).as_slice().ct_eq(&row.state).into();
    if right {
        challenges::Entity::update_many()
            .col_expr(challenges::Column::UsedAt, Expr::value(app.clock.now()))
            .filter(challenges::Column::Id.eq(row.id))
            .exec(&tx)
            .await?;
    }
    tx.commit().await?;
    Ok(right)
}
