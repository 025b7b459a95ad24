//! Sessions: a login on one device, ended at once wherever it is used.
//!
//! Every request looks its session up, in a cache that ending the session invalidates: a signed token alone lets nobody
//! in.

mod api;
mod begin;
pub mod cookie;
mod device;
mod ending;
mod events;
mod pages;
mod refresh;
mod sign_in;
mod signing_keys;
mod step_up;
mod store;
mod tokens;
mod user_agent;
mod views;
mod watch;

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use parlor_db::Timestamp;
use parlor_db::Tx;
pub use parlor_db::entities::sessions::Model as Session;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use api::SessionView;
pub use begin::begin;
pub use device::{Device, network_of};
pub use ending::{close_streams, end, end_all, ended, open, while_alive};
pub use sign_in::{LoginResponse, Outcome, Proof, SignIn, answer_json, answer_page, sign_in};
pub use signing_keys::{RotatedKey, watch_signing_keys};
pub use step_up::{is_fresh, stepped_up};

use parlor_db::Db;
use signing_keys::SigningKeys;
pub use user_agent::{Client, Kind};
pub use watch::start;

use crate::{
    app::App,
    clock::{Clock, random_bytes},
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
        .merge(step_up::routes())
        .routes(routes!(api::list, api::revoke_others))
        .routes(routes!(api::revoke))
        .routes(routes!(api::events))
}

pub fn pages() -> axum::Router<App> {
    pages::pages().merge(step_up::pages())
}

/// Public keys of the access tokens, outside the API's base path.
pub fn well_known() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(api::jwks))
}

pub struct Sessions {
    cache: Cache<Uuid, Arc<Session>>,
    by_cookie: Cache<[u8; 32], Uuid>,
    tokens: tokens::Tokens,
    watch: watch::Watch,
    /// When this node last wrote a session's activity.
    touched: moka::sync::Cache<Uuid, Timestamp>,
}

impl Sessions {
    /// When no other process writes to the database, rows are believed for long; otherwise for a second only.
    ///
    /// # Errors
    /// When the signing keys cannot be read or made.
    pub async fn open(config: &Config, db: &Db, vault: &Vault, clock: &Clock) -> anyhow::Result<Self> {
        let source = signing_keys::Source {
            db,
            vault,
            clock,
            config: &config.sessions,
        };
        let max_age = if db.is_exclusive() {
            Duration::from_secs(300)
        } else {
            Duration::from_secs(1)
        };
        Ok(Self {
            cache: Cache::new(100_000, max_age),
            by_cookie: Cache::new(100_000, Duration::from_secs(300)),
            tokens: tokens::Tokens::new(config, SigningKeys::open(&source).await?),
            watch: watch::Watch::default(),
            touched: moka::sync::Cache::new(100_000),
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

/// Makes the next signing key now. It is published at once and signs from an hour later on; the current one stays
/// published until its last token has expired.
///
/// # Errors
/// When the database fails.
pub async fn rotate_signing_key(app: &App) -> anyhow::Result<RotatedKey> {
    app.sessions.tokens.keys.rotate(&app.into()).await
}

/// Does what is due to the signing keys, as [`watch_signing_keys`] does every minute.
///
/// # Errors
/// When the database fails.
pub async fn renew_signing_keys(app: &App) -> anyhow::Result<()> {
    app.sessions.tokens.keys.renew(&app.into()).await
}

fn new_secret() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

/// Who holds this access token.
///
/// # Errors
/// `unauthenticated`, `token_expired`, `session_revoked`.
pub async fn by_access_token(app: &App, token: &str) -> Result<Identity> {
    let session_id = app.sessions.tokens.verify(app, token).await?;
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
    let Some(session_id) = session_id else { return Ok(None) };
    let found = identify(app, session_id, Credential::Cookie).await?;
    if is_current(found.as_ref(), hash) {
        return Ok(found);
    }
    // A step-up changed the secret: another node may have done it a moment ago, so this one looks again.
    app.sessions.cache.invalidate(&session_id);
    let found = identify(app, session_id, Credential::Cookie).await?;
    if is_current(found.as_ref(), hash) {
        return Ok(found);
    }
    app.sessions.by_cookie.invalidate(&hash);
    Err(Error::new(Code::SessionRevoked, "Log in again."))
}

fn is_current(found: Option<&Identity>, hash: [u8; 32]) -> bool {
    let session = found.and_then(Identity::session);
    session.is_none_or(|session| session.token_hash == hash)
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
    // Whoever is shut out is out at once, whatever their sessions say.
    let user = user.filter(|user| accounts::is_active(user));
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
    let touched = app.sessions.touched.get(&session.id).unwrap_or_default();
    if now.since(touched) < TOUCH_EVERY {
        return;
    }
    app.sessions.touched.insert(session.id, now);
    let (app, session_id, user_id) = (app.clone(), session.id, session.user_id);
    app.clone().spawn(async move {
        match store::touch(&app, session_id, now).await {
            Ok(true) => {
                app.sessions.cache.invalidate(&session_id);
                watch::changed(&app, user_id);
            }
            Ok(false) => app.sessions.cache.invalidate(&session_id),
            Err(error) => tracing::warn!(cause = ?error.cause(), "a session's activity could not be written"),
        }
    });
}
