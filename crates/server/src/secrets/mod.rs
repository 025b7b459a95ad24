//! What seals and signs: the master key, the data keys it wraps, and what is kept of secrets that we only compare.

mod master;
mod vault;

use sha2::{Digest, Sha256};

pub use master::MasterKeys;
pub use vault::{Purpose, Unsealable, Vault};

/// What is stored of a secret that we only ever compare. Every such secret has 256 random bits, so a plain hash of it
/// cannot be searched for.
#[must_use]
pub fn fingerprint(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}
