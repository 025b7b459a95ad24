//! How mail leaves: over SMTP, or, without a mail server, to the log and the administrators' outbox.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Config;

/// The way out of this server.
pub enum Transport {
    /// No mail server: the outbox keeps what would have been sent.
    Development,
    /// Keeps what would have been sent, for tests.
    Memory(Memory),
}

impl Transport {
    pub(super) fn from_config(_config: &Config) -> anyhow::Result<Self> {
        Ok(Self::Development)
    }
}

/// Mails that a test looks at, as they would go over the wire.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Vec<Vec<u8>>>>);

impl Memory {
    /// What was handed over so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
