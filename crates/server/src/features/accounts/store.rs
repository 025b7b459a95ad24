//! Every query of this feature, but those of its tokens.

use parlor_db::{
    Timestamp, Tx, dialect,
    entities::users,
    sea_orm::{
        ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, SqlErr,
        UpdateMany, UpdateResult, prelude::Expr,
    },
    set_if,
};
use uuid::Uuid;

use super::{
    User,
    email::Email,
    rules::{self, Change, NewAccount},
    status::Status,
};
use crate::{app::App, http::Result};

/// The row of a new account; its first one administers.
pub(super) async fn insert(
    app: &App,
    tx: &Tx,
    account: NewAccount,
    email: Email,
    password_hash: String,
) -> Result<User> {
    // Of two first accounts at once only one is the first.
    dialect::serialise(tx, "first account").await?;
    let (role, plan) = rules::role_and_plan(none_yet(tx).await?);
    let now = app.clock.now();
    let name = account.display_name.filter(|name| !name.trim().is_empty());
    let status = if app.config.must_verify_email() {
        Status::Pending
    } else {
        Status::Active
    };
    let user = User {
        id: app.ids.next(),
        display_name: name.unwrap_or_else(|| rules::name_from_email(&email.address)),
        email_key: email.key,
        email: email.address,
        email_verified_at: None,
        password_hash: Some(password_hash),
        full_name: account.full_name,
        avatar_url: None,
        bio: None,
        locale: account.locale,
        role: role.to_owned(),
        plan: plan.to_owned(),
        status: status.as_str().to_owned(),
        chat_count: 0,
        message_count: 0,
        created_at: now,
        updated_at: now,
        terms_accepted_at: account.terms_version.as_ref().map(|_| now),
        terms_version: account.terms_version,
        password_changed_at: Some(now),
        mail_new_device: true,
    };
    let row: users::ActiveModel = user.clone().into();
    users::Entity::insert(all_set(row)).exec_without_returning(tx).await?;
    Ok(user)
}

fn all_set(row: users::ActiveModel) -> users::ActiveModel {
    use parlor_db::sea_orm::ActiveModelTrait;
    row.reset_all()
}

/// Whether it failed because another row has the address.
pub(super) fn is_taken(error: &parlor_db::sea_orm::DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

pub(super) async fn none_yet(db: &impl ConnectionTrait) -> Result<bool> {
    Ok(users::Entity::find().count(db).await? == 0)
}

pub(super) async fn find_by_key(db: &impl ConnectionTrait, key: &str) -> Result<Option<User>> {
    Ok(users::Entity::find()
        .filter(users::Column::EmailKey.eq(key))
        .one(db)
        .await?)
}

pub(super) async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<User>> {
    Ok(users::Entity::find_by_id(id).one(db).await?)
}

/// A page of accounts, oldest first.
pub(super) async fn list(app: &App, after: Option<Uuid>, limit: u64) -> Result<Vec<User>> {
    use parlor_db::sea_orm::QuerySelect;
    let mut query = users::Entity::find().order_by_asc(users::Column::Id).limit(limit);
    if let Some(after) = after {
        query = query.filter(users::Column::Id.gt(after));
    }
    Ok(query.all(app.db.read()).await?)
}

pub(super) async fn update(app: &App, id: Uuid, change: Change) -> Result<()> {
    let row = users::ActiveModel {
        display_name: set_if(change.display_name),
        full_name: set_if(change.full_name),
        avatar_url: set_if(change.avatar_url),
        bio: set_if(change.bio),
        locale: set_if(change.locale),
        mail_new_device: set_if(change.mail_new_device),
        updated_at: Set(app.clock.now()),
        ..Default::default()
    };
    users::Entity::update_many()
        .set(row)
        .filter(users::Column::Id.eq(id))
        .exec(app.db.write())
        .await?;
    Ok(())
}

fn row_of(id: Uuid, now: Timestamp) -> UpdateMany<users::Entity> {
    users::Entity::update_many()
        .col_expr(users::Column::UpdatedAt, Expr::value(now))
        .filter(users::Column::Id.eq(id))
}

/// A new password.
pub(super) async fn set_password(app: &App, tx: &Tx, id: Uuid, hash: &str) -> Result<()> {
    let now = app.clock.now();
    row_of(id, now)
        .col_expr(users::Column::PasswordHash, Expr::value(hash))
        .col_expr(users::Column::PasswordChangedAt, Expr::value(now))
        .exec(tx)
        .await?;
    Ok(())
}

/// The same password, hashed anew; unless it was changed meanwhile.
pub(super) async fn replace_hash(app: &App, id: Uuid, old: &str, new: &str) -> Result<()> {
    row_of(id, app.clock.now())
        .col_expr(users::Column::PasswordHash, Expr::value(new))
        .filter(users::Column::PasswordHash.eq(old))
        .exec(app.db.write())
        .await?;
    Ok(())
}

/// The person has shown that the mailbox is theirs.
pub(super) async fn set_verified(app: &App, tx: &Tx, id: Uuid) -> Result<()> {
    let now = app.clock.now();
    row_of(id, now)
        .col_expr(users::Column::EmailVerifiedAt, Expr::value(now))
        .filter(users::Column::EmailVerifiedAt.is_null())
        .exec(tx)
        .await?;
    set_status(app, tx, id, Status::Pending, Status::Active).await?;
    Ok(())
}

/// True when the account stood at `from`.
pub(super) async fn set_status(app: &App, tx: &Tx, id: Uuid, from: Status, to: Status) -> Result<bool> {
    let changed = row_of(id, app.clock.now())
        .col_expr(users::Column::Status, Expr::value(to.as_str()))
        .filter(users::Column::Status.eq(from.as_str()))
        .exec(tx)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// A new address, which its token has proved.
pub(super) async fn set_email(
    app: &App,
    tx: &Tx,
    id: Uuid,
    email: &Email,
) -> std::result::Result<UpdateResult, parlor_db::sea_orm::DbErr> {
    let now = app.clock.now();
    row_of(id, now)
        .col_expr(users::Column::Email, Expr::value(&email.address))
        .col_expr(users::Column::EmailKey, Expr::value(&email.key))
        .col_expr(users::Column::EmailVerifiedAt, Expr::value(now))
        .exec(tx)
        .await
}
