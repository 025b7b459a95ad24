//! Password hashes: Argon2id, off the async runtime, only so many at once.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use tokio::sync::Semaphore;

use crate::{
    clock::random_bytes,
    config,
    http::{Code, Error, Result},
};

pub struct Passwords {
    argon2: Argon2<'static>,
    /// More requests wait here, so that a login storm leaves processors for everyone else.
    permits: Semaphore,
    /// Verified when there is no such account, so that both cases do the same work.
    dummy: String,
}

impl Passwords {
    /// # Errors
    /// When the configured parameters are none that Argon2 takes.
    pub fn new(config: &config::Passwords) -> anyhow::Result<Self> {
        let params = Params::new(config.argon2_memory_kib, config.argon2_iterations, 1, None)
            .map_err(|e| anyhow::anyhow!("passwords: {e}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let at_once = match config.max_concurrent_hashes {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let dummy = hash(&argon2, "nobody's password").map_err(|e| anyhow::anyhow!("passwords: {e}"))?;
        Ok(Self {
            argon2,
            permits: Semaphore::new(at_once),
            dummy,
        })
    }

    pub(super) async fn hash(&self, password: String) -> Result<String> {
        let argon2 = self.argon2.clone();
        let hashed = self.blocking(move || hash(&argon2, &password)).await?;
        hashed.map_err(|e| Error::internal(anyhow::anyhow!("argon2: {e}")))
    }

    pub(super) async fn verify(&self, stored: Option<String>, password: String) -> Result<bool> {
        let argon2 = self.argon2.clone();
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy.clone());
        let matches = move || {
            let parsed = PasswordHash::new(&stored);
            parsed.is_ok_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok())
        };
        Ok(self.blocking(matches).await? && known)
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let closed = |_| Error::new(Code::Unavailable, "The server is stopping.");
        let _permit = self.permits.acquire().await.map_err(closed)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> argon2::password_hash::Result<String> {
    let salt = SaltString::encode_b64(&random_bytes::<16>())?;
    Ok(argon2.hash_password(password.as_bytes(), &salt)?.to_string())
}
