//! What settings must be together.

use std::collections::BTreeMap;

use super::loaded::Origin;
use super::security::weakness;
use super::{Config, Environment, Problem, RateLimits};

/// Problems that no single value shows. Development allows everything that is safe on one's own machine.
pub(super) fn together(config: &Config, origins: &BTreeMap<String, Origin>) -> Vec<Problem> {
    if config.env == Environment::Development {
        return Vec::new();
    }
    [rate_limits(config), https(config), master_key(config)]
        .into_iter()
        .flatten()
        .map(|(key, message)| Problem::new(key, message, origins.get(key).unwrap_or(&Origin::Default)))
        .collect()
}

fn rate_limits(config: &Config) -> Option<(&'static str, String)> {
    let message = "off is only for tests: in production write default or strict";
    (config.rate_limits == RateLimits::Off).then(|| ("rate_limits", message.to_owned()))
}

/// A key that somebody made up is a key that somebody else can guess, and every session hangs on it.
fn master_key(config: &Config) -> Option<(&'static str, String)> {
    let weakness = weakness(&config.secrets.master_key_bytes()?)?;
    let message = format!("is {weakness}, not 256 random bits: make one with `openssl rand -base64 32`");
    Some(("secrets.master_key", message))
}

/// Session cookies travel with every request, so over a network they need https. A server that only this machine
/// can reach needs none, whatever its address is called.
fn https(config: &Config) -> Option<(&'static str, String)> {
    let message = if config.is_https() {
        return None;
    } else if !config.bind.ip().is_loopback() {
        format!(
            "in production a server that listens on {} must be reached over https: write the https:// address that \
             people use, or bind to 127.0.0.1",
            config.bind
        )
    } else if !is_local(&config.public_url) {
        "in production this must start with https://, unless the host is localhost or 127.0.0.1".to_owned()
    } else {
        return None;
    };
    Some(("public_url", message))
}

fn is_local(url: &str) -> bool {
    let url = reqwest::Url::parse(url).ok();
    matches!(
        url.as_ref().and_then(reqwest::Url::host_str),
        Some("localhost" | "127.0.0.1" | "[::1]")
    )
}
