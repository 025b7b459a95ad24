//! Settings together with where they came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::schema::Key;
use super::sources::Layers;
use super::{Config, Problem, Problems, check};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Compiled in.
    Default,
    /// A line of the file, or of a file in the folder, that `PARLOR_CONFIG` names.
    File {
        /// The file.
        path: PathBuf,
        /// Counted from 1; 0 when unknown.
        line: u64,
    },
    /// A variable of the environment.
    Env(String),
    /// A file named by a variable that ends in `_FILE`.
    EnvFile {
        /// The variable.
        name: String,
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line: 0 } => write!(f, "{}", path.display()),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::EnvFile { name, path } => write!(f, "environment {name}: {}", path.display()),
        }
    }
}

/// Valid settings, what is odd about them, and what is needed to explain them.
#[derive(Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Names in the environment that look like settings and are none.
    pub warnings: Vec<String>,
    pub(super) keys: Vec<Key>,
    pub(super) values: BTreeMap<String, Value>,
    pub(super) origins: BTreeMap<String, Origin>,
}

impl fmt::Debug for Loaded {
    /// Only what redacts itself: `values` holds secrets in clear.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("config", &self.config)
            .field("warnings", &self.warnings)
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

impl Loaded {
    /// Where the value of a key came from.
    pub fn origin(&self, path: &str) -> &Origin {
        self.origins.get(path).unwrap_or(&Origin::Default)
    }
}

/// Reads every layer and checks the whole.
pub(super) fn load(env: &BTreeMap<String, String>) -> Result<Loaded, Problems> {
    let mut layers = Layers::defaults();
    layers.add_files(env);
    layers.add_env(env);
    resolve(&mut layers.values, env);
    let config = to_config(&layers.values);
    let mut problems = std::mem::take(&mut layers.problems);
    match &config {
        Ok(config) => problems.extend(check::together(config, &layers.origins)),
        Err(problem) => problems.push(problem.clone()),
    }
    match config {
        Ok(config) if problems.is_empty() => Ok(Loaded {
            config,
            warnings: layers.warnings,
            keys: layers.keys,
            values: layers.values,
            origins: layers.origins,
        }),
        _ => Err(Problems(problems)),
    }
}

/// Fills in what an empty value stands for.
fn resolve(values: &mut BTreeMap<String, Value>, env: &BTreeMap<String, String>) {
    let text = |values: &BTreeMap<String, Value>, key: &str| values[key].as_str().unwrap_or_default().to_owned();
    let public_url = match text(values, "public_url") {
        url if url.is_empty() => local_url(&text(values, "bind")),
        url => url.trim_end_matches('/').to_owned(),
    };
    values.insert("public_url".to_owned(), Value::from(public_url));
    if text(values, "models.dir").is_empty() {
        let folder = models_folder(env, Path::new(&text(values, "data_dir")));
        values.insert("models.dir".to_owned(), Value::from(folder.to_string_lossy()));
    }
}

/// The bind address as something a browser can open: nobody can visit 0.0.0.0.
fn local_url(bind: &str) -> String {
    match bind.parse::<std::net::SocketAddr>() {
        Ok(address) if address.ip().is_unspecified() => format!("http://localhost:{}", address.port()),
        _ => format!("http://{bind}"),
    }
}

/// One folder for all data folders of a user; in the data folder for a user without a home.
fn models_folder(env: &BTreeMap<String, String>, data: &Path) -> PathBuf {
    // The XDG rules say that a relative path is to be ignored.
    let absolute = |name: &str| env.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    cache.map_or_else(|| data.join("models"), |cache| cache.join("parlor").join("models"))
}

/// The rules of each key leave nothing for this to refuse; were it so, the setting is not named, but nothing is hidden.
fn to_config(values: &BTreeMap<String, Value>) -> Result<Config, Problem> {
    let mut tree = Map::new();
    for (path, value) in values {
        insert(&mut tree, path, value.clone());
    }
    serde_json::from_value(Value::Object(tree))
        .map_err(|_| Problem::new("settings", "a value does not fit its type", "all layers"))
}

fn insert(tree: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(tree.insert(path.to_owned(), value)),
        Some((section, rest)) => {
            let section = tree.entry(section).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(section) = section {
                insert(section, rest, value);
            }
        }
    }
}
