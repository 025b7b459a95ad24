//! Every query about factors; those about challenges stand in `store/challenges.rs`.

pub(super) mod challenges;

use parlor_db::{
    Timestamp, Tx,
    entities::{passkeys, recovery_codes, totp},
    sea_orm::{
        ActiveModelTrait,
        ActiveValue::Set,
        ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
        QuerySelect, QueryTrait, SqlErr,
        prelude::Expr,
        sea_query::{OnConflict, UnionType},
    },
};
use uuid::Uuid;

use super::recovery;
use crate::{
    app::App,
    http::{Code, Error, Result},
};

pub(super) use parlor_db::entities::{passkeys::Model as Passkey, totp::Model as Totp};

/// What an account has.
pub(super) struct Factors {
    pub totp: bool,
    pub passkeys: Vec<Passkey>,
    pub recovery_codes_left: u64,
}

/// Whether there is a confirmed authenticator app or a passkey: one query, because every login asks it.
pub(super) async fn has_any(db: &impl ConnectionTrait, user_id: Uuid) -> Result<bool> {
    let mut either = totp::Entity::find()
        .select_only()
        .column(totp::Column::UserId)
        .filter(totp::Column::UserId.eq(user_id))
        .filter(totp::Column::ConfirmedAt.is_not_null())
        .into_query();
    let keys = passkeys::Entity::find()
        .select_only()
        .column(passkeys::Column::UserId)
        .filter(passkeys::Column::UserId.eq(user_id))
        .into_query();
    either.union(UnionType::All, keys);
    Ok(db.query_one(&either).await?.is_some())
}

pub(super) async fn factors(db: &impl ConnectionTrait, user_id: Uuid) -> Result<Factors> {
    let codes = recovery_codes::Entity::find()
        .filter(recovery_codes::Column::UserId.eq(user_id))
        .filter(recovery_codes::Column::UsedAt.is_null());
    Ok(Factors {
        totp: confirmed_totp(db, user_id).await?.is_some(),
        passkeys: passkeys_of(db, user_id).await?,
        recovery_codes_left: codes.count(db).await?,
    })
}

pub(super) async fn find_totp(db: &impl ConnectionTrait, user_id: Uuid) -> Result<Option<Totp>> {
    Ok(totp::Entity::find_by_id(user_id).one(db).await?)
}

pub(super) async fn confirmed_totp(db: &impl ConnectionTrait, user_id: Uuid) -> Result<Option<Totp>> {
    Ok(find_totp(db, user_id).await?.filter(|row| row.confirmed_at.is_some()))
}

/// A secret that waits for its first code, in place of one that never got it. False when a confirmed one is there.
pub(super) async fn begin_totp(app: &App, tx: &Tx, user_id: Uuid, sealed: Vec<u8>) -> Result<bool> {
    totp::Entity::delete_many()
        .filter(totp::Column::UserId.eq(user_id))
        .filter(totp::Column::ConfirmedAt.is_null())
        .exec(tx)
        .await?;
    let row = totp::ActiveModel {
        user_id: Set(user_id),
        secret: Set(sealed),
        created_at: Set(app.clock.now()),
        confirmed_at: Set(None),
        last_step: Set(0),
    };
    let inserted = totp::Entity::insert(row)
        .on_conflict(OnConflict::column(totp::Column::UserId).do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(inserted > 0)
}

/// Turns on exactly the secret whose code was right, if nothing came in between.
pub(super) async fn confirm_totp(tx: &Tx, row: &Totp, step: i64, now: Timestamp) -> Result<bool> {
    let confirmed = totp::Entity::update_many()
        .col_expr(totp::Column::ConfirmedAt, Expr::value(now))
        .col_expr(totp::Column::LastStep, Expr::value(step))
        .filter(totp::Column::UserId.eq(row.user_id))
        .filter(totp::Column::Secret.eq(row.secret.clone()))
        .filter(totp::Column::ConfirmedAt.is_null())
        .exec(tx)
        .await?;
    Ok(confirmed.rows_affected > 0)
}

/// Uses up a step and all before it; of two equal codes at once only one finds it unused.
pub(super) async fn use_step(db: &impl ConnectionTrait, user_id: Uuid, step: i64) -> Result<bool> {
    let used = totp::Entity::update_many()
        .col_expr(totp::Column::LastStep, Expr::value(step))
        .filter(totp::Column::UserId.eq(user_id))
        .filter(totp::Column::LastStep.lt(step))
        .filter(totp::Column::ConfirmedAt.is_not_null())
        .exec(db)
        .await?;
    Ok(used.rows_affected > 0)
}

pub(super) async fn delete_totp(tx: &Tx, user_id: Uuid) -> Result<bool> {
    let gone = totp::Entity::delete_many()
        .filter(totp::Column::UserId.eq(user_id))
        .filter(totp::Column::ConfirmedAt.is_not_null())
        .exec(tx)
        .await?;
    Ok(gone.rows_affected > 0)
}

/// Takes everything: the app, passkeys, codes. How many apps and passkeys there were.
pub(super) async fn delete_all(tx: &Tx, user_id: Uuid) -> Result<(u64, u64)> {
    let totp = totp::Entity::delete_many()
        .filter(totp::Column::UserId.eq(user_id))
        .exec(tx)
        .await?;
    let keys = passkeys::Entity::delete_many()
        .filter(passkeys::Column::UserId.eq(user_id))
        .exec(tx)
        .await?;
    delete_recovery_codes(tx, user_id).await?;
    Ok((totp.rows_affected, keys.rows_affected))
}

pub(super) async fn replace_recovery_codes(app: &App, tx: &Tx, user_id: Uuid, codes: &[String]) -> Result<()> {
    delete_recovery_codes(tx, user_id).await?;
    let rows = codes.iter().map(|code| recovery_codes::ActiveModel {
        id: Set(app.ids.next()),
        user_id: Set(user_id),
        code_hash: Set(recovery::hash(user_id, code).to_vec()),
        created_at: Set(app.clock.now()),
        used_at: Set(None),
    });
    recovery_codes::Entity::insert_many(rows)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

pub(super) async fn delete_recovery_codes(tx: &Tx, user_id: Uuid) -> Result<()> {
    recovery_codes::Entity::delete_many()
        .filter(recovery_codes::Column::UserId.eq(user_id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Whether the code is one that was not used; it stays unused.
pub(super) async fn knows_recovery_code(app: &App, user_id: Uuid, typed: &str) -> Result<bool> {
    let found = recovery_codes::Entity::find()
        .filter(recovery_codes::Column::UserId.eq(user_id))
        .filter(recovery_codes::Column::CodeHash.eq(recovery::hash(user_id, typed).to_vec()))
        .filter(recovery_codes::Column::UsedAt.is_null());
    Ok(found.count(app.db.read()).await? > 0)
}

/// Uses a code up; of two uses at once only one finds it unused.
pub(super) async fn use_recovery_code(tx: &Tx, user_id: Uuid, typed: &str, now: Timestamp) -> Result<bool> {
    let used = recovery_codes::Entity::update_many()
        .col_expr(recovery_codes::Column::UsedAt, Expr::value(now))
        .filter(recovery_codes::Column::UserId.eq(user_id))
        .filter(recovery_codes::Column::CodeHash.eq(recovery::hash(user_id, typed).to_vec()))
        .filter(recovery_codes::Column::UsedAt.is_null())
        .exec(tx)
        .await?;
    Ok(used.rows_affected > 0)
}

pub(super) async fn passkeys_of(db: &impl ConnectionTrait, user_id: Uuid) -> Result<Vec<Passkey>> {
    Ok(passkeys::Entity::find()
        .filter(passkeys::Column::UserId.eq(user_id))
        .order_by_asc(passkeys::Column::Id)
        .all(db)
        .await?)
}

pub(super) async fn find_passkey(app: &App, user_id: Uuid, credential_id: &[u8]) -> Result<Option<Passkey>> {
    Ok(passkeys::Entity::find()
        .filter(passkeys::Column::CredentialId.eq(credential_id.to_vec()))
        .filter(passkeys::Column::UserId.eq(user_id))
        .one(app.db.read())
        .await?)
}

pub(super) async fn insert_passkey(tx: &Tx, row: &Passkey) -> Result<()> {
    let row = row.clone().into_active_model().reset_all();
    match passkeys::Entity::insert(row).exec_without_returning(tx).await {
        Ok(_) => Ok(()),
        Err(e) if matches!(e.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
            Err(Error::new(Code::Conflict, "This passkey has been added already."))
        }
        Err(e) => Err(e.into()),
    }
}

/// Keeps the counter that the authenticator sent. False when another sign-in with it was faster: then that one counts.
pub(super) async fn use_passkey(tx: &Tx, row: &Passkey, credential: &str, now: Timestamp) -> Result<bool> {
    let used = passkeys::Entity::update_many()
        .col_expr(passkeys::Column::Credential, Expr::value(credential))
        .col_expr(passkeys::Column::LastUsedAt, Expr::value(now))
        .filter(passkeys::Column::Id.eq(row.id))
        .filter(passkeys::Column::Credential.eq(row.credential.as_str()))
        .exec(tx)
        .await?;
    Ok(used.rows_affected > 0)
}

pub(super) async fn rename_passkey(app: &App, user_id: Uuid, id: Uuid, name: &str) -> Result<Option<Passkey>> {
    passkeys::Entity::update_many()
        .col_expr(passkeys::Column::Name, Expr::value(name))
        .filter(passkeys::Column::Id.eq(id))
        .filter(passkeys::Column::UserId.eq(user_id))
        .exec(app.db.write())
        .await?;
    Ok(passkeys::Entity::find_by_id(id)
        .filter(passkeys::Column::UserId.eq(user_id))
        .one(app.db.write())
        .await?)
}

pub(super) async fn delete_passkey(tx: &Tx, user_id: Uuid, id: Uuid) -> Result<bool> {
    let gone = passkeys::Entity::delete_many()
        .filter(passkeys::Column::Id.eq(id))
        .filter(passkeys::Column::UserId.eq(user_id))
        .exec(tx)
        .await?;
    Ok(gone.rows_affected > 0)
}
