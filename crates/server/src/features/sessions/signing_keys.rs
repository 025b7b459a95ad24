//! The keys that sign access tokens: rows, so that all nodes have the same ones.
//!
//! A key lives in three parts. It is published before it signs, so that whoever keeps a copy of the key set has it in
//! time. It signs for `sessions.signing_key_days`. It stays published until the last token that it signed has expired.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use jsonwebtoken::{DecodingKey, EncodingKey};
use parlor_db::{
    Db, Timestamp, Tx, dialect,
    entities::signing_keys::{ActiveModel, Column, Entity, Model},
    sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Expr},
};
use sha2::{Digest, Sha256};

use crate::{
    app::App,
    clock::{Clock, random_bytes},
    config,
    secrets::{Purpose, Vault},
};

/// From publishing a key to its first signature: longer than anybody may keep the key set.
const LEAD: Duration = Duration::from_secs(3600);
/// Added to the life of the last token, for clocks that differ.
const MARGIN: Duration = Duration::from_secs(300);
/// A token with an unknown key makes us look for a new one, but not more often than this.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
const RENEW_EVERY: Duration = Duration::from_secs(60);

/// A key, opened.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
    public_key: [u8; 32],
    active_from: Timestamp,
    retired_at: Option<Timestamp>,
}

impl Key {
    fn is_published(&self, now: Timestamp) -> bool {
        self.retired_at.is_none_or(|at| at > now)
    }
}

/// What the operator is told of a new key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotatedKey {
    /// Its name in tokens and in the key set.
    pub kid: String,
    /// From then on it signs.
    pub active_from: Timestamp,
}

/// Where the rows come from.
pub(super) struct Source<'a> {
    pub(super) db: &'a Db,
    pub(super) vault: &'a Vault,
    pub(super) clock: &'a Clock,
    pub(super) config: &'a config::Sessions,
}

impl<'a> From<&'a App> for Source<'a> {
    fn from(app: &'a App) -> Self {
        Self {
            db: &app.db,
            vault: &app.vault,
            clock: &app.clock,
            config: &app.config.sessions,
        }
    }
}

/// The published keys, by the time from which they sign.
#[derive(Default)]
pub(super) struct SigningKeys {
    keys: RwLock<Arc<[Arc<Key>]>>,
    looked: Mutex<Option<Instant>>,
}

impl SigningKeys {
    /// Reads the keys; on the first start of all it makes one.
    pub(super) async fn open(source: &Source<'_>) -> anyhow::Result<Self> {
        let keys = Self::default();
        keys.renew(source).await?;
        Ok(keys)
    }

    fn snapshot(&self) -> Arc<[Arc<Key>]> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key that signs now.
    pub(super) fn signer(&self, now: Timestamp) -> Option<Arc<Key>> {
        let keys = self.snapshot();
        let published = || keys.iter().filter(|key| key.is_published(now));
        let newest = published().rfind(|key| key.active_from <= now);
        // On a node whose clock is behind, the first key of all may not have begun yet.
        newest.or_else(|| published().next()).cloned()
    }

    /// The published key of that name.
    pub(super) fn find(&self, kid: &str, now: Timestamp) -> Option<Arc<Key>> {
        let keys = self.snapshot();
        keys.iter().find(|key| key.id == kid && key.is_published(now)).cloned()
    }

    /// As [`Self::find`]; when there is none, another node may have made it since the last look.
    pub(super) async fn find_or_look(&self, app: &App, kid: &str) -> Option<Arc<Key>> {
        let found = self.find(kid, app.clock.now());
        if found.is_some() || !self.may_look() {
            return found;
        }
        if let Err(error) = self.reload(&Source::from(app)).await {
            tracing::error!(error = format!("{error:#}"), "the signing keys cannot be read");
        }
        self.find(kid, app.clock.now())
    }

    /// True once in [`LOOK_AGAIN`]: made-up names must not become queries.
    fn may_look(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let may = looked.is_none_or(|at| at.elapsed() >= LOOK_AGAIN);
        if may {
            *looked = Some(Instant::now());
        }
        may
    }

    /// Makes the next key when it is due, removes those that nobody needs, and reads what there is.
    pub(super) async fn renew(&self, source: &Source<'_>) -> anyhow::Result<()> {
        let now = source.clock.now();
        let rows = rows(source.db.read()).await?;
        if due(&rows, now, life_of_key(source)) != Due::Nothing {
            make_due(source, false).await?;
        }
        if rows.iter().any(|row| is_over(row, now)) {
            Entity::delete_many()
                .filter(Column::RetiredAt.lte(now - LEAD))
                .exec(source.db.write())
                .await?;
        }
        self.reload(source).await
    }

    /// Makes the next key now, whatever the age of the current one. One that waits for its time is taken instead.
    pub(super) async fn rotate(&self, source: &Source<'_>) -> anyhow::Result<RotatedKey> {
        let rotated = make_due(source, true).await?;
        self.reload(source).await?;
        rotated.context("there is no newest signing key")
    }

    async fn reload(&self, source: &Source<'_>) -> anyhow::Result<()> {
        let known = self.snapshot();
        let now = source.clock.now();
        let mut keys = Vec::new();
        for row in rows(source.db.read())
            .await?
            .into_iter()
            .filter(|row| !is_over(row, now))
        {
            let same = |key: &&Arc<Key>| key.id == row.id && key.retired_at == row.retired_at;
            keys.push(match known.iter().find(same) {
                Some(key) => key.clone(),
                None => Arc::new(open_key(source.vault, row).await?),
            });
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
        Ok(())
    }

    /// The public halves, as a JSON Web Key Set (RFC 7517, RFC 8037).
    pub(super) fn jwks(&self, now: Timestamp) -> serde_json::Value {
        let keys = self.snapshot();
        let published = keys.iter().filter(|key| key.is_published(now)).map(|key| {
            let x = BASE64_URL_SAFE_NO_PAD.encode(key.public_key);
            serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.id, "x": x })
        });
        serde_json::json!({ "keys": published.collect::<Vec<_>>() })
    }
}

/// Keeps the keys of this node up to date.
pub fn watch_signing_keys(app: &App) {
    let watcher = app.clone();
    app.spawn(async move {
        loop {
            tokio::select! {
                () = watcher.stopping.cancelled() => return,
                () = tokio::time::sleep(RENEW_EVERY) => {}
            }
            if let Err(error) = watcher.sessions.tokens.keys.renew(&Source::from(&watcher)).await {
                tracing::error!(error = format!("{error:#}"), "the signing keys cannot be renewed");
            }
        }
    });
}

async fn rows(db: &impl parlor_db::sea_orm::ConnectionTrait) -> anyhow::Result<Vec<Model>> {
    let query = Entity::find().order_by_asc(Column::ActiveFrom).order_by_asc(Column::Id);
    Ok(query.all(db).await?)
}

fn is_over(row: &Model, now: Timestamp) -> bool {
    row.retired_at.is_some_and(|at| at <= now)
}

fn life_of_key(source: &Source<'_>) -> Duration {
    Duration::from_secs(u64::from(source.config.signing_key_days) * 86_400)
}

#[derive(Debug, PartialEq, Eq)]
enum Due {
    Nothing,
    /// The first of all, which signs at once.
    First,
    /// The successor of the newest.
    Next,
}

/// What must be made; `rows` are in the order in which they sign.
fn due(rows: &[Model], now: Timestamp, life: Duration) -> Due {
    match rows.iter().rfind(|row| row.retired_at.is_none()) {
        None => Due::First,
        Some(newest) if now >= newest.active_from + life => Due::Next,
        Some(_) => Due::Nothing,
    }
}

/// Makes the key that is due, or with `forced` the next one in any case; the newest then.
async fn make_due(source: &Source<'_>, forced: bool) -> anyhow::Result<Option<RotatedKey>> {
    let tx = source.db.begin().await?;
    // Of several nodes one makes it, and the others find it.
    dialect::serialise(&tx, "signing keys").await?;
    let now = source.clock.now();
    let rows = rows(&tx).await?;
    let newest = rows.iter().rfind(|row| row.retired_at.is_none());
    let waits = newest.is_some_and(|row| row.active_from > now);
    let made = match due(&rows, now, life_of_key(source)) {
        Due::First => Some(insert(source, &tx, now, now).await?),
        Due::Nothing if !forced || waits => None,
        Due::Nothing | Due::Next => {
            let next = insert(source, &tx, now, now + LEAD).await?;
            retire(source, &tx, &next).await?;
            Some(next)
        }
    };
    tx.commit().await?;
    if let Some(key) = &made {
        tracing::info!(kid = key.kid, active_from = %key.active_from, "made a signing key");
    }
    Ok(made.or_else(|| {
        newest.map(|row| RotatedKey {
            kid: row.id.clone(),
            active_from: row.active_from,
        })
    }))
}

async fn insert(source: &Source<'_>, tx: &Tx, now: Timestamp, active_from: Timestamp) -> anyhow::Result<RotatedKey> {
    let seed = random_bytes::<32>();
    let kid = key_id(&SigningKey::from_bytes(&seed).verifying_key().to_bytes());
    let row = ActiveModel {
        id: Set(kid.clone()),
        seed: Set(source.vault.seal(Purpose::SigningKey, kid.as_bytes(), &seed)),
        created_at: Set(now),
        active_from: Set(active_from),
        retired_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(RotatedKey { kid, active_from })
}

/// From `next.active_from` on the others sign nothing more, and leave when their last token has expired.
async fn retire(source: &Source<'_>, tx: &Tx, next: &RotatedKey) -> anyhow::Result<()> {
    let token_life = Duration::from_secs(u64::from(source.config.access_token_minutes) * 60);
    let last_token_expired = next.active_from + token_life + MARGIN;
    Entity::update_many()
        .col_expr(Column::RetiredAt, Expr::value(last_token_expired))
        .filter(Column::RetiredAt.is_null())
        .filter(Column::Id.ne(&next.kid))
        .exec(tx)
        .await?;
    Ok(())
}

async fn open_key(vault: &Vault, row: Model) -> anyhow::Result<Key> {
    let seed = vault.unseal(Purpose::SigningKey, row.id.as_bytes(), &row.seed).await;
    let seed: [u8; 32] = seed
        .with_context(|| format!("signing key {}", row.id))?
        .try_into()
        .map_err(|_| anyhow::anyhow!("signing key {} is not 32 bytes", row.id))?;
    let key = SigningKey::from_bytes(&seed);
    let pkcs8 = key.to_pkcs8_der().map_err(|e| anyhow::anyhow!("signing key: {e}"))?;
    let public_key = key.verifying_key().to_bytes();
    Ok(Key {
        encoding: EncodingKey::from_ed_der(pkcs8.as_bytes()),
        decoding: DecodingKey::from_ed_der(&public_key),
        public_key,
        active_from: row.active_from,
        retired_at: row.retired_at,
        id: row.id,
    })
}

/// The key's thumbprint (RFC 7638).
fn key_id(public_key: &[u8; 32]) -> String {
    let x = BASE64_URL_SAFE_NO_PAD.encode(public_key);
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn row(active_from: Timestamp, retired_at: Option<Timestamp>) -> Model {
        Model {
            id: active_from.to_string(),
            seed: Vec::new(),
            created_at: active_from,
            active_from,
            retired_at,
        }
    }

    #[test]
    fn ses_14_a_key_is_followed_when_its_days_are_over_and_not_before() {
        let start = Timestamp::from_micros(1_700_000_000_000_000);
        let rows = [row(start, None)];
        assert_eq!(due(&[], start, DAY * 30), Due::First);
        assert_eq!(due(&rows, start + DAY * 29, DAY * 30), Due::Nothing);
        assert_eq!(due(&rows, start + DAY * 30, DAY * 30), Due::Next);
        // The successor waits for its time; meanwhile nothing more is due.
        let both = [row(start, Some(start + DAY * 31)), row(start + DAY * 30 + LEAD, None)];
        assert_eq!(due(&both, start + DAY * 30, DAY * 30), Due::Nothing);
        assert_eq!(due(&both, start + DAY * 60, DAY * 30), Due::Nothing);
        assert_eq!(due(&both, start + DAY * 60 + LEAD, DAY * 30), Due::Next);
    }

    #[test]
    fn the_name_of_a_key_is_its_thumbprint() {
        // The example of RFC 8037, appendix A.3.
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let public_key: [u8; 32] = BASE64_URL_SAFE_NO_PAD.decode(x).unwrap().try_into().unwrap();
        assert_eq!(key_id(&public_key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
