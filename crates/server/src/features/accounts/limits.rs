//! Which counters a request of this feature counts under.

use uuid::Uuid;

use super::User;
use crate::{
    app::App,
    coordination::throttle::{self, Attempt, client},
    features::sessions::{self, Device},
    http::Result,
};

/// Before a password is looked at. A browser that has signed in to the account before counts by itself, so no stranger
/// can slow its person down; all others count together. Alike for addresses that have no account.
pub(super) async fn login(app: &App, user: Option<&User>, key: &str, device: &Device) -> Result<Attempt> {
    // Asked in any case, so that the time does not tell whether there is an account.
    let owner = user.map_or(Uuid::nil(), |user| user.id);
    if sessions::knows_device(app, owner, device).await? {
        let own = format!("{key} {}", device.secret.as_deref().unwrap_or_default());
        return app.throttle.check(&[(&throttle::LOGIN_DEVICE, &own)]).await;
    }
    let network = client(device.ip);
    let pair = format!("{key} {network}");
    let counted = [
        (&throttle::LOGIN_ADDRESS, network.as_str()),
        (&throttle::LOGIN_PAIR, &pair),
        (&throttle::LOGIN_ACCOUNT, key),
    ];
    app.throttle.check(&counted).await
}

/// Before a token from a mail is looked at.
pub(super) async fn email_token(app: &App, device: &Device) -> Result<Attempt> {
    let network = client(device.ip);
    app.throttle.check(&[(&throttle::EMAIL_TOKEN, &network)]).await
}

/// Whether one more mail of this kind may go to this mailbox.
pub(super) fn may_mail(app: &App, kind: &str, key: &str) -> bool {
    mails(app, kind, key).is_ok()
}

/// The same, for somebody who may learn of it.
///
/// # Errors
/// `rate_limited`.
pub(super) fn mails(app: &App, kind: &str, key: &str) -> Result<()> {
    app.throttle.take(&throttle::MAILBOX, &format!("{kind} {key}"))
}

/// Whether this client may cause one more mail.
///
/// # Errors
/// `rate_limited`.
pub(super) fn causes_mail(app: &App, device: &Device) -> Result<()> {
    app.throttle.take(&throttle::MAIL_ADDRESS, &client(device.ip))
}

/// Whether this client may ask for one more account.
///
/// # Errors
/// `rate_limited`.
pub(super) fn registers(app: &App, device: &Device) -> Result<()> {
    app.throttle.take(&throttle::REGISTER, &client(device.ip))
}
