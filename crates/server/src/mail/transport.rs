//! How mail leaves: over SMTP, or, without a mail server, to the log and the administrators' outbox.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use parlor_db::entities::mails;

use super::{Rendered, rules, smtp::Smtp};
use crate::config::{Config, Environment};

/// The way out of this server.
pub enum Transport {
    Smtp(Box<Smtp>),
    /// No mail server: the outbox keeps what would have been sent. On one's own machine the log shows it as well.
    Development {
        log: bool,
    },
    /// Keeps what would have been sent, for tests.
    Memory(Memory),
}

impl Transport {
    pub(super) fn from_config(config: &Config) -> anyhow::Result<Self> {
        if config.mail.is_on() {
            let smtp = Smtp::new(&config.mail, &host(config))?;
            return Ok(Self::Smtp(Box::new(smtp)));
        }
        // The text holds links that open accounts: in a log they are safe only where the reader is the only person.
        let log = config.env == Environment::Development;
        Ok(Self::Development { log })
    }

    /// Whether a sent mail can still be read in the outbox, because that is where it went.
    pub(super) fn keeps_contents(&self) -> bool {
        !matches!(self, Self::Smtp(_))
    }

    pub(super) async fn deliver(&self, message: &Message, row: &mails::Model, text: &str) -> Result<(), Failure> {
        match self {
            Self::Smtp(smtp) => smtp.send(message).await,
            Self::Development { log: true } => {
                tracing::info!(to = row.recipient, "mail for the development outbox:\n{text}");
                Ok(())
            }
            Self::Development { log: false } => Ok(()),
            Self::Memory(memory) => memory.take(message),
        }
    }

    pub(super) async fn close(&self) {
        if let Self::Smtp(smtp) = self {
            smtp.close().await;
        }
    }
}

/// Mails that a test looks at, as they would go over the wire.
#[derive(Clone, Default)]
pub struct Memory {
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
    failures: Arc<Mutex<VecDeque<Failure>>>,
}

impl Memory {
    /// What was handed over so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Vec<u8>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the next mail fail in this way.
    pub fn fail_next(&self, failure: Failure) {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(failure);
    }

    fn take(&self, message: &Message) -> Result<(), Failure> {
        let failure = self.failures.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if let Some(failure) = failure {
            return Err(failure);
        }
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(message.formatted());
        Ok(())
    }
}

/// Why a mail did not leave.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Trying again would end the same way.
    pub(super) is_final: bool,
    /// A few letters or the server's code: what the log says, since the text may name people.
    pub(super) reason: String,
    /// What the outbox shows.
    pub(super) text: String,
}

impl Failure {
    /// This mail will never be taken.
    #[must_use]
    pub fn refused(reason: &str, text: &str) -> Self {
        Self {
            is_final: true,
            reason: reason.to_owned(),
            text: rules::shortened(text, 500),
        }
    }

    /// It may work later.
    #[must_use]
    pub fn trouble(reason: &str, text: &str) -> Self {
        Self {
            is_final: false,
            ..Self::refused(reason, text)
        }
    }
}

/// The host that people know this server by.
fn host(config: &Config) -> String {
    let url = url::Url::parse(&config.public_url).ok();
    let host = url.as_ref().and_then(|url| url.host_str());
    host.unwrap_or("localhost").to_owned()
}

/// The configured sender, or `parlor@` the public host.
pub(super) fn sender(config: &Config) -> anyhow::Result<Mailbox> {
    if !config.mail.from.is_empty() {
        return Ok(config.mail.from.parse()?);
    }
    let host = host(config);
    let host = if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        "localhost"
    } else {
        &host
    };
    Ok(Mailbox::new(Some("Parlor".to_owned()), Address::new("parlor", host)?))
}

/// A mail as it goes over the wire. Its Message-ID comes from the row, so that a mail that a crash made us send twice
/// is recognised by mail programs.
pub(super) fn message(
    from: &Mailbox,
    row: &mails::Model,
    name: Option<&str>,
    rendered: &Rendered,
) -> Result<Message, Failure> {
    let address: Address = row
        .recipient
        .parse()
        .map_err(|_| Failure::refused("address", "the address cannot be written to"))?;
    let automatic = HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    );
    let created = std::time::SystemTime::UNIX_EPOCH
        + std::time::Duration::from_micros(u64::try_from(row.created_at.as_micros()).unwrap_or_default());
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(name.map(str::to_owned), address))
        .subject(rules::shortened(&rendered.subject, 300))
        .message_id(Some(format!("<{}@{}>", row.id, from.email.domain())))
        .date(created)
        .raw_header(automatic)
        .multipart(MultiPart::alternative_plain_html(
            rendered.text.clone(),
            rendered.html.clone(),
        ))
        .map_err(|error| Failure::refused("message", &error.to_string()))
}
