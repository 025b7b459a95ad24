//! "Forgot password?": a mail, then a new password.

use axum::http::{HeaderName, HeaderValue};

use super::{
    User,
    email::Email,
    limits, links, rules, store,
    tokens::{self, Purpose, Redeemed, Token},
};
use crate::{
    app::App,
    features::{
        audit::{self, Event},
        oauth,
        sessions::{self, Device},
    },
    http::{Error, Result},
    mail::{self, Mail, Recipient},
};

/// Sends a link for a new password, where the address has an account. The work is done apart from the request, so
/// neither answer nor time tell whether there is one.
pub(super) fn forgot(app: &App, address: &Email) {
    let (inner, key) = (app.clone(), address.key.clone());
    if limits::may_mail(app, "reset_password", &key) {
        super::later(app, "queueing a mail for a new password", async move {
            forgot_now(&inner, &key).await
        });
    }
}

async fn forgot_now(app: &App, key: &str) -> Result<()> {
    let tx = app.db.begin().await?;
    let admitted = |user: &User| super::status_of(user).admits();
    if let Some(user) = store::find_by_key(&tx, key).await?.filter(admitted) {
        let link = issue_link(app, &tx, &user).await?;
        let minutes = app.config.accounts.reset_token_minutes;
        let mail = Mail::ResetPassword { link, minutes };
        mail::enqueue(app, &tx, &Recipient::from(&user), &mail).await?;
        audit::record(app, &tx, Event::own(user.id, "password.reset_requested")).await?;
        tx.commit().await?;
        app.mailer.wake();
    }
    Ok(())
}

async fn issue_link(app: &App, tx: &parlor_db::Tx, user: &User) -> Result<String> {
    let token = tokens::issue(app, tx, user.id, Purpose::ResetPassword, &user.email).await?;
    Ok(links::with_token(app, "/reset", &token))
}

/// A link for a new password that an administrator hands over themselves, where there is no mail.
///
/// # Errors
/// When the database fails.
pub async fn reset_link(app: &App, user: &User) -> Result<String> {
    let tx = app.db.begin().await?;
    let link = issue_link(app, &tx, user).await?;
    audit::record(app, &tx, Event::own(user.id, "password.reset_link_issued")).await?;
    tx.commit().await?;
    Ok(link)
}

/// What a reset leaves behind.
pub(super) struct Reset {
    /// The cookie by which this browser is known from now on.
    pub device: Option<(HeaderName, HeaderValue)>,
}

/// Sets a new password with the token of a mail. All or nothing: the password, the used token, the end of every other
/// token and of every session, the notice and the trail. It signs nobody in, and no second factor is touched.
pub(super) async fn reset(app: &App, device: &Device, token: &str, password: String) -> Redeemed<Reset> {
    let user = match look(app, token).await? {
        Ok((_, user)) => user,
        Err(refusal) => return Ok(Err(refusal)),
    };
    rules::check_password_of("password", &user, &password, &app.config)?;
    let hash = app.passwords.hash(password).await?;
    let tx = app.db.begin().await?;
    if let Err(refusal) = tokens::redeem(app, &tx, Purpose::ResetPassword, token).await? {
        return Ok(Err(refusal));
    }
    store::set_password(app, &tx, user.id, &hash).await?;
    if user.email_verified_at.is_none() {
        // Nobody had proved this mailbox before: what was linked to the account then was not its owner's doing.
        oauth::cut_all(app, &tx, user.id).await?;
    }
    store::set_verified(app, &tx, user.id).await?;
    tokens::void(app, &tx, user.id, None).await?;
    let ended = sessions::end_all(app, &tx, user.id, None, "password_reset").await?;
    notify(app, &tx, &user).await?;
    let event = Event {
        device: Some(device),
        ..Event::own(user.id, "password.reset")
    };
    audit::record(app, &tx, event).await?;
    let known = sessions::introduce(app, &tx, user.id, device).await?;
    tx.commit().await?;
    app.users.invalidate(user.id);
    sessions::ended(app, &ended);
    app.mailer.wake();
    app.jobs.wake();
    Ok(Ok(Reset { device: known }))
}

/// Who a token for a new password belongs to; it stays unused.
pub(super) async fn look(app: &App, token: &str) -> Redeemed<(Token, User)> {
    let token = match tokens::look(app, app.db.read(), Purpose::ResetPassword, token).await? {
        Ok(token) => token,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let user = store::find(app.db.read(), token.user_id)
        .await?
        .ok_or_else(Error::not_found)?;
    Ok(Ok((token, user)))
}

/// Tells the person that their password is another one.
pub(super) async fn notify(app: &App, tx: &parlor_db::Tx, user: &User) -> Result<()> {
    let forgot = links::page(app, &format!("/{}/forgot", user.locale));
    mail::enqueue(app, tx, &Recipient::from(user), &Mail::PasswordChanged { forgot }).await
}
