//! Every query of this feature.

use std::time::Duration;

use parlor_db::{
    Owner, Timestamp, Tx, dialect,
    entities::api_keys::{self, Column},
    sea_orm::{
        ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel,
        PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Expr,
    },
};
use uuid::Uuid;

use super::{Change, NewKey, Row, rules::Minted, view};
use crate::{
    app::App,
    http::{Error, Result},
};

/// Of two changes of one person's keys at once, the second sees what the first has stored.
pub(super) async fn wait_for_others(tx: &Tx, owner: Owner) -> Result<()> {
    Ok(dialect::serialise(tx, &format!("api keys of {}", owner.id())).await?)
}

pub(super) async fn insert(app: &App, tx: &Tx, owner: Owner, new: NewKey, minted: &Minted) -> Result<Row> {
    let row = Row {
        id: app.ids.next(),
        user_id: owner.id(),
        name: new.name,
        prefix: minted.prefix.clone(),
        secret_hash: minted.hash.to_vec(),
        scopes: view::scopes_json(new.scopes),
        allowed_ips: view::addresses_json(&new.allowed_ips),
        created_at: app.clock.now(),
        expires_at: new.expires_at,
        last_used_at: None,
        last_used_ip: None,
        revoked_at: None,
        replaced_by: None,
    };
    api_keys::Entity::insert(row.clone().into_active_model().reset_all())
        .exec_without_returning(tx)
        .await?;
    Ok(row)
}

/// Newest first.
pub(super) async fn list(app: &App, owner: Owner, before: Option<Uuid>, limit: u64) -> Result<Vec<Row>> {
    let mut query = api_keys::Entity::find().filter(Column::UserId.eq(owner.id()));
    if let Some(before) = before {
        query = query.filter(Column::Id.lt(before));
    }
    Ok(query.order_by_desc(Column::Id).limit(limit).all(app.db.read()).await?)
}

pub(super) async fn count_live(tx: &Tx, owner: Owner, now: Timestamp) -> Result<u64> {
    let lives = Condition::any()
        .add(Column::ExpiresAt.is_null())
        .add(Column::ExpiresAt.gt(now));
    let query = api_keys::Entity::find().filter(Column::UserId.eq(owner.id()));
    Ok(query
        .filter(Column::RevokedAt.is_null())
        .filter(lives)
        .count(tx)
        .await?)
}

pub(super) async fn find(db: &impl ConnectionTrait, owner: Owner, id: Uuid) -> Result<Row> {
    let query = api_keys::Entity::find_by_id(id).filter(Column::UserId.eq(owner.id()));
    query.one(db).await?.ok_or_else(Error::not_found)
}

/// For authentication alone, which does not know the owner yet.
pub(super) async fn by_prefix(app: &App, prefix: &str) -> Result<Option<Row>> {
    let query = api_keys::Entity::find().filter(Column::Prefix.eq(prefix));
    Ok(query.one(app.db.read()).await?)
}

pub(super) async fn update(tx: &Tx, row: Row, change: Change) -> Result<Row> {
    let mut model = row.clone().into_active_model();
    let mut changed = row;
    if let Some(name) = change.name {
        changed.name.clone_from(&name);
        model.name = Set(name);
    }
    if let Some(scopes) = change.scopes {
        changed.scopes = view::scopes_json(scopes);
        model.scopes = Set(changed.scopes.clone());
    }
    if let Some(addresses) = change.allowed_ips {
        changed.allowed_ips = view::addresses_json(&addresses);
        model.allowed_ips = Set(changed.allowed_ips.clone());
    }
    if model.is_changed() {
        api_keys::Entity::update(model).exec(tx).await?;
    }
    Ok(changed)
}

/// The old key ends after the overlap; with none, now.
pub(super) async fn replace(tx: &Tx, old: &Row, new: Uuid, (now, overlap): (Timestamp, Duration)) -> Result<()> {
    let end = old.expires_at.unwrap_or(now + overlap).min(now + overlap);
    let revoked_at = overlap.is_zero().then_some(now);
    api_keys::Entity::update_many()
        .col_expr(Column::ReplacedBy, Expr::value(new))
        .col_expr(Column::ExpiresAt, Expr::value(end))
        .col_expr(Column::RevokedAt, Expr::value(revoked_at))
        .filter(Column::Id.eq(old.id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Whether it was not revoked before.
pub(super) async fn revoke(tx: &Tx, row: &Row, now: Timestamp) -> Result<bool> {
    let ended = api_keys::Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(now))
        .filter(Column::Id.eq(row.id))
        .filter(Column::RevokedAt.is_null())
        .exec(tx)
        .await?;
    Ok(ended.rows_affected > 0)
}

/// Those that were revoked or expired before this moment.
pub(super) async fn delete_ended(app: &App, before: Timestamp) -> Result<()> {
    let ended = Condition::any()
        .add(Column::RevokedAt.lt(before))
        .add(Column::ExpiresAt.lt(before));
    api_keys::Entity::delete_many()
        .filter(ended)
        .exec(app.db.write())
        .await?;
    Ok(())
}

pub(super) async fn touch(app: &App, id: Uuid, now: Timestamp, ip: Option<String>) -> Result<()> {
    api_keys::Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(now))
        .col_expr(Column::LastUsedIp, Expr::value(ip))
        .filter(Column::Id.eq(id))
        .exec(app.db.write())
        .await?;
    Ok(())
}
