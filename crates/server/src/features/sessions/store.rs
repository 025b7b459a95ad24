//! Every query of this feature.

use std::{sync::Arc, time::Duration};

use parlor_db::{
    Timestamp, Tx,
    entities::{devices, sessions},
    sea_orm::{
        ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
        QuerySelect, prelude::Expr,
    },
};
use uuid::Uuid;

use super::{Device, Session, new_secret};
use crate::{app::App, http::Result, secrets::fingerprint};

fn days(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 86_400)
}

pub(super) async fn insert(app: &App, tx: &Tx, login: &super::Login<'_>, secret: &str) -> Result<Session> {
    let now = app.clock.now();
    let limits = &app.config.sessions;
    let session = Session {
        id: app.ids.next(),
        user_id: login.user.id,
        token_hash: fingerprint(secret.as_bytes()).to_vec(),
        remember: login.remember,
        user_agent: login.device.user_agent.clone(),
        ip: login.device.stored_ip(limits.ip_mode),
        created_at: now,
        last_active_at: now,
        expires_at: now
            + days(if login.remember {
                limits.remember_days
            } else {
                limits.absolute_days
            }),
        revoked_at: None,
        revoked_reason: None,
        authenticated_at: now,
        method: login.method.clone(),
    };
    sessions::Entity::insert(session.clone().into_active_model().reset_all())
        .exec_without_returning(tx)
        .await?;
    Ok(session)
}

pub(super) async fn find_device(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    secret: &str,
) -> Result<Option<devices::Model>> {
    Ok(devices::Entity::find()
        .filter(devices::Column::UserId.eq(user_id))
        .filter(devices::Column::TokenHash.eq(fingerprint(secret.as_bytes()).to_vec()))
        .one(db)
        .await?)
}

/// Notes that this browser signed in; a secret for one that had none. A browser that several people share keeps one.
pub(super) async fn meet_device(app: &App, tx: &Tx, user_id: Uuid, device: &Device) -> Result<Option<String>> {
    let now = app.clock.now();
    if let Some(secret) = &device.secret {
        let seen = devices::Entity::update_many()
            .col_expr(devices::Column::LastSeenAt, Expr::value(now))
            .filter(devices::Column::UserId.eq(user_id))
            .filter(devices::Column::TokenHash.eq(fingerprint(secret.as_bytes()).to_vec()))
            .exec(tx)
            .await?;
        if seen.rows_affected > 0 {
            return Ok(None);
        }
    }
    let given = device.secret.clone().filter(|secret| secret.len() == 43);
    let secret = given.unwrap_or_else(new_secret);
    let row = devices::ActiveModel {
        id: Set(app.ids.next()),
        user_id: Set(user_id),
        token_hash: Set(fingerprint(secret.as_bytes()).to_vec()),
        created_at: Set(now),
        last_seen_at: Set(now),
    };
    devices::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(Some(secret))
}

pub(super) async fn find(app: &App, id: Uuid) -> Result<Option<Arc<Session>>> {
    Ok(sessions::Entity::find_by_id(id).one(app.db.read()).await?.map(Arc::new))
}

pub(super) async fn find_by_cookie(app: &App, hash: [u8; 32]) -> Result<Option<Uuid>> {
    let query = sessions::Entity::find().select_only().column(sessions::Column::Id);
    let query = query.filter(sessions::Column::TokenHash.eq(hash.to_vec()));
    Ok(query.into_tuple().one(app.db.read()).await?)
}

pub(super) async fn revoke(app: &App, id: Uuid, reason: &str) -> Result<()> {
    sessions::Entity::update_many()
        .col_expr(sessions::Column::RevokedAt, Expr::value(app.clock.now()))
        .col_expr(sessions::Column::RevokedReason, Expr::value(reason))
        .filter(sessions::Column::Id.eq(id))
        .filter(sessions::Column::RevokedAt.is_null())
        .exec(app.db.write())
        .await?;
    Ok(())
}

pub(super) async fn touch(app: &App, id: Uuid, now: Timestamp) -> Result<()> {
    sessions::Entity::update_many()
        .col_expr(sessions::Column::LastActiveAt, Expr::value(now))
        .filter(sessions::Column::Id.eq(id))
        .filter(sessions::Column::LastActiveAt.lt(now))
        .exec(app.db.write())
        .await?;
    Ok(())
}

/// Notes a proof within the session. A browser's cookie gets another secret, so that one that was stolen before the proof
/// gains nothing by it; of two proofs with one cookie only the first changes it. Says whether it did.
pub(super) async fn step_up(tx: &Tx, id: Uuid, now: Timestamp, cookie: Option<[[u8; 32]; 2]>) -> Result<bool> {
    let proved = sessions::Entity::update_many()
        .col_expr(sessions::Column::AuthenticatedAt, Expr::value(now))
        .filter(sessions::Column::Id.eq(id));
    proved.exec(tx).await?;
    let Some([old, new]) = cookie else { return Ok(false) };
    let renewed = sessions::Entity::update_many()
        .col_expr(sessions::Column::TokenHash, Expr::value(new.to_vec()))
        .filter(sessions::Column::Id.eq(id))
        .filter(sessions::Column::TokenHash.eq(old.to_vec()));
    Ok(renewed.exec(tx).await?.rows_affected == 1)
}
