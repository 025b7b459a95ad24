//! Settings in words: what `parlor config` prints, and `.env.example`.

use serde_json::Value;

use super::schema::{KEYS, Key, SECTIONS};
use super::{Loaded, Origin, Problems};

impl Loaded {
    /// One setting: its value, where that came from, what it means, and its names in the environment. The key may be
    /// a path (`sessions.idle_days`) or a name in the environment.
    ///
    /// # Errors
    /// What to ask for instead, when there is no such key.
    pub fn explain(&self, key: &str) -> Result<String, String> {
        let named = |known: &&Key| known.path == key || known.env_names().iter().any(|name| name == key);
        match self.keys.iter().find(named) {
            Some(key) => Ok(self.describe(key)),
            None => self
                .explain_section(key)
                .ok_or_else(|| format!("{key}: {}", unknown(key, &self.keys))),
        }
    }

    fn explain_section(&self, section: &str) -> Option<String> {
        let prefix = format!("{section}.");
        let inside: Vec<String> = self
            .keys
            .iter()
            .filter(|key| key.path.starts_with(&prefix))
            .map(|key| self.describe(key))
            .collect();
        (!inside.is_empty()).then(|| inside.join("\n"))
    }

    /// Every setting, in the order of the defaults files.
    pub fn explain_all(&self) -> String {
        self.keys
            .iter()
            .map(|key| self.describe(key))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn describe(&self, key: &Key) -> String {
        let value = self.values.get(&key.path).unwrap_or(&Value::Null);
        let mut text = format!(
            "{} = {}\n  from: {}\n",
            key.path,
            shown(key, value),
            self.origin(&key.path)
        );
        let comment = comment(key);
        if !comment.is_empty() {
            text.push_str(&format!("  {comment}\n"));
        }
        text + &format!("  environment: {}\n", key.env_names().join(", "))
    }
}

/// The result of loading, for `parlor config check`.
pub fn render_check(result: &Result<Loaded, Problems>) -> String {
    match result {
        Err(problems) => format!("{problems}\n"),
        Ok(loaded) => {
            let changed = loaded
                .origins
                .values()
                .filter(|origin| **origin != Origin::Default)
                .count();
            let mut text = format!("The settings are valid: {changed} of {} changed.\n", loaded.keys.len());
            for warning in &loaded.warnings {
                text.push_str("warning: ");
                text.push_str(warning);
                text.push('\n');
            }
            text
        }
    }
}

/// The text of `.env.example`: every setting with its comment and default, switched off.
pub fn env_example() -> String {
    let mut text = String::from(
        "# Parlor's settings as environment variables. Copy this file to .env, remove the # before what you change.\n\
         # Generated from config/*.yaml. A secret can also be read from a file: add _FILE to its name.\n",
    );
    let mut section = "";
    for key in KEYS.iter() {
        let ours = key.path.rsplit_once('.').map_or("", |(section, _)| section);
        if ours != section {
            section = ours;
            text.push_str(&heading(section));
        }
        if !key.comment.is_empty() {
            text.push_str(&format!("\n# {}", key.comment));
        }
        text.push_str(&format!("\n# {}={}\n", key.env, quoted(&key.default)));
    }
    text
}

fn heading(section: &str) -> String {
    let comment = SECTIONS
        .get(section)
        .map(|comment| format!(": {comment}"))
        .unwrap_or_default();
    format!("\n# --- {section}{comment}\n")
}

/// As a line of an env file: quoted when a shell would split or cut it.
fn quoted(value: &Value) -> String {
    let text = plain(value);
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
    if text.chars().all(safe) {
        text
    } else {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn shown(key: &Key, value: &Value) -> String {
    match plain(value) {
        text if text.is_empty() => "(empty)".to_owned(),
        _ if key.secret => "[redacted]".to_owned(),
        text => text,
    }
}

/// A key of a free section has no comment of its own: the section's stands for it.
fn comment(key: &Key) -> String {
    let section = key.path.split('.').next().unwrap_or_default();
    match key.comment.as_str() {
        "" => SECTIONS.get(section).cloned().unwrap_or_default(),
        own => own.to_owned(),
    }
}

/// What to say about a key that does not exist.
pub(super) fn unknown(path: &str, keys: &[Key]) -> String {
    let prefix = format!("{path}.");
    if keys.iter().any(|key| key.path.starts_with(&prefix)) {
        return "this is a section: write its settings below it, indented".to_owned();
    }
    let by_env = path.starts_with("PARLOR_");
    let names = keys
        .iter()
        .map(|key| if by_env { key.env.as_str() } else { key.path.as_str() });
    format!("no such setting{}", did_you_mean(path, names))
}

/// `; did you mean X?` when a known name is near enough to be what was meant.
pub(super) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known.map(|candidate| (distance(name, candidate), candidate)).min();
    match nearest {
        Some((edits, candidate)) if edits <= 2 + name.len() / 5 => format!("; did you mean {candidate}?"),
        _ => String::new(),
    }
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.chars().count()]
}
