//! People: their accounts and passwords.

mod api;
mod from_provider;
mod pages;
mod passwords;
mod rules;
mod store;
mod views;

use std::{sync::Arc, time::Duration};

pub use parlor_db::entities::users::Model as User;
use parlor_db::{
    Timestamp, Tx,
    entities::users,
    sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, prelude::Expr},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use api::UserView;
pub use from_provider::{FromProvider, Made, create_from_provider};
pub use passwords::Passwords;
pub use rules::NewAccount;
pub use store::Registered;

use crate::{
    app::App,
    coordination::Cache,
    http::{Code, Error, Result},
};

pub use pages::pages;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::register))
        .routes(routes!(api::login))
        .routes(routes!(api::me, api::update_me))
}

/// The people who asked something lately.
pub struct Users {
    cache: Cache<Uuid, Arc<User>>,
}

impl Users {
    /// `exclusive` when no other process writes to the database; otherwise a row is believed for a second only.
    #[must_use]
    pub fn new(exclusive: bool) -> Self {
        let max_age = if exclusive {
            Duration::from_secs(300)
        } else {
            Duration::from_secs(1)
        };
        Self {
            cache: Cache::new(100_000, max_age),
        }
    }

    /// Call it after every commit that changed the person's row.
    pub fn invalidate(&self, id: Uuid) {
        self.cache.invalidate(&id);
    }
}

/// The person with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, id: Uuid) -> Result<Option<Arc<User>>> {
    let load = async { Ok::<_, Error>(users::Entity::find_by_id(id).one(app.db.read()).await?.map(Arc::new)) };
    app.users.cache.get_or_load(id, load).await
}

/// Makes an account, unless the address has one. The first account of a server becomes its administrator.
///
/// # Errors
/// When the password cannot be hashed or the database fails.
pub async fn register(app: &App, account: NewAccount) -> Result<Registered> {
    // Hashed in any case, so that the time does not tell whether the address was known.
    let hash = app.passwords.hash(account.password.clone()).await?;
    store::insert(app, account, hash).await
}

/// The person with this address and password.
///
/// # Errors
/// `invalid_credentials`, alike for an unknown address and a wrong password, and after the same work.
pub async fn check_password(app: &App, email: &str, password: String) -> Result<User> {
    let user = store::find_by_email(app, &rules::email_key(email)).await?;
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let right = app.passwords.verify(hash, password).await?;
    match user {
        Some(user) if right => Ok(user),
        _ => Err(Error::new(Code::InvalidCredentials, "Check both and try again.")),
    }
}

/// Whether this account may begin a session, whatever its proof.
///
/// # Errors
/// `account_disabled`, `email_not_verified`.
pub fn may_sign_in(app: &App, user: &User) -> Result<()> {
    if user.status != rules::ACTIVE {
        return Err(Error::new(Code::AccountDisabled, "Ask the operator of this server."));
    }
    if app.config.must_verify_email() && user.email_verified_at.is_none() {
        let detail = "Open the link in the mail we sent, or ask for a new one at /auth/verify-email/resend.";
        return Err(Error::new(Code::EmailNotVerified, detail));
    }
    Ok(())
}

/// Keeps what a person changed of their account.
///
/// # Errors
/// When the database fails.
pub async fn change(app: &App, id: Uuid, change: rules::Change) -> Result<()> {
    store::update(app, id, change).await?;
    app.users.invalidate(id);
    Ok(())
}

pub use rules::{Change, is_admin};

/// Counts what a person made, as part of `tx`; call `app.users.invalidate` after the commit.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &Tx, id: Uuid, chats: i64, messages: i64, now: Timestamp) -> Result<()> {
    let add = |column: users::Column, n: i64| ExprTrait::add(Expr::col(column), n);
    users::Entity::update_many()
        .col_expr(users::Column::ChatCount, add(users::Column::ChatCount, chats))
        .col_expr(users::Column::MessageCount, add(users::Column::MessageCount, messages))
        .col_expr(users::Column::UpdatedAt, Expr::value(now))
        .filter(users::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Whether nobody has an account yet: the next person becomes the administrator.
///
/// # Errors
/// When the database fails.
pub async fn none_yet(app: &App) -> Result<bool> {
    store::none_yet(app.db.read()).await
}
