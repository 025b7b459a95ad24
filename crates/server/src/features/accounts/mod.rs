//! People: their accounts and passwords.

mod api;
mod api_tokens;
mod breached;
mod changes;
mod email;
mod limits;
mod links;
mod operate;
mod pages;
mod pages_security;
mod pages_tokens;
mod passwords;
mod purge;
mod recovery;
mod register;
mod rules;
mod status;
mod store;
mod tokens;
mod views;
mod views_tokens;

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
pub use email::Email;
pub use operate::{by_email, page_of_all, set_status};
pub use passwords::Passwords;
pub use purge::purge;
pub use recovery::reset_link;
pub use register::{Registered, register};
pub use rules::NewAccount;
pub use status::Status;

use super::{
    audit::{self, Event},
    sessions::Device,
};
use crate::{
    app::App,
    coordination::{Cache, throttle},
    http::{Code, Error, Result},
};

pub fn pages() -> axum::Router<App> {
    pages::pages()
        .merge(pages_tokens::pages())
        .merge(pages_security::pages())
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::register))
        .routes(routes!(api::login))
        .routes(routes!(api_tokens::verify_email))
        .routes(routes!(api_tokens::resend))
        .routes(routes!(api_tokens::forgot_password))
        .routes(routes!(api_tokens::reset_password))
        .routes(routes!(api_tokens::change_password))
        .routes(routes!(api_tokens::change_email))
        .routes(routes!(api_tokens::confirm_email))
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

/// Where this account stands.
#[must_use]
pub fn status_of(user: &User) -> Status {
    Status::from_name(&user.status)
}

/// The person with this address and password, at the door.
///
/// # Errors
/// `invalid_credentials`, alike for an unknown address and a wrong password, and after the same work; `rate_limited`
/// after too many of them, alike too, and before the password is looked at.
pub async fn log_in(app: &App, email: &str, password: String, device: &Device) -> Result<User> {
    let key = email::key(email);
    let user = store::find_by_key(app.db.read(), &key).await?;
    let attempt = limits::login(app, user.as_ref(), &key, device).await?;
    let known = user.as_ref().map(|user| user.id);
    let compared = compare(app, user, password).await?;
    match compared {
        Some(user) => {
            attempt.succeeded();
            Ok(user)
        }
        None => {
            attempt.failed();
            note_failure(app, known, device);
            Err(wrong_credentials())
        }
    }
}

/// Whether this is the person's password; false for people who have none.
///
/// # Errors
/// `rate_limited`, or when the hash cannot be computed.
pub async fn confirm_password(app: &App, user: &User, password: String) -> Result<bool> {
    match check_password(app, &user.email, password).await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Code::InvalidCredentials => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether nobody has shut this account.
#[must_use]
pub fn is_active(user: &User) -> bool {
    user.status == Status::Active.as_str()
}

/// The person with this address and password, where somebody in a session proves once more who they are.
///
/// # Errors
/// `invalid_credentials`, `rate_limited`.
pub async fn check_password(app: &App, email: &str, password: String) -> Result<User> {
    let key = email::key(email);
    let attempt = app.throttle.check(&[(&throttle::CONFIRM, &key)]).await?;
    let user = store::find_by_key(app.db.read(), &key).await?;
    match compare(app, user, password).await? {
        Some(user) => {
            attempt.succeeded();
            Ok(user)
        }
        None => {
            attempt.failed();
            Err(wrong_credentials())
        }
    }
}

fn wrong_credentials() -> Error {
    Error::new(Code::InvalidCredentials, "Check both and try again.")
}

/// The person, when the password is theirs; the same work for nobody.
async fn compare(app: &App, user: Option<User>, password: String) -> Result<Option<User>> {
    let stored = user.as_ref().and_then(|user| user.password_hash.clone());
    let verdict = app.passwords.verify(stored.clone(), password).await?;
    if let (Some(user), Some(stored), Some(password)) = (&user, stored, verdict.outdated) {
        hash_anew(app, user.id, stored, password);
    }
    Ok(user.filter(|_| verdict.right))
}

/// In the background: the login does not wait for it.
fn hash_anew(app: &App, id: Uuid, old: String, password: String) {
    let inner = app.clone();
    app.spawn(async move {
        let replaced = async {
            let new = inner.passwords.hash(password).await?;
            store::replace_hash(&inner, id, &old, &new).await
        };
        match replaced.await {
            Ok(()) => inner.users.invalidate(id),
            Err(error) => tracing::warn!(cause = ?error.cause(), "a password hash could not be renewed"),
        }
    });
}

/// For the person's trail; in the background, so that the answer takes as long as for an unknown address.
fn note_failure(app: &App, user_id: Option<Uuid>, device: &Device) {
    let Some(user_id) = user_id else { return };
    let (inner, device) = (app.clone(), device.clone());
    app.spawn(async move {
        let noted = async {
            let tx = inner.db.begin().await?;
            let event = Event {
                device: Some(&device),
                ..Event::own(user_id, "login.failed")
            };
            audit::record(&inner, &tx, event).await?;
            Ok::<_, Error>(tx.commit().await?)
        };
        if let Err(error) = noted.await {
            tracing::warn!(cause = ?error.cause(), "a failed login could not be noted");
        }
    });
}

/// Whether this account may begin a session, whatever its proof.
///
/// # Errors
/// `account_disabled`, `email_not_verified`.
pub fn may_sign_in(app: &App, user: &User) -> Result<()> {
    if !status_of(user).admits() {
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
