//! What settings must be together.

use std::collections::BTreeMap;

use super::loaded::Origin;
use super::security::weakness;
use super::{Config, Environment, Problem, RateLimits, SmtpTls};

/// Problems that no single value shows. Development allows everything that is safe on one's own machine.
pub(super) fn together(config: &Config, origins: &BTreeMap<String, Origin>) -> Vec<Problem> {
    let production = [
        rate_limits(config),
        https(config),
        master_key(config),
        mail_from(config),
        mail_login(config),
    ]
    .into_iter()
    .flatten()
    .filter(|_| config.env == Environment::Production);
    production
        .chain(mail_templates(config))
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

/// Mail from an address that nobody chose is taken for spam.
fn mail_from(config: &Config) -> Option<(&'static str, String)> {
    let message = "in production write the sender of mails, as \"Parlor <parlor@example.org>\": an address that your \
                   mail server may send from";
    (config.mail.is_on() && config.mail.from.is_empty()).then(|| ("mail.from", message.to_owned()))
}

fn mail_login(config: &Config) -> Option<(&'static str, String)> {
    let mail = &config.mail;
    let open = mail.smtp_tls == SmtpTls::None && !mail.smtp_user.is_empty() && mail.is_on() && !mail.is_local();
    let message = "none would send the password of mail.smtp_user in plain text: write auto, tls or starttls";
    open.then(|| ("mail.smtp_tls", message.to_owned()))
}

fn mail_templates(config: &Config) -> Vec<(&'static str, String)> {
    let problems = crate::mail::Templates::load(&config.mail.templates_dir).err();
    let problem = |message| ("mail.templates_dir", message);
    problems.unwrap_or_default().into_iter().map(problem).collect()
}

fn is_local(url: &str) -> bool {
    let url = reqwest::Url::parse(url).ok();
    matches!(
        url.as_ref().and_then(reqwest::Url::host_str),
        Some("localhost" | "127.0.0.1" | "[::1]")
    )
}
