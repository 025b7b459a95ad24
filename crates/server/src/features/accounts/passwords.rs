//! Password hashes: Argon2id, off the async runtime, only so many at once.

use std::sync::atomic::{AtomicU64, Ordering};

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
    evaluated: AtomicU64,
}

/// How a password compared.
pub(super) struct Verdict {
    pub right: bool,
    /// The right password, to be hashed again: the stored hash is of another kind or of weaker parameters.
    pub outdated: Option<String>,
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
            evaluated: AtomicU64::new(0),
        })
    }

    /// How many passwords were compared since the start: what a guessing attack gets to try.
    #[must_use]
    pub fn evaluated(&self) -> u64 {
        self.evaluated.load(Ordering::Relaxed)
    }

    pub(super) async fn hash(&self, password: String) -> Result<String> {
        let argon2 = self.argon2.clone();
        let hashed = self.blocking(move || hash(&argon2, &password)).await?;
        hashed.map_err(|e| Error::internal(anyhow::anyhow!("argon2: {e}")))
    }

    /// Compares with the stored hash; with none it does the same work and says no.
    pub(super) async fn verify(&self, stored: Option<String>, password: String) -> Result<Verdict> {
        self.evaluated.fetch_add(1, Ordering::Relaxed);
        let argon2 = self.argon2.clone();
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy.clone());
        let compare = move || {
            let right = matches(&argon2, &stored, &password) && known;
            let outdated = (right && is_outdated(&argon2, &stored)).then_some(password);
            Verdict { right, outdated }
        };
        self.blocking(compare).await
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

/// bcrypt hashes come with accounts from elsewhere.
fn is_bcrypt(stored: &str) -> bool {
    ["$2a$", "$2b$", "$2x$", "$2y$"]
        .iter()
        .any(|prefix| stored.starts_with(prefix))
}

fn matches(argon2: &Argon2<'_>, stored: &str, password: &str) -> bool {
    if is_bcrypt(stored) {
        return bcrypt::verify(password, stored).unwrap_or(false);
    }
    let parsed = PasswordHash::new(stored);
    parsed.is_ok_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok())
}

/// Whether the hash is weaker than what is configured now. A stronger one stays: settings may have been lowered.
fn is_outdated(argon2: &Argon2<'_>, stored: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(stored) else {
        return true;
    };
    let Ok(used) = Params::try_from(&parsed) else {
        return true;
    };
    let wanted = argon2.params();
    parsed.algorithm != Algorithm::Argon2id.ident()
        || used.m_cost() < wanted.m_cost()
        || used.t_cost() < wanted.t_cost()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords(memory_kib: u32) -> Passwords {
        Passwords::new(&config::Passwords {
            min_length: 12,
            argon2_memory_kib: memory_kib,
            argon2_iterations: 2,
            max_concurrent_hashes: 1,
        })
        .unwrap()
    }

    async fn verdict(passwords: &Passwords, stored: &str, password: &str) -> (bool, bool) {
        let verdict = passwords
            .verify(Some(stored.to_owned()), password.to_owned())
            .await
            .unwrap();
        (verdict.right, verdict.outdated.is_some())
    }

    #[tokio::test]
    async fn acc_3_bcrypt_is_verified_and_called_outdated() {
        let stored = bcrypt::hash("correct horse battery", 4).unwrap();
        let passwords = passwords(19_456);
        assert_eq!(
            verdict(&passwords, &stored, "correct horse battery").await,
            (true, true)
        );
        assert_eq!(verdict(&passwords, &stored, "wrong horse").await, (false, false));
        let other_letter = stored.replacen("$2b$", "$2y$", 1);
        assert_eq!(
            verdict(&passwords, &other_letter, "correct horse battery").await,
            (true, true)
        );
    }

    #[tokio::test]
    async fn acc_3_weaker_parameters_are_outdated_and_stronger_ones_are_not() {
        let (weak, strong) = (passwords(19_456), passwords(24_576));
        let by_weak = weak.hash("correct horse battery".to_owned()).await.unwrap();
        let by_strong = strong.hash("correct horse battery".to_owned()).await.unwrap();
        assert_eq!(verdict(&strong, &by_weak, "correct horse battery").await, (true, true));
        assert_eq!(
            verdict(&strong, &by_strong, "correct horse battery").await,
            (true, false)
        );
        assert_eq!(verdict(&weak, &by_strong, "correct horse battery").await, (true, false));
    }

    #[tokio::test]
    async fn acc_3_every_character_counts() {
        let passwords = passwords(19_456);
        for password in ["  spaces at both ends  ", "ünïcödé 密码 🦜", &"long ".repeat(50)] {
            let stored = passwords.hash(password.to_owned()).await.unwrap();
            assert_eq!(verdict(&passwords, &stored, password).await.0, true);
            assert_eq!(
                verdict(&passwords, &stored, password.trim_end()).await.0,
                password.trim_end() == password
            );
        }
    }
}
