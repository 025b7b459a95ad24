//! What one value must be, looked at alone.

use std::net::SocketAddr;

use serde_json::Value;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

use super::network::Network;
use super::prompts::{PLACEHOLDERS, unknown_placeholder};
use super::schema::Key;
use super::security::decode_key;

/// Smallest and largest value of each number.
const RANGES: [(&str, f64, f64); 38] = [
    ("database.max_connections", 1.0, 1_000.0),
    ("database.acquire_timeout_s", 1.0, 300.0),
    ("http.max_body_bytes", 1_024.0, 1_073_741_824.0),
    ("http.request_timeout_s", 1.0, 3_600.0),
    ("http.shutdown_grace_s", 0.0, 3_600.0),
    ("sessions.idle_days", 1.0, 3_650.0),
    ("sessions.absolute_days", 1.0, 3_650.0),
    ("sessions.remember_days", 1.0, 3_650.0),
    ("sessions.access_token_minutes", 1.0, 15.0),
    ("sessions.refresh_grace_s", 0.0, 300.0),
    ("sessions.step_up_minutes", 1.0, 1_440.0),
    ("sessions.signing_key_days", 1.0, 3_650.0),
    ("accounts.reset_token_minutes", 1.0, 1_440.0),
    ("accounts.verify_token_hours", 1.0, 8_760.0),
    ("mail.smtp_port", 1.0, 65_535.0),
    ("mail.timeout_s", 1.0, 600.0),
    ("mail.max_concurrent", 1.0, 64.0),
    ("passwords.min_length", 8.0, 128.0),
    // OWASP's floor for Argon2id: 19 MiB, two passes, one lane.
    ("passwords.argon2_memory_kib", 19_456.0, 4_194_304.0),
    ("passwords.argon2_iterations", 2.0, 100.0),
    ("passwords.max_concurrent_hashes", 0.0, 1_024.0),
    ("providers.openai.connect_timeout_s", 1.0, 300.0),
    ("providers.openai.first_token_timeout_s", 1.0, 3_600.0),
    ("providers.openai.idle_timeout_s", 1.0, 3_600.0),
    ("models.threads", 1.0, 256.0),
    ("models.max_concurrent", 1.0, 256.0),
    ("generations.flush_interval_ms", 1.0, 1_000.0),
    // Below five seconds an answer on a busy node would be taken for a crashed one.
    ("generations.lease_s", 5.0, 3_600.0),
    ("memory.recall_limit", 1.0, 100.0),
    ("memory.recall_token_budget", 50.0, 100_000.0),
    ("tiers.quick.max_tokens", 1.0, 1_000_000.0),
    ("tiers.quick.temperature", 0.0, 2.0),
    ("tiers.quick.history_messages", 0.0, 1_000.0),
    ("tiers.quick.units", 1.0, 1_000.0),
    ("tiers.enhanced.max_tokens", 1.0, 1_000_000.0),
    ("tiers.enhanced.temperature", 0.0, 2.0),
    ("tiers.enhanced.history_messages", 0.0, 1_000.0),
    ("tiers.enhanced.units", 1.0, 1_000.0),
];

/// The words a setting can be.
const CHOICES: [(&str, &[&str]); 5] = [
    ("env", &["development", "production"]),
    ("rate_limits", &["default", "strict", "off"]),
    ("telemetry.log_format", &["auto", "json", "text"]),
    ("sessions.ip_mode", &["full", "truncated", "none"]),
    ("mail.smtp_tls", &["auto", "tls", "starttls", "none"]),
];

/// Texts that cannot be empty.
const REQUIRED: [&str; 5] = [
    "data_dir",
    "tiers.quick.openai_model",
    "tiers.quick.local_model",
    "tiers.enhanced.openai_model",
    "tiers.enhanced.local_model",
];

/// Says what is wrong with a value and what to write instead. Never quotes the value of a secret.
pub(super) fn check(key: &Key, value: &Value) -> Result<(), String> {
    check_type(&key.default, value)?;
    match value {
        Value::Number(number) => check_range(&key.path, number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => check_text(&key.path, text),
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| check_network(item.as_str().unwrap_or_default())),
        _ => Ok(()),
    }
}

fn check_type(default: &Value, value: &Value) -> Result<(), String> {
    let same = match (default, value) {
        (Value::Number(default), Value::Number(value)) => default.is_f64() || !value.is_f64(),
        (Value::Array(_), Value::Array(items)) => items.iter().all(Value::is_string),
        (default, value) => std::mem::discriminant(default) == std::mem::discriminant(value),
    };
    if same {
        Ok(())
    } else {
        Err(format!("expected {}", expected(default)))
    }
}

/// What to write for a setting of this type.
pub(super) fn expected(default: &Value) -> &'static str {
    match default {
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "a whole number",
        Value::Array(_) => "a list of texts",
        _ => "a text; put it in quotes",
    }
}

fn check_range(path: &str, number: f64) -> Result<(), String> {
    match RANGES.iter().find(|(key, _, _)| *key == path) {
        Some((_, least, most)) if !(*least..=*most).contains(&number) => Err(format!(
            "{number} is out of range: write a number from {least} to {most}"
        )),
        _ => Ok(()),
    }
}

fn check_text(path: &str, text: &str) -> Result<(), String> {
    if let Some((_, words)) = CHOICES.iter().find(|(key, _)| *key == path) {
        return choice(words, text);
    }
    if REQUIRED.contains(&path) && text.trim().is_empty() {
        return Err("cannot be empty".to_owned());
    }
    match path {
        "bind" => text.parse::<SocketAddr>().map(drop).map_err(|_| bind_advice(text)),
        "public_url" if !text.is_empty() => check_origin(text),
        "providers.openai.base_url" if !text.is_empty() => check_url(text).map(drop),
        "database.url" if !text.is_empty() => check_database(text),
        "secrets.previous_master_keys" if !text.is_empty() => text.split(',').try_for_each(check_master_key),
        "secrets.master_key" if !text.is_empty() => check_master_key(text),
        "telemetry.log_level" => check_log_filter(text),
        "tiers.quick.system" | "tiers.enhanced.system" => check_template(text),
        _ => Ok(()),
    }
}

fn choice(words: &[&str], text: &str) -> Result<(), String> {
    if words.contains(&text) {
        Ok(())
    } else {
        Err(format!("`{text}` is unknown: write {}", words.join(", ")))
    }
}

fn bind_advice(text: &str) -> String {
    format!("`{text}` is no address and port: write 127.0.0.1:8080 for this machine only, 0.0.0.0:8080 for everyone")
}

fn check_url(text: &str) -> Result<reqwest::Url, String> {
    let url = reqwest::Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or("is no URL: write one that starts with http:// or https://")?;
    if url.username().is_empty() && url.password().is_none() {
        return Ok(url);
    }
    Err("holds a user name or password: a URL is shown and logged, so leave them out".to_owned())
}

fn check_origin(text: &str) -> Result<(), String> {
    let url = check_url(text)?;
    if url.path() == "/" && url.query().is_none() && url.fragment().is_none() {
        return Ok(());
    }
    Err("must end after the host and port: Parlor needs a host of its own, not a path on one".to_owned())
}

fn check_database(text: &str) -> Result<(), String> {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    if matches!(scheme, "postgres" | "postgresql" | "sqlite") {
        return Ok(());
    }
    Err(
        "must start with postgres://, postgresql:// or sqlite: (or be empty: one SQLite file in the data folder)"
            .to_owned(),
    )
}

fn check_master_key(text: &str) -> Result<(), String> {
    let key = decode_key(text).ok_or("must be 32 bytes in base64: make one with `openssl rand -base64 32`")?;
    if key.iter().any(|byte| *byte != key[0]) {
        return Ok(());
    }
    Err("is one byte repeated, which anyone can guess: make one with `openssl rand -base64 32`".to_owned())
}

/// The filter's own parser takes any word for a module name, so `infoo` would silently turn logging off.
fn check_log_filter(text: &str) -> Result<(), String> {
    let words = text.split(',').map(str::trim).filter(|part| !part.contains(['=', '[']));
    let levels = words.into_iter().all(|word| word.parse::<LevelFilter>().is_ok());
    if levels && EnvFilter::builder().parse(text).is_ok() {
        return Ok(());
    }
    Err(format!(
        "`{text}` is no log level: write trace, debug, info, warn, error, or a filter such as info,sqlx=warn"
    ))
}

fn check_template(text: &str) -> Result<(), String> {
    let Some(unknown) = unknown_placeholder(text) else {
        return Ok(());
    };
    let known: Vec<String> = PLACEHOLDERS.iter().map(|name| format!("{{{{{name}}}}}")).collect();
    Err(format!(
        "unknown placeholder {{{{{unknown}}}}}: a system prompt may use {}",
        known.join(" and ")
    ))
}

fn check_network(text: &str) -> Result<(), String> {
    text.parse::<Network>()
        .map(drop)
        .map_err(|error| format!("`{text}` is {error}"))
}

#[cfg(test)]
mod tests {
    use super::super::schema::KEYS;
    use super::*;

    #[test]
    fn every_number_has_a_range_and_every_rule_a_key() {
        for key in KEYS.iter().filter(|key| key.default.is_number()) {
            assert!(
                RANGES.iter().any(|(path, ..)| *path == key.path),
                "{} has no range",
                key.path
            );
        }
        let ruled = RANGES
            .iter()
            .map(|r| r.0)
            .chain(CHOICES.iter().map(|c| c.0))
            .chain(REQUIRED);
        for path in ruled {
            assert!(
                KEYS.iter().any(|key| key.path == path),
                "{path} is ruled but does not exist"
            );
        }
    }

    #[test]
    fn every_default_keeps_its_own_rule() {
        for key in KEYS.iter() {
            assert_eq!(check(key, &key.default), Ok(()), "{}", key.path);
        }
    }
}
