//! The master key, and the keys derived from it.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::clock::random_bytes;

/// Keys derived from the master key, one per purpose (HKDF-SHA256, RFC 5869), so that no key serves twice.
pub struct Keys {
    csrf: [u8; 32],
    signing: [u8; 32],
}

impl Keys {
    /// Takes the configured master key, or the one in `data_dir`, which is made on the first start.
    ///
    /// # Errors
    /// When the key's file cannot be read or written, or is not 32 bytes in base64.
    pub fn load(configured: Option<[u8; 32]>, data_dir: &Path) -> anyhow::Result<Self> {
        let master = match configured {
            Some(key) => key,
            None => from_file(&data_dir.join("master.key"))?,
        };
        Ok(Self {
            csrf: derive(&master, "csrf"),
            signing: derive(&master, "access-token-signing"),
        })
    }

    /// Seed of the Ed25519 key that signs access tokens.
    #[must_use]
    pub fn signing_seed(&self) -> &[u8; 32] {
        &self.signing
    }

    /// A tag over `data` that only this server can make.
    #[must_use]
    pub fn csrf_tag(&self, data: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.csrf).unwrap_or_else(|_| unreachable!("any length"));
        mac.update(data);
        mac.finalize().into_bytes().into()
    }
}

/// What is stored of a secret that we only ever compare.
#[must_use]
pub fn fingerprint(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

fn derive(master: &[u8; 32], purpose: &str) -> [u8; 32] {
    let mut key = [0; 32];
    let info = format!("parlor/v1/{purpose}");
    Hkdf::<Sha256>::new(None, master)
        .expand(info.as_bytes(), &mut key)
        .unwrap_or_else(|_| unreachable!("32 bytes are within HKDF's bound"));
    key
}

fn decode(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = BASE64_STANDARD
        .decode(text.trim())
        .context("the master key is not base64")?;
    bytes
        .try_into()
        .map_err(|bytes: Vec<u8>| anyhow::anyhow!("the master key has {} bytes, not 32", bytes.len()))
}

fn from_file(path: &Path) -> anyhow::Result<[u8; 32]> {
    match fs::read_to_string(path) {
        Ok(text) => decode(&text).with_context(|| format!("in {}", path.display())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => create_file(path),
        Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Written to a file of its own and then linked into place, so that of two first starts one wins and both read the same.
fn create_file(path: &Path) -> anyhow::Result<[u8; 32]> {
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let temporary = folder.join(format!(".master.key.{}", std::process::id()));
    write_private(&temporary, &BASE64_STANDARD.encode(random_bytes::<32>()))
        .with_context(|| format!("cannot write {}", temporary.display()))?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    match linked {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => bail!("cannot create {}: {e}", path.display()),
        _ => decode(&fs::read_to_string(path)?),
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_master_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = Keys::load(None, folder.path()).unwrap();
        let second = Keys::load(None, folder.path()).unwrap();
        assert_eq!(first.csrf_tag(b"x"), second.csrf_tag(b"x"));
        assert_ne!(first.csrf, first.signing);
        let mode = fs::metadata(folder.path().join("master.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
