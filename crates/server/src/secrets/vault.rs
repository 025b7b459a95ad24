//! Seals what must be read again: AES-256-GCM under data keys, which the master key wraps (envelope encryption).
//!
//! A data key is a row, wrapped; its plain form lives in memory only. So a new master key means wrapping a handful of
//! rows again, while everything that they sealed stays as it is and requests go on.

use std::{collections::HashMap, sync::RwLock};

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use anyhow::Context;
use hmac::{Hmac, Mac};
use parlor_db::{
    Db, dialect,
    entities::data_keys,
    sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, prelude::Expr},
};
use sha2::Sha256;
use uuid::Uuid;

use super::MasterKeys;
use crate::clock::{Clock, Ids, random_bytes};

/// What a data key is for; what one purpose sealed, another cannot open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Tags of forms; see `http::csrf`.
    Csrf,
    /// Refresh tokens are derived with it, so that one exchange has one child.
    RefreshToken,
    /// Seeds of the keys that sign access tokens.
    SigningKey,
    /// Parameters of mails on their way.
    Mail,
    /// Tokens of other services, and what a sign-in there needs on the way.
    Provider,
    /// TOTP secrets and challenges.
    SecondFactor,
    /// Answers that show a secret, kept for a repeated request.
    Replay,
}

impl Purpose {
    const ALL: [Self; 7] = [
        Self::Csrf,
        Self::RefreshToken,
        Self::SigningKey,
        Self::Mail,
        Self::Provider,
        Self::SecondFactor,
        Self::Replay,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Csrf => "csrf",
            Self::RefreshToken => "refresh_token",
            Self::SigningKey => "signing_key",
            Self::Mail => "mail",
            Self::Provider => "provider",
            Self::SecondFactor => "second_factor",
            Self::Replay => "replay",
        }
    }
}

/// Sealed bytes that do not open: of another purpose or row, changed, or their key is gone.
#[derive(Debug, thiserror::Error)]
#[error("sealed data cannot be opened: it was changed, moved to another row, or its data key is missing")]
pub struct Unsealable;

#[derive(Clone)]
struct DataKey {
    id: Uuid,
    purpose: &'static str,
    key: [u8; 32],
}

#[derive(Default)]
struct Ring {
    by_id: HashMap<Uuid, DataKey>,
    /// The key that seals now.
    current: HashMap<&'static str, DataKey>,
}

/// The data keys of this server, opened.
pub struct Vault {
    db: Db,
    clock: Clock,
    ids: Ids,
    masters: RwLock<MasterKeys>,
    ring: RwLock<Ring>,
}

/// What a rotation did.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Rotated {
    /// The master key that wraps everything now.
    pub master_key_id: String,
    /// Data keys that were wrapped again.
    pub rewrapped: usize,
}

const KEY_ID: usize = 16;
const NONCE: usize = 12;

impl Vault {
    /// Opens the data keys, and makes those that are missing.
    ///
    /// # Errors
    /// When the database fails, or a data key was wrapped by a master key that is not at hand.
    pub async fn open(db: Db, masters: MasterKeys, clock: Clock, ids: Ids) -> anyhow::Result<Self> {
        let vault = Self {
            db,
            clock,
            ids,
            masters: RwLock::new(masters),
            ring: RwLock::default(),
        };
        vault.make_missing().await?;
        vault.reload().await?;
        Ok(vault)
    }

    async fn make_missing(&self) -> anyhow::Result<()> {
        let tx = self.db.begin().await?;
        // Of nodes that start together, one makes the keys and the others find them.
        dialect::serialise(&tx, "data keys").await?;
        let rows = rows(&tx).await?;
        let missing = Purpose::ALL.into_iter().filter(|purpose| {
            !rows
                .iter()
                .any(|row| row.purpose == purpose.as_str() && row.retired_at.is_none())
        });
        for purpose in missing {
            self.make(&tx, purpose).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn make(&self, db: &impl ConnectionTrait, purpose: Purpose) -> anyhow::Result<()> {
        let id = self.ids.next();
        let (master_key_id, wrapped) = self.wrap(id, purpose.as_str(), &random_bytes());
        let row = data_keys::ActiveModel {
            id: Set(id),
            purpose: Set(purpose.as_str().to_owned()),
            wrapped: Set(wrapped),
            master_key_id: Set(master_key_id),
            created_at: Set(self.clock.now()),
            retired_at: Set(None),
        };
        data_keys::Entity::insert(row).exec_without_returning(db).await?;
        Ok(())
    }

    fn masters(&self) -> MasterKeys {
        self.masters
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    fn wrap(&self, id: Uuid, purpose: &str, key: &[u8; 32]) -> (String, Vec<u8>) {
        let masters = self.masters();
        let master = masters.current();
        (
            master.id.clone(),
            encrypt(&master.key, &wrapping_context(id, purpose), key),
        )
    }

    /// Reads all data keys again: another process may have made or wrapped some.
    async fn reload(&self) -> anyhow::Result<()> {
        let rows = rows(self.db.read()).await?;
        if rows.iter().any(|row| self.masters().find(&row.master_key_id).is_none()) {
            let reloaded = self.masters().reloaded()?;
            *self.masters.write().unwrap_or_else(std::sync::PoisonError::into_inner) = reloaded;
        }
        let mut ring = Ring::default();
        for row in rows {
            let key = self.unwrap(&row)?;
            if row.retired_at.is_none() {
                ring.current.insert(key.purpose, key.clone());
            }
            ring.by_id.insert(key.id, key);
        }
        *self.ring.write().unwrap_or_else(std::sync::PoisonError::into_inner) = ring;
        Ok(())
    }

    fn unwrap(&self, row: &data_keys::Model) -> anyhow::Result<DataKey> {
        let masters = self.masters();
        let master = masters.find(&row.master_key_id).with_context(|| {
            format!(
                "data key {} is wrapped by master key {}, which is not here. Put that key into master.key, or into \
                 PARLOR_SECRETS_PREVIOUS_MASTER_KEYS",
                row.id, row.master_key_id
            )
        })?;
        let plain = decrypt(&master.key, &wrapping_context(row.id, &row.purpose), &row.wrapped)
            .with_context(|| format!("data key {} does not open", row.id))?;
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == row.purpose);
        Ok(DataKey {
            id: row.id,
            purpose: purpose.map_or("unknown", Purpose::as_str),
            key: plain
                .try_into()
                .map_err(|_| anyhow::anyhow!("data key {} is not 32 bytes", row.id))?,
        })
    }

    fn current(&self, purpose: Purpose) -> DataKey {
        let ring = self.ring.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        ring.current
            .get(purpose.as_str())
            .cloned()
            .unwrap_or_else(|| unreachable!("made when the vault opened"))
    }

    /// Seals `plain`. `context` names its place, as user, provider and field: the result opens nowhere else.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let key = self.current(purpose);
        [key.id.as_bytes().as_slice(), &encrypt(&key.key, context, plain)].concat()
    }

    /// Opens what [`Vault::seal`] made for the same purpose and context.
    ///
    /// # Errors
    /// [`Unsealable`].
    pub async fn unseal(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let (id, rest) = sealed.split_at_checked(KEY_ID).ok_or(Unsealable)?;
        let id = Uuid::from_slice(id).map_err(|_| Unsealable)?;
        let key = match self.find(id) {
            Some(key) => key,
            None => {
                // Another node may have made it since.
                self.reload().await.map_err(|error| {
                    tracing::error!(error = format!("{error:#}"), "the data keys cannot be read");
                    Unsealable
                })?;
                self.find(id).ok_or(Unsealable)?
            }
        };
        if key.purpose != purpose.as_str() {
            return Err(Unsealable);
        }
        decrypt(&key.key, context, rest).ok_or(Unsealable)
    }

    fn find(&self, id: Uuid) -> Option<DataKey> {
        self.ring
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .by_id
            .get(&id)
            .cloned()
    }

    /// A tag over `data` that only this server can make (HMAC-SHA256).
    #[must_use]
    pub fn tag(&self, purpose: Purpose, data: &[u8]) -> [u8; 32] {
        let key = self.current(purpose).key;
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&key).unwrap_or_else(|_| unreachable!("any length"));
        mac.update(data);
        mac.finalize().into_bytes().into()
    }

    /// Wraps every data key with a new master key, while requests go on: what is sealed stays as it is. Where the
    /// settings hold the master key, it wraps with the one that stands there now.
    ///
    /// # Errors
    /// When the key file cannot be written or the database fails; then both keys are kept and it can be asked again.
    pub async fn rotate(&self) -> anyhow::Result<Rotated> {
        if let Some(renewed) = self.masters().renewed()? {
            *self.masters.write().unwrap_or_else(std::sync::PoisonError::into_inner) = renewed;
        }
        let current = self.masters().current().id.clone();
        let mut rewrapped = 0;
        for row in rows(self.db.read()).await? {
            rewrapped += usize::from(row.master_key_id != current && self.rewrap(&row).await?);
        }
        let old_in_use = rows(self.db.write())
            .await?
            .iter()
            .any(|row| row.master_key_id != current);
        if !old_in_use {
            let only = self.masters().without_older()?;
            *self.masters.write().unwrap_or_else(std::sync::PoisonError::into_inner) = only;
        }
        Ok(Rotated {
            master_key_id: current,
            rewrapped,
        })
    }

    /// False when another process was faster.
    async fn rewrap(&self, row: &data_keys::Model) -> anyhow::Result<bool> {
        let plain = self.unwrap(row)?;
        let (master_key_id, wrapped) = self.wrap(row.id, &row.purpose, &plain.key);
        let changed = data_keys::Entity::update_many()
            .col_expr(data_keys::Column::Wrapped, Expr::value(wrapped))
            .col_expr(data_keys::Column::MasterKeyId, Expr::value(master_key_id))
            .filter(data_keys::Column::Id.eq(row.id))
            .filter(data_keys::Column::MasterKeyId.eq(&row.master_key_id))
            .exec(self.db.write())
            .await?;
        Ok(changed.rows_affected == 1)
    }
}

async fn rows(db: &impl ConnectionTrait) -> anyhow::Result<Vec<data_keys::Model>> {
    Ok(data_keys::Entity::find()
        .order_by_asc(data_keys::Column::Id)
        .all(db)
        .await?)
}

fn wrapping_context(id: Uuid, purpose: &str) -> Vec<u8> {
    [id.as_bytes().as_slice(), purpose.as_bytes()].concat()
}

/// A fresh random nonce, then the ciphertext with its tag.
fn encrypt(key: &[u8; 32], context: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce = random_bytes::<NONCE>();
    let sealed = Aes256Gcm::new(key.into())
        .encrypt(
            &Nonce::from(nonce),
            Payload {
                msg: plain,
                aad: context,
            },
        )
        .unwrap_or_else(|_| unreachable!("far below AES-GCM's bound of 64 GiB"));
    [nonce.as_slice(), &sealed].concat()
}

fn decrypt(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_at_checked(NONCE)?;
    let nonce: [u8; NONCE] = nonce.try_into().ok()?;
    Aes256Gcm::new(key.into())
        .decrypt(
            &Nonce::from(nonce),
            Payload {
                msg: rest,
                aad: context,
            },
        )
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oau_4_what_is_sealed_opens_only_with_its_key_and_context() {
        let key = [7; 32];
        let sealed = encrypt(&key, b"user 1, github, access_token", b"gho_secret");
        assert_eq!(
            decrypt(&key, b"user 1, github, access_token", &sealed).as_deref(),
            Some(b"gho_secret".as_slice())
        );
        assert_eq!(decrypt(&key, b"user 2, github, access_token", &sealed), None);
        assert_eq!(decrypt(&[8; 32], b"user 1, github, access_token", &sealed), None);
        assert_ne!(
            sealed,
            encrypt(&key, b"user 1, github, access_token", b"gho_secret"),
            "nonces are fresh"
        );
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(decrypt(&key, b"user 1, github, access_token", &changed), None);
        }
        assert_eq!(decrypt(&key, b"", b"short"), None);
    }
}
