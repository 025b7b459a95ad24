//! Making an account, and proving its address.

use uuid::Uuid;

use super::{
    NewAccount, User,
    email::{self, Email},
    limits, links, store,
    tokens::{self, Purpose, Redeemed},
};
use crate::{
    app::App,
    features::audit::{self, Event},
    http::{Error, Result},
    mail::{self, Mail, Recipient},
};

/// How a registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    New(Uuid),
    /// The address has an account; only its owner may learn of it.
    Known,
}

/// Makes an account, unless the address has one. The first account of a server becomes its administrator. Either way a
/// mail goes out, where there is mail, and the work is much the same.
///
/// # Errors
/// `validation_failed`, or when the password cannot be hashed or the database fails.
pub async fn register(app: &App, account: NewAccount) -> Result<Registered> {
    let email = account.check(&app.config).map_err(Error::validation)?;
    // Hashed in any case, so that the time does not tell whether the address was known.
    let hash = app.passwords.hash(account.password.clone()).await?;
    let registered = match insert(app, account, email.clone(), hash).await? {
        Some(id) => Registered::New(id),
        None => {
            tell_owner(app, &email).await?;
            Registered::Known
        }
    };
    app.mailer.wake();
    Ok(registered)
}

/// None when the address has an account.
async fn insert(app: &App, account: NewAccount, email: Email, hash: String) -> Result<Option<Uuid>> {
    let tx = app.db.begin().await?;
    if store::find_by_key(&tx, &email.key).await?.is_some() {
        return Ok(None);
    }
    let user = match store::insert(app, &tx, account, email, hash).await {
        Ok(user) => user,
        // Another request was faster.
        Err(error) if is_taken(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    audit::record(app, &tx, Event::own(user.id, "account.registered")).await?;
    if app.config.mail.is_on() {
        send_verification(app, &tx, &user).await?;
    }
    tx.commit().await?;
    Ok(Some(user.id))
}

fn is_taken(error: &Error) -> bool {
    let cause = error.cause().and_then(|cause| cause.downcast_ref::<parlor_db::Error>());
    matches!(cause, Some(parlor_db::Error::Database(cause)) if store::is_taken(cause))
}

async fn send_verification(app: &App, tx: &parlor_db::Tx, user: &User) -> Result<()> {
    let token = tokens::issue(app, tx, user.id, Purpose::VerifyEmail, &user.email).await?;
    let mail = Mail::VerifyEmail {
        link: links::with_token(app, "/verify", &token),
        hours: app.config.accounts.verify_token_hours,
    };
    mail::enqueue(app, tx, &Recipient::from(user), &mail).await
}

/// Somebody asked for an account with an address that has one: its owner is told, and nobody else.
async fn tell_owner(app: &App, email: &Email) -> Result<()> {
    let Some(user) = store::find_by_key(app.db.read(), &email.key).await? else {
        return Ok(());
    };
    let tx = app.db.begin().await?;
    audit::record(app, &tx, Event::own(user.id, "account.registered_again")).await?;
    if app.config.mail.is_on() && limits::may_mail(app, "already_registered", &user.email_key) {
        let mail = Mail::AlreadyRegistered {
            login: links::page(app, &format!("/{}/login", user.locale)),
            forgot: links::page(app, &format!("/{}/forgot", user.locale)),
        };
        mail::enqueue(app, &tx, &Recipient::from(&user), &mail).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Sends the mail that confirms an address once more, where there is one to confirm. The work is done apart from the
/// request, so neither answer nor time tell anything.
pub(super) fn resend(app: &App, address: &Email) {
    let (app, key) = (app.clone(), address.key.clone());
    if !app.config.mail.is_on() || !limits::may_mail(&app, "verify_email", &key) {
        return;
    }
    app.clone().spawn(async move {
        if let Err(error) = resend_now(&app, &key).await {
            tracing::error!(cause = ?error.cause(), "a mail to confirm an address could not be queued");
        }
    });
}

async fn resend_now(app: &App, key: &str) -> Result<()> {
    let tx = app.db.begin().await?;
    let unproved = |user: &User| user.email_verified_at.is_none() && super::status_of(user).admits();
    if let Some(user) = store::find_by_key(&tx, key).await?.filter(unproved) {
        send_verification(app, &tx, &user).await?;
        tx.commit().await?;
        app.mailer.wake();
    }
    Ok(())
}

/// Confirms an address; its person is welcome.
pub(super) async fn verify(app: &App, token: &str) -> Redeemed<User> {
    let tx = app.db.begin().await?;
    let token = match tokens::redeem(app, &tx, Purpose::VerifyEmail, token).await? {
        Ok(token) => token,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let user = store::find(&tx, token.user_id).await?.ok_or_else(Error::not_found)?;
    // The address may have changed since.
    if email::key(&token.email) != user.email_key {
        return Ok(Err(tokens::Refusal::Replaced));
    }
    store::set_verified(app, &tx, user.id).await?;
    audit::record(app, &tx, Event::own(user.id, "email.verified")).await?;
    if user.email_verified_at.is_none() {
        let link = links::page(app, &format!("/{}/chats", user.locale));
        mail::enqueue(app, &tx, &Recipient::from(&user), &Mail::Welcome { link }).await?;
    }
    let user = store::find(&tx, user.id).await?.ok_or_else(Error::not_found)?;
    tx.commit().await?;
    app.mailer.wake();
    app.users.invalidate(user.id);
    Ok(Ok(user))
}
