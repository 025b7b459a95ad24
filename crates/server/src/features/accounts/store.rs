//! Every query of this feature.

use parlor_db::{
    dialect,
    entities::users,
    sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, SqlErr},
    set_if,
};
use uuid::Uuid;

use super::rules::{self, Change, NewAccount};
use crate::{app::App, http::Result};

/// How a registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    New(Uuid),
    /// The address has an account; only its owner may learn of it.
    Known,
}

pub(super) async fn insert(app: &App, account: NewAccount, password_hash: String) -> Result<Registered> {
    let tx = app.db.begin().await?;
    // Of two first accounts at once only one is the first.
    dialect::serialise(&tx, "first account").await?;
    let (role, plan) = rules::role_and_plan(none_yet(&tx).await?);
    let now = app.clock.now();
    let id = app.ids.next();
    let name = account.display_name.filter(|name| !name.trim().is_empty());
    let display_name = name.unwrap_or_else(|| rules::name_from_email(&account.email));
    let row = users::ActiveModel {
        id: Set(id),
        email_key: Set(rules::email_key(&account.email)),
        email: Set(account.email.trim().to_owned()),
        email_verified_at: Set(None),
        password_hash: Set(Some(password_hash)),
        display_name: Set(display_name),
        full_name: Set(account.full_name),
        avatar_url: Set(None),
        bio: Set(None),
        locale: Set(account.locale),
        role: Set(role.to_owned()),
        plan: Set(plan.to_owned()),
        status: Set(rules::ACTIVE.to_owned()),
        chat_count: Set(0),
        message_count: Set(0),
        created_at: Set(now),
        updated_at: Set(now),
        terms_version: Set(None),
        terms_accepted_at: Set(None),
        password_changed_at: Set(Some(now)),
        mail_new_device: Set(true),
    };
    match users::Entity::insert(row).exec_without_returning(&tx).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(Registered::New(id))
        }
        Err(e) if matches!(e.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(Registered::Known),
        Err(e) => Err(e.into()),
    }
}

pub(super) async fn none_yet(db: &impl ConnectionTrait) -> Result<bool> {
    Ok(users::Entity::find().count(db).await? == 0)
}

pub(super) async fn find_by_email(app: &App, key: &str) -> Result<Option<users::Model>> {
    Ok(users::Entity::find()
        .filter(users::Column::EmailKey.eq(key))
        .one(app.db.read())
        .await?)
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
