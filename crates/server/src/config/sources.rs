//! The layers: defaults, then files, then the environment. Each bad value is noted and the one below it kept, so that
//! one run finds every problem.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Number, Value};

use super::loaded::Origin;
use super::problems::Problem;
use super::schema::{KEYS, Key, added_key};
use super::{explain, rules, yaml};

const CONFIG: &str = "PARLOR_CONFIG";
/// Set for the test suite, which shares the prefix.
const TESTS: &str = "PARLOR_TEST_";
const FILES: [&str; 3] = ["server.yaml", "prompts.yaml", "limits.yaml"];

/// The settings as far as they have been read.
pub(super) struct Layers {
    /// Every setting, those a file added included.
    pub keys: Vec<Key>,
    /// Value by path.
    pub values: BTreeMap<String, Value>,
    /// Where each value came from; what is not here is a default.
    pub origins: BTreeMap<String, Origin>,
    pub problems: Vec<Problem>,
    pub warnings: Vec<String>,
}

impl Layers {
    /// The compiled-in defaults.
    pub fn defaults() -> Self {
        Self {
            keys: KEYS.clone(),
            values: KEYS.iter().map(|key| (key.path.clone(), key.default.clone())).collect(),
            origins: BTreeMap::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Lays the file or folder of `PARLOR_CONFIG` over what is there.
    pub fn add_files(&mut self, env: &BTreeMap<String, String>) {
        let Some(path) = env.get(CONFIG).filter(|path| !path.is_empty()).map(PathBuf::from) else {
            return;
        };
        if !path.is_dir() {
            return self.add_file(&path);
        }
        let files: Vec<PathBuf> = FILES
            .iter()
            .map(|name| path.join(name))
            .filter(|file| file.is_file())
            .collect();
        if files.is_empty() {
            let message = format!("the folder {} has none of {}", path.display(), FILES.join(", "));
            self.problems.push(Problem::new(CONFIG, message, "environment"));
        }
        files.iter().for_each(|file| self.add_file(file));
    }

    fn add_file(&mut self, path: &Path) {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("cannot read {}: {error}", path.display());
                return self.problems.push(Problem::new(CONFIG, message, "environment"));
            }
        };
        match yaml::entries(&text) {
            Ok(entries) => entries.into_iter().for_each(|entry| self.add_entry(path, entry)),
            Err(error) => self.problems.push(unreadable(path, &text, error)),
        }
    }

    fn add_entry(&mut self, file: &Path, entry: yaml::Entry) {
        // A key with nothing behind it says nothing: people comment out all keys of a section.
        if entry.value.is_null() {
            return;
        }
        let origin = Origin::File {
            path: file.to_owned(),
            line: entry.line,
        };
        match self.key(&entry.path) {
            Some(key) => self.set(&key, entry.value, origin),
            None => self.problems.push(Problem::new(
                &entry.path,
                explain::unknown(&entry.path, &self.keys),
                origin,
            )),
        }
    }

    fn key(&mut self, path: &str) -> Option<Key> {
        if let Some(key) = self.keys.iter().find(|key| key.path == path) {
            return Some(key.clone());
        }
        let key = added_key(path)?;
        self.keys.push(key.clone());
        Some(key)
    }

    fn set(&mut self, key: &Key, value: Value, origin: Origin) {
        match rules::check(key, &value) {
            Ok(()) => {
                self.values.insert(key.path.clone(), value);
                self.origins.insert(key.path.clone(), origin);
            }
            Err(message) => self.problems.push(Problem::new(&key.path, message, origin)),
        }
    }

    /// Lays the environment over what is there.
    pub fn add_env(&mut self, env: &BTreeMap<String, String>) {
        for key in self.keys.clone() {
            match from_env(&key, env) {
                Ok(Some((value, origin))) => self.set(&key, value, origin),
                Ok(None) => {}
                Err(problem) => self.problems.push(problem),
            }
        }
        self.warn_of_unknown(env);
    }

    /// Other programs' settings may begin like ours, so an unknown name is worth a warning and no more.
    fn warn_of_unknown(&mut self, env: &BTreeMap<String, String>) {
        let known: BTreeSet<String> = self.keys.iter().flat_map(Key::env_names).collect();
        let ours = |name: &&String| name.starts_with("PARLOR_") && *name != CONFIG && !name.starts_with(TESTS);
        for name in env.keys().filter(ours).filter(|name| !known.contains(*name)) {
            let advice = explain::did_you_mean(name, known.iter().map(String::as_str));
            self.warnings
                .push(format!("{name} is set but is no setting of Parlor{advice}"));
        }
    }
}

/// A parser may quote what it stumbles over, so on the line of a secret it is not asked why.
fn unreadable(path: &Path, text: &str, error: yaml::YamlError) -> Problem {
    let line = error.line.unwrap_or(0);
    let index = usize::try_from(line).unwrap_or(0).saturating_sub(1);
    let culprit = text.lines().nth(index).unwrap_or_default().trim_start();
    let mut secrets = KEYS
        .iter()
        .filter(|key| key.secret)
        .filter_map(|key| key.path.rsplit('.').next());
    let message = if line == 0 || secrets.any(|name| culprit.contains(name)) {
        "is not YAML; put the value in quotes".to_owned()
    } else {
        format!("is not YAML: {}", error.message)
    };
    Problem::new(
        "file",
        message,
        Origin::File {
            path: path.to_owned(),
            line,
        },
    )
}

type Found = Option<(Value, Origin)>;

/// The value of the strongest name that is set.
fn from_env(key: &Key, env: &BTreeMap<String, String>) -> Result<Found, Problem> {
    if let Some(found) = from_name(key, &key.env, env)? {
        return Ok(Some(found));
    }
    match key.alias {
        // Shared names are often set and empty, which says nothing about Parlor.
        Some(alias) if env.get(alias).is_none_or(String::is_empty) => from_secret_file(key, alias, env),
        Some(alias) => from_name(key, alias, env),
        None => Ok(None),
    }
}

fn from_name(key: &Key, name: &str, env: &BTreeMap<String, String>) -> Result<Found, Problem> {
    let file = from_secret_file(key, name, env)?;
    let origin = Origin::Env(name.to_owned());
    match env.get(name) {
        Some(_) if file.is_some() => Err(Problem::new(
            &key.path,
            format!("{name} and {name}_FILE are both set: keep one"),
            "environment",
        )),
        // Compose files hand on unset variables as empty ones; an empty number can only mean that.
        Some(text) if text.trim().is_empty() && !key.default.is_string() => Ok(None),
        Some(text) => match parse(&key.default, text) {
            Some(value) => Ok(Some((value, origin))),
            None => Err(Problem::new(
                &key.path,
                format!("expected {}", rules::expected(&key.default)),
                origin,
            )),
        },
        None => Ok(file),
    }
}

fn from_secret_file(key: &Key, name: &str, env: &BTreeMap<String, String>) -> Result<Found, Problem> {
    let file = format!("{name}_FILE");
    let Some(path) = env.get(&file).filter(|path| key.secret && !path.is_empty()) else {
        return Ok(None);
    };
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some((
            Value::from(text.trim()),
            Origin::EnvFile {
                name: file,
                path: PathBuf::from(path),
            },
        ))),
        Err(error) => Err(Problem::new(
            &key.path,
            format!("cannot read {path}: {error}"),
            Origin::Env(file),
        )),
    }
}

/// Reads a text as the type of the default. A text stays as it is: a password may look like a number or like YAML.
fn parse(default: &Value, text: &str) -> Option<Value> {
    let trimmed = text.trim();
    match default {
        Value::Bool(_) => parse_bool(trimmed).map(Value::Bool),
        Value::Number(number) if number.is_f64() => Number::from_f64(trimmed.parse().ok()?).map(Value::Number),
        Value::Number(_) => trimmed.parse::<i64>().ok().map(Value::from),
        Value::Array(_) => Some(
            trimmed
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .collect(),
        ),
        _ => Some(Value::from(text)),
    }
}

fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}
