//! Model weights: which there are, whether they are here, and how to get them.

mod catalog;
mod package;
mod pull;
mod verify;

use std::path::{Path, PathBuf};

pub use catalog::{FileSpec, Kind, MINILM, PackageSpec, SMOLLM2, Spec, catalog, default_dir, find};
pub use pull::{Phase, Progress, PullError};

/// The hub that most open weights are published on.
const HUB: &str = "https://huggingface.co";

/// Whether a model can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All files are there and are the right ones.
    Present,
    /// At least one file is not there.
    Missing,
    /// A file is there but is not the one we know.
    Damaged,
}

/// A folder of model weights, one folder a model inside. May be shared by several servers.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
    hub: Option<String>,
}

impl Store {
    /// The store in `dir`, which need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            hub: Some(HUB.to_owned()),
        }
    }

    /// Asks another hub of the same form, or none.
    pub fn with_hub(mut self, hub: Option<String>) -> Self {
        self.hub = hub.map(|url| url.trim_end_matches('/').to_owned());
        self
    }

    /// The folder of all models.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of one model.
    pub fn model_dir(&self, spec: &Spec) -> PathBuf {
        self.dir.join(spec.id)
    }

    /// Where a file of a model is, or would be.
    pub fn path(&self, spec: &Spec, file: &str) -> PathBuf {
        self.model_dir(spec).join(file)
    }

    /// Whether all files are there and right. Reads a whole file the first time (a tenth of a second for 100 MB) and
    /// afterwards only when its size or time changed. Blocking.
    pub fn status(&self, spec: &Spec) -> Status {
        let dir = self.model_dir(spec);
        let mut worst = Status::Present;
        for file in spec.files {
            match verify::status(&dir, file) {
                Status::Missing => return Status::Missing,
                Status::Damaged => worst = Status::Damaged,
                Status::Present => {}
            }
        }
        worst
    }
}
