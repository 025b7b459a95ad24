//! API keys: many for each person, with scopes, an end, and addresses they work from.
//!
//! A key is `prl_<id>_<secret><checksum>`. Its row is found by the public id and holds the hash of the secret alone, so
//! neither the database nor a copy of it lets anybody in. See docs/api-keys.md.

mod api;
mod changes;
mod pages;
mod rules;
mod store;
mod view;
mod views;

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use parlor_db::{Timestamp, entities::api_keys::Model as Row};
use subtle::ConstantTimeEq;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use pages::pages;
pub use rules::{MARK, Scope, Scopes, is_within};

use crate::{
    app::App,
    config::Network,
    coordination::Cache,
    features::{accounts, sessions::Device},
    http::{
        Code, Error, Result,
        auth::{Credential, Identity},
    },
    telemetry::metrics,
};
use changes::{By, Change, Made, NewKey, change, create, revoke, rotate};
use rules::KeyId;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::list, api::create))
        .routes(routes!(api::update, api::revoke))
        .routes(routes!(api::rotate))
}

/// The keys that were used lately.
pub struct ApiKeys {
    cache: Cache<KeyId, Arc<ApiKey>>,
}

impl ApiKeys {
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

    fn forget(&self, prefix: &str) {
        if let Some(id) = rules::id_of(prefix) {
            self.cache.invalidate(&id);
        }
    }
}

/// A key that was presented, or could be.
pub struct ApiKey {
    pub id: Uuid,
    pub user_id: Uuid,
    pub scopes: Scopes,
    public: KeyId,
    secret_hash: [u8; 32],
    allowed: Vec<Network>,
    pub expires_at: Option<Timestamp>,
    revoked: bool,
    /// Microseconds; ahead of the row, which is written once a minute.
    last_used: AtomicI64,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({})", rules::prefix(self.public))
    }
}

impl ApiKey {
    /// None for a row that cannot be a key: it lets nobody in.
    fn from_row(row: &Row) -> Option<Self> {
        Some(Self {
            id: row.id,
            user_id: row.user_id,
            scopes: view::scopes(row),
            public: rules::id_of(&row.prefix)?,
            secret_hash: row.secret_hash.as_slice().try_into().ok()?,
            // An address list that cannot be read allows no address rather than all of them.
            allowed: view::addresses(row)
                .iter()
                .map(|text| text.parse())
                .collect::<Result<_, _>>()
                .ok()?,
            expires_at: row.expires_at,
            revoked: row.revoked_at.is_some(),
            last_used: AtomicI64::new(row.last_used_at.map_or(0, Timestamp::as_micros)),
        })
    }

    fn lives(&self, now: Timestamp) -> bool {
        !self.revoked && self.expires_at.is_none_or(|end| now < end)
    }

    /// Only for who has proved to know the secret: nobody else learns how a key stands.
    fn check(&self, now: Timestamp, ip: Option<IpAddr>) -> Result<()> {
        if self.revoked {
            return Err(refused(
                "revoked",
                "This API key was revoked. Make a new one in the settings.",
            ));
        }
        if !self.lives(now) {
            return Err(refused(
                "expired",
                "This API key has expired. Make a new one in the settings.",
            ));
        }
        let here = |network: &Network| ip.is_some_and(|ip| network.contains(ip));
        if !self.allowed.is_empty() && !self.allowed.iter().any(here) {
            metrics::api_key_refused("address");
            let detail =
                "This API key does not work from your address. Its owner can allow the address in the settings.";
            return Err(Error::new(Code::Forbidden, detail));
        }
        Ok(())
    }
}

/// Counts a refusal: the place where many of them from one address, or for one key, can be slowed down.
fn refused(reason: &'static str, detail: &'static str) -> Error {
    metrics::api_key_refused(reason);
    Error::new(Code::Unauthenticated, detail)
}

const UNKNOWN: &str = "This API key is not known here. Check that it is complete, or make a new one in the settings.";

/// Who holds this key.
///
/// # Errors
/// `unauthenticated` when it is no key, revoked or expired; `forbidden` from an address that it does not work from.
pub async fn by_key(app: &App, text: &str, ip: Option<IpAddr>) -> Result<Identity> {
    let parsed = rules::parse(text).ok_or_else(|| refused("malformed", UNKNOWN))?;
    let found = find(app, parsed.id).await?;
    // Compared in any case, so that an unknown id costs what a wrong secret does.
    let stored = found.as_ref().map_or([0; 32], |key| key.secret_hash);
    let right: bool = stored.ct_eq(&parsed.hash).into();
    let Some(key) = found.filter(|_| right) else {
        return Err(refused("unknown", UNKNOWN));
    };
    key.check(app.clock.now(), ip)?;
    let user = accounts::find(app, key.user_id).await?;
    let user = user.ok_or_else(|| refused("unknown", UNKNOWN))?;
    accounts::may_sign_in(app, &user)?;
    touch(app, &key, ip);
    Ok(Identity {
        user,
        credential: Credential::ApiKey(key),
    })
}

/// Whether a key that was good still is: streams that it opened ask, and end when it is not.
///
/// # Errors
/// When the database fails.
pub async fn still_lives(app: &App, key: &ApiKey) -> Result<bool> {
    let now = app.clock.now();
    Ok(find(app, key.public).await?.is_some_and(|key| key.lives(now)))
}

async fn find(app: &App, id: KeyId) -> Result<Option<Arc<ApiKey>>> {
    let load = async {
        let row = store::by_prefix(app, &rules::prefix(id)).await?;
        Ok::<_, Error>(row.as_ref().and_then(ApiKey::from_row).map(Arc::new))
    };
    app.api_keys.cache.get_or_load(id, load).await
}

/// How often the last use of a key is written: one write in so long, however many requests.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// Notes that the key is in use, in the background.
fn touch(app: &App, key: &Arc<ApiKey>, ip: Option<IpAddr>) {
    let now = app.clock.now();
    let last = key.last_used.load(Ordering::Relaxed);
    if now.since(Timestamp::from_micros(last)) < TOUCH_EVERY {
        return;
    }
    let mine = key
        .last_used
        .compare_exchange(last, now.as_micros(), Ordering::Relaxed, Ordering::Relaxed);
    // Of many requests at once, one writes.
    if mine.is_err() {
        return;
    }
    let device = Device {
        ip,
        ..Device::default()
    };
    let ip = device.stored_ip(app.config.sessions.ip_mode);
    let (app, id) = (app.clone(), key.id);
    app.clone().spawn(async move {
        if let Err(error) = store::touch(&app, id, now, ip).await {
            tracing::warn!(cause = ?error.cause(), "an API key's last use could not be written");
        }
    });
}

/// How long a key is listed after its end.
const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// Forgets keys that ended long ago; the job worker calls it from time to time.
///
/// # Errors
/// When the database fails.
pub async fn purge(app: &App) -> Result<()> {
    store::delete_ended(app, app.clock.now() - KEPT).await
}
