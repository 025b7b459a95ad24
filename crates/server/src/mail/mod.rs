//! Mail: a row in the transaction of what it is about, handed over by a worker.
//!
//! A row is `queued`, then `sent`, or `dead` when it was refused for good or tried for a day in vain. What its template
//! needs is sealed and, with a mail server, emptied once the mail is out: it holds links that open accounts.

mod letter;
mod transport;

use parlor_db::{
    Tx,
    entities::mails,
    sea_orm::{ActiveValue::Set, EntityTrait},
};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use uuid::Uuid;

pub use letter::Rendered;
pub use transport::{Memory, Transport};

use crate::{
    app::App,
    config::Config,
    features::accounts::User,
    http::{Error, Result},
    secrets::Purpose,
};

/// What there is to say; each kind has its templates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Mail {
    /// Confirm this address; the link works for so many hours.
    VerifyEmail { link: String, hours: u32 },
    /// The address is confirmed.
    Welcome { link: String },
    /// Somebody asked for an account with an address that has one.
    AlreadyRegistered { login: String, forgot: String },
    /// Choose a new password; the link works for so many minutes.
    ResetPassword { link: String, minutes: u32 },
    /// The password was changed or reset.
    PasswordChanged { forgot: String },
    /// To the new address: confirm it.
    ConfirmEmailChange { link: String, hours: u32 },
    /// To the old address: somebody asked for another one, or it has changed.
    EmailChanged { new_email: String, done: bool },
    /// A login from a device that never was here. `ip` and `device` may be unknown.
    NewDevice {
        device: Option<String>,
        ip: Option<String>,
        at: String,
        sessions: String,
    },
    /// A code to prove who one is, for people without a password.
    SignInCode { code: String, minutes: u32 },
    /// A second factor was added or removed: `totp`, `passkey`, `recovery_codes`.
    SecondFactorChanged {
        factor: String,
        added: bool,
        security: String,
    },
    /// A sign-in provider was linked or unlinked.
    ConnectionChanged {
        provider: String,
        added: bool,
        security: String,
    },
    /// An API key was made.
    ApiKeyCreated { name: String, prefix: String, keys: String },
    /// A refresh token came twice, so its session was ended.
    SessionEndedForSafety { sessions: String },
}

impl Mail {
    /// The name of its templates and of its rows.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::VerifyEmail { .. } => "verify_email",
            Self::Welcome { .. } => "welcome",
            Self::AlreadyRegistered { .. } => "already_registered",
            Self::ResetPassword { .. } => "reset_password",
            Self::PasswordChanged { .. } => "password_changed",
            Self::ConfirmEmailChange { .. } => "confirm_email_change",
            Self::EmailChanged { .. } => "email_changed",
            Self::NewDevice { .. } => "new_device",
            Self::SignInCode { .. } => "sign_in_code",
            Self::SecondFactorChanged { .. } => "second_factor_changed",
            Self::ConnectionChanged { .. } => "connection_changed",
            Self::ApiKeyCreated { .. } => "api_key_created",
            Self::SessionEndedForSafety { .. } => "session_ended_for_safety",
        }
    }

    /// Whether anybody can have it sent to any address, by entering it somewhere.
    fn is_asked_for(&self) -> bool {
        matches!(
            self,
            Self::VerifyEmail { .. }
                | Self::AlreadyRegistered { .. }
                | Self::ResetPassword { .. }
                | Self::ConfirmEmailChange { .. }
                | Self::SignInCode { .. }
        )
    }
}

/// To whom, and in which language.
#[derive(Clone, Debug)]
pub struct Recipient {
    pub user_id: Option<Uuid>,
    pub email: String,
    pub name: String,
    pub locale: String,
}

impl From<&User> for Recipient {
    fn from(user: &User) -> Self {
        Self {
            user_id: Some(user.id),
            email: user.email.clone(),
            name: user.display_name.clone(),
            locale: user.locale.clone(),
        }
    }
}

/// What is sealed in the row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contents {
    /// What the recipient wants to be called; may be empty.
    pub name: String,
    pub mail: Mail,
}

/// Wakes the worker when there is mail, and knows how mail leaves.
pub struct Mailer {
    wake: Notify,
    transport: Transport,
}

impl Mailer {
    /// With a transport of a test, or the one that the settings name.
    ///
    /// # Errors
    /// When the mail settings cannot be used.
    pub fn new(config: &Config, instead: Option<Transport>) -> anyhow::Result<Self> {
        Ok(Self {
            wake: Notify::new(),
            transport: instead.map_or_else(|| Transport::from_config(config), Ok)?,
        })
    }

    /// Call it after the commit that queued a mail.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

/// Queues a mail as part of `tx`; call `app.mailer.wake()` after the commit.
///
/// # Errors
/// When the database fails.
pub async fn enqueue(app: &App, tx: &Tx, to: &Recipient, mail: &Mail) -> Result<()> {
    let id = app.ids.next();
    let now = app.clock.now();
    let parameters = Contents {
        name: to.name.clone(),
        mail: mail.clone(),
    };
    let plain = serde_json::to_vec(&parameters).map_err(Error::internal)?;
    let row = mails::ActiveModel {
        id: Set(id),
        user_id: Set(to.user_id),
        kind: Set(mail.kind().to_owned()),
        locale: Set(to.locale.clone()),
        recipient: Set(to.email.clone()),
        // Sealed: links in it open accounts, and the database must not.
        parameters: Set(Some(app.vault.seal(Purpose::Mail, id.as_bytes(), &plain))),
        status: Set("queued".to_owned()),
        attempts: Set(0),
        run_at: Set(now),
        locked_until: Set(now),
        last_error: Set(None),
        created_at: Set(now),
        sent_at: Set(None),
    };
    mails::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// A link that carries a mailed token, as `link(&app, "/reset", &token)`. It is built from the configured address, never
/// from a request, and leads to a page that only shows a button: opening it uses nothing up. No log line has a query.
#[must_use]
pub fn link(app: &App, path: &str, token: &str) -> String {
    let query = serde_urlencoded::to_string([("token", token)]).unwrap_or_default();
    format!("{}{path}?{query}", app.config.public_url)
}

/// A link to one of our pages, as `page_link(&app, "de", "/sessions")`.
#[must_use]
pub fn page_link(app: &App, locale: &str, path: &str) -> String {
    let locale = crate::ui::supported(locale).unwrap_or("en");
    format!("{}/{locale}{path}", app.config.public_url)
}

/// What a row says; none when it was emptied.
///
/// # Errors
/// When it cannot be opened.
pub async fn contents(app: &App, row: &mails::Model) -> Result<Option<Contents>> {
    let Some(sealed) = &row.parameters else {
        return Ok(None);
    };
    let plain = app.vault.unseal(Purpose::Mail, row.id.as_bytes(), sealed).await;
    let plain = plain.map_err(Error::internal)?;
    serde_json::from_slice(&plain).map(Some).map_err(Error::internal)
}

/// A mail as its recipient reads it.
///
/// # Errors
/// When a template fails, which its test would have shown.
pub fn render(app: &App, locale: &str, contents: &Contents) -> Result<Rendered> {
    letter::render(&app.config.public_url, locale, contents)
}

/// The administrators' outbox.
pub fn pages() -> axum::Router<App> {
    axum::Router::new()
}

/// Starts the worker of this node.
pub fn start(_app: &App) {}
