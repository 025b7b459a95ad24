//! Sessions: a login on one device, ended at once wherever it is used.
//!
//! Every request looks its session up, in a cache that ending the session invalidates: a signed token alone lets nobody
//! in.

mod api;
pub mod cookie;
mod device;
mod sign_in;
mod store;
mod tokens;

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use parlor_db::Tx;
pub use parlor_db::entities::sessions::Model as Session;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use device::{Device, network_of};
pub use sign_in::{LoginResponse, Outcome, Proof, SignIn, answer_json, answer_page, sign_in};
pub use store::end_all;

use crate::{
    app::App,
    clock::random_bytes,
    config::Config,
    coordination::Cache,
    features::accounts::{self, User},
    http::{
        Code, Error, Result,
        auth::{Credential, Identity},
    },
    secrets::{Vault, fingerprint},
};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::refresh))
        .routes(routes!(api::logout))
}

pub fn pages() -> axum::Router<App> {
    axum::Router::new()
}

/// Public keys of the access tokens, outside the API's base path.
pub fn well_known() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(api::jwks))
}

pub struct Sessions {
    cache: Cache<Uuid, Arc<Session>>,
    by_cookie: Cache<[u8; 32], Uuid>,
    tokens: tokens::Signer,
}

impl Sessions {
    /// `exclusive` when no other process writes to the database; otherwise a row is believed for a second only.
    ///
    /// # Errors
    /// When the signing key cannot be used.
    pub fn new(config: &Config, vault: &Vault, exclusive: bool) -> anyhow::Result<Self> {
        let max_age = if exclusive {
            Duration::from_secs(300)
        } else {
            Duration::from_secs(1)
        };
        Ok(Self {
            cache: Cache::new(100_000, max_age),
            by_cookie: Cache::new(100_000, Duration::from_secs(300)),
            tokens: tokens::Signer::new(config, vault)?,
        })
    }
}

/// What a client of the API keeps.
#[derive(Clone, Serialize, ToSchema)]
pub struct Tokens {
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: u64,
    /// Exchange it once at `/auth/refresh`.
    refresh_token: String,
}

/// A session that has just begun.
pub struct Begun {
    pub session_id: Uuid,
    pub remember: bool,
    /// What the cookie holds; only its hash is stored.
    pub secret: String,
    /// The secret of the device cookie, for a browser that had none.
    pub new_device: Option<String>,
    pub tokens: Tokens,
}

/// A login that was proved in every way that the account asks for.
pub struct Login<'a> {
    pub user: &'a User,
    pub device: &'a Device,
    pub remember: bool,
    /// How: see the column `sessions.method`.
    pub method: String,
}

/// Begins a session; always a new id, whatever the browser had before.
///
/// # Errors
/// When the database fails.
pub async fn begin(app: &App, login: Login<'_>) -> Result<Begun> {
    let secret = new_secret();
    let tx = app.db.begin().await?;
    accounts::is_unchanged(&tx, login.user).await?;
    let session = store::insert(app, &tx, &login, &secret).await?;
    let refresh_token = store::insert_refresh_token(app, &tx, &session).await?;
    let new_device = store::meet_device(app, &tx, login.user.id, login.device).await?;
    tx.commit().await?;
    let tokens = issue(app, &session, refresh_token)?;
    Ok(Begun {
        new_device,
        session_id: session.id,
        remember: login.remember,
        secret,
        tokens,
    })
}

/// Whether this browser has signed in to this account before.
///
/// # Errors
/// When the database fails.
pub async fn knows_device(app: &App, user_id: Uuid, device: &Device) -> Result<bool> {
    match &device.secret {
        Some(secret) => Ok(store::find_device(app.db.read(), user_id, secret).await?.is_some()),
        None => Ok(false),
    }
}

/// Ends a session: its cookie and its tokens are dead when this returns.
///
/// # Errors
/// When the database fails.
pub async fn end(app: &App, session_id: Uuid, reason: &str) -> Result<()> {
    store::revoke(app, session_id, reason).await?;
    app.sessions.cache.invalidate(&session_id);
    Ok(())
}

/// After the commit of [`end_all`]: these sessions are dead when it returns.
pub fn ended(app: &App, ids: &[Uuid]) {
    for id in ids {
        app.sessions.cache.invalidate(id);
    }
}

/// Makes this browser a known one of the account, as part of `tx`, without a session: its person has proved their
/// mailbox. The cookie to set, for a browser that had none.
///
/// # Errors
/// When the database fails.
pub async fn introduce(
    app: &App,
    tx: &Tx,
    user_id: Uuid,
    device: &Device,
) -> Result<Option<(axum::http::HeaderName, axum::http::HeaderValue)>> {
    let secret = store::meet_device(app, tx, user_id, device).await?;
    Ok(secret.map(|secret| cookie::set_device(app, &secret)))
}

fn issue(app: &App, session: &Session, refresh_token: String) -> Result<Tokens> {
    let life = Duration::from_secs(u64::from(app.config.sessions.access_token_minutes) * 60);
    let access_token = app.sessions.tokens.sign(app, session, life)?;
    Ok(Tokens {
        access_token,
        token_type: "Bearer",
        expires_in: life.as_secs(),
        refresh_token,
    })
}

fn new_secret() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

/// Who holds this access token.
///
/// # Errors
/// `unauthenticated`, `token_expired`, `session_revoked`.
pub async fn by_access_token(app: &App, token: &str) -> Result<Identity> {
    let session_id = app.sessions.tokens.verify(app, token)?;
    match identify(app, session_id, Credential::AccessToken).await? {
        Some(identity) => Ok(identity),
        None => Err(Error::new(Code::SessionRevoked, "Log in again.")),
    }
}

/// Who holds this cookie.
///
/// # Errors
/// When the database fails.
pub async fn by_cookie(app: &App, secret: &str) -> Result<Option<Identity>> {
    let hash = fingerprint(secret.as_bytes());
    let session_id = app
        .sessions
        .by_cookie
        .get_or_load(hash, store::find_by_cookie(app, hash))
        .await?;
    match session_id {
        Some(session_id) => identify(app, session_id, Credential::Cookie).await,
        None => Ok(None),
    }
}

/// The session's person, if the session still lives.
async fn identify(
    app: &App,
    session_id: Uuid,
    credential: impl FnOnce(Arc<Session>) -> Credential,
) -> Result<Option<Identity>> {
    let Some(session) = app
        .sessions
        .cache
        .get_or_load(session_id, store::find(app, session_id))
        .await?
    else {
        return Ok(None);
    };
    if !lives(app, &session) {
        return Ok(None);
    }
    let user = accounts::find(app, session.user_id).await?;
    Ok(user.map(|user| Identity {
        user,
        credential: credential(session),
    }))
}

fn lives(app: &App, session: &Session) -> bool {
    let now = app.clock.now();
    let idle = Duration::from_secs(u64::from(app.config.sessions.idle_days) * 86_400);
    let idle_end = session.last_active_at + idle;
    session.revoked_at.is_none() && now < session.expires_at && (session.remember || now < idle_end)
}

/// How often an active session's last activity is written: one write in so long, however many requests.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// Notes that the session is in use, in the background.
pub fn touch(app: &App, identity: &Identity) {
    let now = app.clock.now();
    let Some(session) = identity.session() else { return };
    if now.since(session.last_active_at) < TOUCH_EVERY {
        return;
    }
    let (app, session_id) = (app.clone(), session.id);
    app.clone().spawn(async move {
        match store::touch(&app, session_id, now).await {
            Ok(()) => app.sessions.cache.invalidate(&session_id),
            Err(error) => tracing::warn!(cause = ?error.cause(), "a session's activity could not be written"),
        }
    });
}
