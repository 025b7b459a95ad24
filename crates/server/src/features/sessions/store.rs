//! Every query of this feature.

use std::{sync::Arc, time::Duration};

use parlor_db::{
    Timestamp, Tx,
    entities::{devices, refresh_tokens, sessions},
    sea_orm::{
        ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel,
        QueryFilter, QuerySelect, prelude::Expr,
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

pub(super) async fn insert_refresh_token(app: &App, tx: &Tx, session: &Session) -> Result<String> {
    let token = new_secret();
    let row = refresh_tokens::ActiveModel {
        id: Set(app.ids.next()),
        session_id: Set(session.id),
        token_hash: Set(fingerprint(token.as_bytes()).to_vec()),
        created_at: Set(app.clock.now()),
        expires_at: Set(session.expires_at),
        used_at: Set(None),
        child_id: Set(None),
    };
    refresh_tokens::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(token)
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

/// Ends the sessions of a person, but one, as part of `tx`; call `sessions::ended` with the result after the commit.
///
/// # Errors
/// When the database fails.
pub async fn end_all(app: &App, tx: &Tx, user_id: Uuid, except: Option<Uuid>, reason: &str) -> Result<Vec<Uuid>> {
    let now = app.clock.now();
    let mut open = Condition::all()
        .add(sessions::Column::UserId.eq(user_id))
        .add(sessions::Column::RevokedAt.is_null());
    if let Some(except) = except {
        open = open.add(sessions::Column::Id.ne(except));
    }
    sessions::Entity::update_many()
        .col_expr(sessions::Column::RevokedAt, Expr::value(now))
        .col_expr(sessions::Column::RevokedReason, Expr::value(reason))
        .filter(open)
        .exec(tx)
        .await?;
    // Those that the update found, also one that began between two statements.
    let ended = sessions::Entity::find()
        .select_only()
        .column(sessions::Column::Id)
        .filter(sessions::Column::UserId.eq(user_id))
        .filter(sessions::Column::RevokedAt.eq(now));
    Ok(ended.into_tuple().all(tx).await?)
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

/// How an exchange of a refresh token ended.
pub(super) enum Exchange {
    New {
        session: Box<Session>,
        refresh_token: String,
    },
    /// It was exchanged before: somebody else has it.
    Reused {
        session_id: Uuid,
    },
    Unknown,
}

/// Uses a refresh token up; of two uses at once only one finds it unused.
pub(super) async fn exchange(app: &App, token: &str) -> Result<Exchange> {
    let tx = app.db.begin().await?;
    let hash = fingerprint(token.as_bytes()).to_vec();
    let query = refresh_tokens::Entity::find().filter(refresh_tokens::Column::TokenHash.eq(hash));
    let Some(row) = query.one(&tx).await? else {
        return Ok(Exchange::Unknown);
    };
    let now = app.clock.now();
    let used = refresh_tokens::Entity::update_many()
        .col_expr(refresh_tokens::Column::UsedAt, Expr::value(now))
        .filter(refresh_tokens::Column::Id.eq(row.id))
        .filter(refresh_tokens::Column::UsedAt.is_null())
        .exec(&tx)
        .await?;
    if used.rows_affected == 0 {
        return Ok(Exchange::Reused {
            session_id: row.session_id,
        });
    }
    let session = sessions::Entity::find_by_id(row.session_id).one(&tx).await?;
    let Some(session) = session.filter(|session| super::lives(app, session)) else {
        return Ok(Exchange::Unknown);
    };
    let refresh_token = insert_refresh_token(app, &tx, &session).await?;
    tx.commit().await?;
    Ok(Exchange::New {
        session: Box::new(session),
        refresh_token,
    })
}
