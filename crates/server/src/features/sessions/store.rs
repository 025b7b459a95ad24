//! Every query of this feature.

use std::{sync::Arc, time::Duration};

use parlor_db::{
    Timestamp, Tx,
    entities::{api_keys, devices, sessions, users},
    sea_orm::{
        ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel,
        QueryFilter, QueryOrder, QuerySelect, QueryTrait, prelude::Expr,
    },
};
use serde::{Deserialize, Serialize};
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

/// Sessions that nobody ended and whose time is not over; see [`super::lives`].
fn living(app: &App) -> Condition {
    let now = app.clock.now();
    let in_use = Condition::any()
        .add(sessions::Column::Remember.eq(true))
        .add(sessions::Column::LastActiveAt.gt(now - days(app.config.sessions.idle_days)));
    Condition::all()
        .add(sessions::Column::RevokedAt.is_null())
        .add(sessions::Column::ExpiresAt.gt(now))
        .add(in_use)
}

/// Ends one session; none when it had ended before.
pub(super) async fn revoke(app: &App, tx: &Tx, id: Uuid, reason: &str) -> Result<Option<Session>> {
    let which = Condition::all().add(sessions::Column::Id.eq(id));
    if mark_revoked(app, tx, which, reason).await? == 0 {
        return Ok(None);
    }
    Ok(sessions::Entity::find_by_id(id).one(tx).await?)
}

/// Ends the living session of a cookie.
pub(super) async fn revoke_by_cookie(app: &App, tx: &Tx, hash: [u8; 32], reason: &str) -> Result<Option<Session>> {
    let query = sessions::Entity::find().filter(sessions::Column::TokenHash.eq(hash.to_vec()));
    match query.filter(living(app)).one(tx).await? {
        Some(session) => revoke(app, tx, session.id, reason).await,
        None => Ok(None),
    }
}

/// Ends a living session of this person; whether there was one.
pub(super) async fn revoke_own(app: &App, tx: &Tx, user_id: Uuid, id: Uuid) -> Result<bool> {
    let which = living(app)
        .add(sessions::Column::Id.eq(id))
        .add(sessions::Column::UserId.eq(user_id));
    Ok(mark_revoked(app, tx, which, "revoked").await? > 0)
}

/// Ends the person's sessions, except one; answers their ids.
pub(super) async fn revoke_all(
    app: &App,
    tx: &Tx,
    user_id: Uuid,
    except: Option<Uuid>,
    reason: &str,
) -> Result<Vec<Uuid>> {
    let mut which = living(app).add(sessions::Column::UserId.eq(user_id));
    if let Some(except) = except {
        which = which.add(sessions::Column::Id.ne(except));
    }
    let query = sessions::Entity::find().select_only().column(sessions::Column::Id);
    let ids: Vec<Uuid> = query.filter(which.clone()).into_tuple().all(tx).await?;
    // By the same condition, not by these ids: one that began a moment ago must not slip through.
    if mark_revoked(app, tx, which, reason).await? == 0 {
        return Ok(Vec::new());
    }
    Ok(ids)
}

async fn mark_revoked(app: &App, tx: &Tx, which: Condition, reason: &str) -> Result<u64> {
    let done = sessions::Entity::update_many()
        .col_expr(sessions::Column::RevokedAt, Expr::value(app.clock.now()))
        .col_expr(sessions::Column::RevokedReason, Expr::value(reason))
        .filter(which)
        .filter(sessions::Column::RevokedAt.is_null())
        .exec(tx)
        .await?;
    Ok(done.rows_affected)
}

/// Where a page of the list ends.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Position(pub i64, pub Uuid);

/// The person's living sessions, the one that was active last first.
pub(super) async fn list(app: &App, user_id: Uuid, after: Option<Position>, limit: u64) -> Result<Vec<Session>> {
    let mut query = sessions::Entity::find()
        .filter(sessions::Column::UserId.eq(user_id))
        .filter(living(app));
    if let Some(Position(micros, id)) = after {
        let at = Timestamp::from_micros(micros);
        let same = Condition::all()
            .add(sessions::Column::LastActiveAt.eq(at))
            .add(sessions::Column::Id.lt(id));
        let beyond = Condition::any().add(sessions::Column::LastActiveAt.lt(at)).add(same);
        query = query.filter(beyond);
    }
    Ok(query
        .order_by_desc(sessions::Column::LastActiveAt)
        .order_by_desc(sessions::Column::Id)
        .limit(limit)
        .all(app.db.read())
        .await?)
}

/// The living sessions of these people.
pub(super) async fn living_of(app: &App, user_ids: &[Uuid]) -> Result<Vec<Session>> {
    Ok(sessions::Entity::find()
        .filter(sessions::Column::UserId.is_in(user_ids.iter().copied()))
        .filter(living(app))
        .order_by_asc(sessions::Column::Id)
        .all(app.db.read())
        .await?)
}

/// Those of the person's sessions that were ended since then.
pub(super) async fn revoked_since(app: &App, user_id: Uuid, since: Timestamp) -> Result<Vec<Uuid>> {
    Ok(sessions::Entity::find()
        .select_only()
        .column(sessions::Column::Id)
        .filter(sessions::Column::UserId.eq(user_id))
        .filter(sessions::Column::RevokedAt.gt(since))
        .into_tuple()
        .all(app.db.read())
        .await?)
}

/// Which of these sessions and API keys live, of people who may be here.
pub(super) async fn living_openers(app: &App, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    let welcome = || {
        let active = users::Entity::find().select_only().column(users::Column::Id);
        active.filter(users::Column::Status.eq("active")).into_query()
    };
    let query = sessions::Entity::find().select_only().column(sessions::Column::Id);
    let mut living: Vec<Uuid> = query
        .filter(sessions::Column::Id.is_in(ids.iter().copied()))
        .filter(living(app))
        .filter(sessions::Column::UserId.in_subquery(welcome()))
        .into_tuple()
        .all(app.db.read())
        .await?;
    if living.len() == ids.len() {
        return Ok(living);
    }
    let unexpired = Condition::any()
        .add(api_keys::Column::ExpiresAt.is_null())
        .add(api_keys::Column::ExpiresAt.gt(app.clock.now()));
    let keys = api_keys::Entity::find().select_only().column(api_keys::Column::Id);
    let keys: Vec<Uuid> = keys
        .filter(api_keys::Column::Id.is_in(ids.iter().copied()))
        .filter(api_keys::Column::RevokedAt.is_null())
        .filter(unexpired)
        .filter(api_keys::Column::UserId.in_subquery(welcome()))
        .into_tuple()
        .all(app.db.read())
        .await?;
    living.extend(keys);
    Ok(living)
}

/// So many earlier sessions tell whether a device is new.
const COMPARED: u64 = 200;

/// The person's last sessions, also those that have ended.
pub(super) async fn earlier(db: &impl ConnectionTrait, user_id: Uuid) -> Result<Vec<Session>> {
    Ok(sessions::Entity::find()
        .filter(sessions::Column::UserId.eq(user_id))
        .order_by_desc(sessions::Column::Id)
        .limit(COMPARED)
        .all(db)
        .await?)
}

/// Notes the last activity, unless somebody just did.
pub(super) async fn touch(app: &App, id: Uuid, now: Timestamp) -> Result<bool> {
    let done = sessions::Entity::update_many()
        .col_expr(sessions::Column::LastActiveAt, Expr::value(now))
        .filter(sessions::Column::Id.eq(id))
        .filter(sessions::Column::RevokedAt.is_null())
        .filter(sessions::Column::LastActiveAt.lte(now - super::TOUCH_EVERY))
        .exec(app.db.write())
        .await?;
    Ok(done.rows_affected > 0)
}

/// How long ended sessions are kept: they tell a familiar device from a new one.
const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// Forgets sessions that ended long ago.
pub(super) async fn purge(app: &App) -> Result<()> {
    let old = sessions::Column::ExpiresAt.lt(app.clock.now() - KEPT);
    sessions::Entity::delete_many().filter(old).exec(app.db.write()).await?;
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
