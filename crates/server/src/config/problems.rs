use std::fmt;

/// One setting that cannot be used, and what to do about it. Never holds the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Path of the setting, such as `sessions.idle_days`.
    pub key: String,
    /// What is wrong and what to write instead.
    pub message: String,
    /// Where the value came from, such as `/etc/parlor.yaml:3`.
    pub source: String,
}

impl Problem {
    pub(super) fn new(key: &str, message: impl Into<String>, source: impl fmt::Display) -> Self {
        Self {
            key: key.to_owned(),
            message: message.into(),
            source: source.to_string(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.key, self.source, self.message)
    }
}

/// Everything wrong with the settings, found in one pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "1 problem in the settings:")?,
            n => write!(f, "{n} problems in the settings:")?,
        }
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for Problems {}
