mod docs;
mod layers;
mod problems;
mod secrecy;

use std::collections::BTreeMap;

use super::{Config, Loaded, Problems};

fn load(env: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let env: BTreeMap<String, String> = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Config::from_sources(&env)
}

/// A file with this text, and its path.
fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}
