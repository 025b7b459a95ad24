//! What a signed-in person changes of how they sign in: the password, the address.

use uuid::Uuid;

use super::{
    User,
    email::Email,
    limits, links, recovery, rules, store,
    tokens::{self, Purpose, Redeemed},
};
use crate::{
    app::App,
    features::{
        audit::{self, Event},
        sessions::{self, Device},
    },
    http::{Code, Error, FieldError, Result},
    mail::{self, Mail, Recipient},
};

/// A request for a new password, by somebody in a session.
pub(super) struct NewPassword {
    pub session_id: Uuid,
    pub current: String,
    pub new: String,
}

/// Another password; every other session ends.
///
/// # Errors
/// `invalid_credentials` for a wrong current password, `validation_failed` for a new one that cannot be, `rate_limited`.
pub(super) async fn change_password(app: &App, user: &User, device: &Device, change: NewPassword) -> Result<()> {
    super::check_password(app, &user.email, change.current).await?;
    rules::check_password_of("new_password", user, &change.new, &app.config)?;
    let hash = app.passwords.hash(change.new).await?;
    let tx = app.db.begin().await?;
    store::set_password(app, &tx, user.id, &hash).await?;
    tokens::void(app, &tx, user.id, Some(Purpose::ResetPassword)).await?;
    let ended = sessions::end_all(app, &tx, user.id, Some(change.session_id), "password_changed").await?;
    recovery::notify(app, &tx, user).await?;
    let event = Event {
        device: Some(device),
        session_id: Some(change.session_id),
        ..Event::own(user.id, "password.changed")
    };
    audit::record(app, &tx, event).await?;
    tx.commit().await?;
    app.users.invalidate(user.id);
    sessions::ended(app, &ended);
    app.mailer.wake();
    Ok(())
}

/// Asks the new address for its consent, and tells the old one. Alike whether or not the new one has an account.
///
/// # Errors
/// `invalid_credentials`, `validation_failed`, `rate_limited`, `unavailable` where there is no mail.
pub(super) async fn ask_for_email(app: &App, user: &User, email: &Email, password: String) -> Result<()> {
    super::check_password(app, &user.email, password).await?;
    if !app.config.mail.is_on() {
        let detail = "This server sends no mail, so it cannot check the new address. Ask its operator.";
        return Err(Error::new(Code::Unavailable, detail));
    }
    if email.key == user.email_key {
        let wrong = FieldError::new("email", "unchanged", "This is your address already.");
        return Err(Error::validation(vec![wrong]));
    }
    limits::mails(app, "change_email", &user.email_key)?;
    limits::mails(app, "change_email", &email.key)?;
    let tx = app.db.begin().await?;
    if store::find_by_key(&tx, &email.key).await?.is_none() {
        let token = tokens::issue(app, &tx, user.id, Purpose::ChangeEmail, &email.address).await?;
        let to = Recipient {
            email: email.address.clone(),
            ..Recipient::from(user)
        };
        let mail = Mail::ConfirmEmailChange {
            link: links::with_token(app, "/change-email", &token),
            hours: app.config.accounts.verify_token_hours,
        };
        mail::enqueue(app, &tx, &to, &mail).await?;
    }
    let mail = Mail::EmailChanged {
        new_email: email.address.clone(),
        done: false,
    };
    mail::enqueue(app, &tx, &Recipient::from(user), &mail).await?;
    audit::record(app, &tx, Event::own(user.id, "email.change_requested")).await?;
    tx.commit().await?;
    app.mailer.wake();
    Ok(())
}

/// The new address has consented: it is the person's from now on. Every session ends but `session_id`, where the link was
/// opened in one of the same person.
pub(super) async fn confirm_email(app: &App, token: &str, session: Option<(Uuid, Uuid)>) -> Redeemed<User> {
    let tx = app.db.begin().await?;
    let token = match tokens::redeem(app, &tx, Purpose::ChangeEmail, token).await? {
        Ok(token) => token,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let old = store::find(&tx, token.user_id).await?.ok_or_else(Error::not_found)?;
    let email = Email::parse(&token.email).map_err(|wrong| Error::validation(vec![wrong]))?;
    match store::set_email(app, &tx, old.id, &email).await {
        Ok(_) => {}
        Err(error) if store::is_taken(&error) => {
            let detail = "Somebody else uses this address by now. Choose another one in your settings.";
            return Err(Error::new(Code::Conflict, detail));
        }
        Err(error) => return Err(error.into()),
    }
    // Links that lie in the old mailbox.
    tokens::void(app, &tx, old.id, None).await?;
    let except = session
        .filter(|(owner, _)| *owner == old.id)
        .map(|(_, session_id)| session_id);
    let ended = sessions::end_all(app, &tx, old.id, except, "email_changed").await?;
    let mail = Mail::EmailChanged {
        new_email: email.address,
        done: true,
    };
    mail::enqueue(app, &tx, &Recipient::from(&old), &mail).await?;
    audit::record(app, &tx, Event::own(old.id, "email.changed")).await?;
    let user = store::find(&tx, old.id).await?.ok_or_else(Error::not_found)?;
    tx.commit().await?;
    app.users.invalidate(user.id);
    sessions::ended(app, &ended);
    app.mailer.wake();
    Ok(Ok(user))
}
