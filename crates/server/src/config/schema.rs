//! What settings exist: read from the compiled-in defaults and their comments, so that nothing is said twice.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::yaml;

const SERVER: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/server.yaml"));
const PROMPTS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/prompts.yaml"));

/// Names under which other programs keep the same setting.
const ALIASES: [(&str, &str); 14] = [
    ("database.url", "DATABASE_URL"),
    ("providers.openai.api_key", "OPENAI_API_KEY"),
    ("providers.openai.base_url", "OPENAI_BASE_URL"),
    ("mail.smtp_host", "SMTP_HOST"),
    ("mail.smtp_port", "SMTP_PORT"),
    ("mail.smtp_user", "SMTP_USER"),
    ("mail.smtp_password", "SMTP_PASSWORD"),
    ("mail.from", "SMTP_FROM"),
    ("oauth.github.client_id", "GITHUB_CLIENT_ID"),
    ("oauth.github.client_secret", "GITHUB_CLIENT_SECRET"),
    ("oauth.google.client_id", "GOOGLE_CLIENT_ID"),
    ("oauth.google.client_secret", "GOOGLE_CLIENT_SECRET"),
    ("oauth.microsoft.client_id", "MICROSOFT_CLIENT_ID"),
    ("oauth.microsoft.client_secret", "MICROSOFT_CLIENT_SECRET"),
];

/// Sections to which a file may add keys of its own; each value is a text.
const OPEN_SECTIONS: [&str; 3] = ["themes", "audiences", "response_styles"];

/// One setting.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Dotted path, such as `sessions.idle_days`.
    pub path: String,
    /// Name in the environment, such as `PARLOR_SESSIONS_IDLE_DAYS`.
    pub env: String,
    /// The comment in the defaults file.
    pub comment: String,
    /// The default; its type is the setting's type.
    pub default: Value,
    /// Whether the value must never be shown, and may come from a file named by `…_FILE`.
    pub secret: bool,
    /// Another program's name for it.
    pub alias: Option<&'static str>,
}

impl Key {
    fn new(path: &str, comment: &str, default: Value) -> Self {
        Self {
            path: path.to_owned(),
            env: env_name(path),
            comment: comment.to_owned(),
            default,
            secret: comment.ends_with("Secret."),
            alias: ALIASES.iter().find(|(key, _)| *key == path).map(|(_, alias)| *alias),
        }
    }

    /// The names of this setting in the environment, the strongest first.
    pub fn env_names(&self) -> Vec<String> {
        let names = [Some(self.env.as_str()), self.alias];
        names
            .into_iter()
            .flatten()
            .flat_map(|name| [Some(name.to_owned()), self.secret.then(|| format!("{name}_FILE"))])
            .flatten()
            .collect()
    }
}

fn env_name(path: &str) -> String {
    format!("PARLOR_{}", path.replace(['.', '-'], "_").to_uppercase())
}

/// Every setting, in the order of the defaults files.
pub(super) static KEYS: LazyLock<Vec<Key>> =
    LazyLock::new(|| [SERVER, PROMPTS].into_iter().flat_map(keys_of).collect());

/// Sections and their comments: the first line of each group in what is generated.
pub(super) static SECTIONS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    OPEN_SECTIONS
        .into_iter()
        .filter_map(|name| {
            let line = PROMPTS.lines().position(|line| line == format!("{name}:"))?;
            Some((name.to_owned(), comment_above(PROMPTS, line)))
        })
        .collect()
});

/// A key that a file adds to an open section, if the section is open and the name is fit to be stored as an id.
pub(super) fn added_key(path: &str) -> Option<Key> {
    let (section, id) = path.split_once('.')?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let open = OPEN_SECTIONS.contains(&section) && !id.is_empty() && id.len() <= 40 && id.chars().all(fits);
    open.then(|| Key::new(path, "", Value::String(String::new())))
}

/// A broken default cannot be mended by whoever runs the program, so this panics; a unit test reads both files.
fn keys_of(text: &str) -> Vec<Key> {
    let entries = yaml::entries(text).expect("the compiled-in defaults are YAML");
    entries
        .into_iter()
        .map(|entry| {
            let index = usize::try_from(entry.line).unwrap_or(1).saturating_sub(1);
            Key::new(&entry.path, &comment_above(text, index), entry.value)
        })
        .collect()
}

/// The comment lines right above a line, joined.
fn comment_above(text: &str, line: usize) -> String {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let comment = lines
        .iter()
        .rev()
        .map_while(|line| line.trim().strip_prefix('#'))
        .map(str::trim);
    let mut comment: Vec<&str> = comment.collect();
    comment.reverse();
    comment.join(" ")
}
