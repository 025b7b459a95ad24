//! The master keys: one that wraps data keys now, and older ones that still unwrap some.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

use crate::{clock::random_bytes, config};

/// A key and the name under which the database refers to it. The name is a hash of the key and gives nothing away.
#[derive(Clone)]
pub(super) struct MasterKey {
    pub(super) id: String,
    pub(super) key: [u8; 32],
}

impl MasterKey {
    fn new(key: [u8; 32]) -> Self {
        let digest = Sha256::digest([b"parlor/v1/master-key-id".as_slice(), &key].concat());
        let id = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { id, key }
    }
}

/// The first wraps, the others only unwrap.
#[derive(Clone)]
pub struct MasterKeys {
    keys: Vec<MasterKey>,
    /// Where they were read from; none when the settings hold them.
    file: Option<PathBuf>,
}

impl MasterKeys {
    /// Takes the configured keys, or those in the data folder's `master.key`, which is made on the first start.
    ///
    /// # Errors
    /// When the file cannot be read or written, or a line of it is not 32 bytes in base64.
    pub fn load(configured: &config::Secrets, data_dir: &Path) -> anyhow::Result<Self> {
        match configured.master_key_bytes() {
            Some(current) => {
                let older = configured.previous_master_key_bytes();
                let keys = std::iter::once(current).chain(older).map(MasterKey::new).collect();
                Ok(Self { keys, file: None })
            }
            None => Self::from_file(data_dir.join("master.key")),
        }
    }

    fn from_file(path: PathBuf) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => create(&path)?,
            read => read.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys: Vec<MasterKey> = lines
            .map(|line| decode(line).map(MasterKey::new))
            .collect::<anyhow::Result<_>>()
            .with_context(|| format!("in {}", path.display()))?;
        if keys.is_empty() {
            bail!("{} is empty: put the master key back from a backup", path.display());
        }
        Ok(Self { keys, file: Some(path) })
    }

    pub(super) fn current(&self) -> &MasterKey {
        &self.keys[0]
    }

    pub(super) fn find(&self, id: &str) -> Option<&MasterKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// The same keys as they are now in the file; other processes of this host may have changed it.
    pub(super) fn reloaded(&self) -> anyhow::Result<Self> {
        match &self.file {
            Some(path) => Self::from_file(path.clone()),
            None => Ok(self.clone()),
        }
    }

    /// A new key in front of the others, on disk before it wraps anything. `None` when the settings hold the keys: there
    /// the operator writes the new one.
    pub(super) fn renewed(&self) -> anyhow::Result<Option<Self>> {
        let Some(path) = &self.file else { return Ok(None) };
        let mut keys = vec![MasterKey::new(random_bytes())];
        keys.extend(self.keys.iter().cloned());
        let renewed = Self {
            keys,
            file: Some(path.clone()),
        };
        renewed.save(path)?;
        Ok(Some(renewed))
    }

    /// Only the current key, on disk too: for when nothing is wrapped by an older one any more.
    pub(super) fn without_older(&self) -> anyhow::Result<Self> {
        let kept = Self {
            keys: vec![self.current().clone()],
            file: self.file.clone(),
        };
        if let Some(path) = &kept.file {
            kept.save(path)?;
        }
        Ok(kept)
    }

    fn save(&self, path: &Path) -> anyhow::Result<()> {
        let lines: Vec<String> = self.keys.iter().map(|key| BASE64_STANDARD.encode(key.key)).collect();
        let temporary = path.with_extension(format!("key.{}", std::process::id()));
        write_private(&temporary, &(lines.join("\n") + "\n"))
            .and_then(|()| fs::rename(&temporary, path))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

fn decode(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = BASE64_STANDARD.decode(text).context("the master key is not base64")?;
    bytes
        .try_into()
        .map_err(|bytes: Vec<u8>| anyhow::anyhow!("the master key has {} bytes, not 32", bytes.len()))
}

/// Written to a file of its own and then linked into place, so that of two first starts one wins and both read the same.
fn create(path: &Path) -> anyhow::Result<String> {
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let temporary = folder.join(format!(".master.key.{}", std::process::id()));
    write_private(&temporary, &BASE64_STANDARD.encode(random_bytes::<32>()))
        .with_context(|| format!("cannot write {}", temporary.display()))?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    match linked {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => bail!("cannot create {}: {e}", path.display()),
        _ => Ok(fs::read_to_string(path)?),
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

    fn load(folder: &Path) -> MasterKeys {
        MasterKeys::from_file(folder.join("master.key")).unwrap()
    }

    #[test]
    fn the_master_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(load(folder.path()).current().key, load(folder.path()).current().key);
        let mode = || {
            fs::metadata(folder.path().join("master.key"))
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!(mode(), 0o600);
        load(folder.path()).renewed().unwrap();
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn a_renewed_key_leads_and_the_old_one_stays_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let old = load(folder.path());
        let renewed = old.renewed().unwrap().unwrap();
        assert_ne!(renewed.current().id, old.current().id);
        let read_again = load(folder.path());
        assert_eq!(read_again.current().id, renewed.current().id);
        assert!(read_again.find(&old.current().id).is_some());
        renewed.without_older().unwrap();
        assert!(load(folder.path()).find(&old.current().id).is_none());
    }
}
