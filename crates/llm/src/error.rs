//! One error for all models. `Display` is for the log, [`Error::public_message`] for the person.

/// Why a model gave no answer, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No connection to the provider could be made.
    #[error("the model provider cannot be reached: {0}")]
    Unreachable(String),
    /// The provider took too long.
    #[error("the model provider timed out: {what} took longer than {seconds} s")]
    Timeout {
        /// What was being waited for.
        what: &'static str,
        /// The limit that was passed.
        seconds: u64,
    },
    /// The provider answered with an error.
    #[error("the model provider refused with {status}: {message}")]
    Refused {
        /// The HTTP status; 200 when the error came inside a stream without a code.
        status: u16,
        /// The provider's own words.
        message: String,
    },
    /// The provider asks us to slow down.
    #[error("the model provider limits our rate (retry after {retry_after_s:?} s)")]
    RateLimited {
        /// Seconds until the provider wants to be asked again, when it says so.
        retry_after_s: Option<u64>,
    },
    /// The answer is not in a form we understand.
    #[error("the model provider sent something malformed: {0}")]
    Malformed(String),
    /// The stream ended before the answer did.
    #[error("the model provider's answer was cut off")]
    CutOff,
    /// A model, or a file of it, is not there.
    #[error("a model is missing: {0}")]
    ModelMissing(String),
    /// The model inside the process failed.
    #[error("the local model failed: {0}")]
    Local(String),
}

impl Error {
    /// Whether a time limit was passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    /// Plain words for the person who asked: what happened and what to do, nothing of the inside.
    pub fn public_message(&self) -> String {
        match self {
            Self::Unreachable(_) => "The model could not be reached. Try again in a moment.".into(),
            Self::Timeout { .. } => "The model took too long to answer. Try again, or ask something shorter.".into(),
            Self::Refused { status: 401 | 403, .. } => {
                "The model refused our credentials. Ask the administrator to check the provider's key.".into()
            }
            Self::Refused { status: 404, .. } | Self::ModelMissing(_) => {
                "This model is not available. Choose another one, or ask the administrator to set it up.".into()
            }
            Self::Refused {
                status: 400 | 413 | 422,
                ..
            } => "The model did not accept this conversation. Shorten the message or start a new chat.".into(),
            Self::Refused { .. } => "The model reported an error. Try again in a moment.".into(),
            Self::RateLimited {
                retry_after_s: Some(seconds),
            } => {
                let unit = if *seconds == 1 { "second" } else { "seconds" };
                format!("The model is busy. Try again in {seconds} {unit}.")
            }
            Self::RateLimited { retry_after_s: None } => "The model is busy. Try again in a minute.".into(),
            Self::Malformed(_) => "The model sent an answer that could not be read. Try again.".into(),
            Self::CutOff => "The answer was cut off. Continue it, or try again.".into(),
            Self::Local(_) => "The built-in model failed. Try again, or start a new chat.".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn a_person_reads_no_internals() {
        let inside = "10.0.0.7:8443 sk-secret /srv/models";
        let errors = [
            Error::Unreachable(inside.into()),
            Error::Refused {
                status: 500,
                message: inside.into(),
            },
            Error::Refused {
                status: 401,
                message: inside.into(),
            },
            Error::Malformed(inside.into()),
            Error::ModelMissing(inside.into()),
            Error::Local(inside.into()),
        ];
        for error in errors {
            let said = error.public_message();
            assert!(!inside.split(' ').any(|part| said.contains(part)), "{said}");
            assert!(error.to_string().contains(inside), "the log must say it: {error}");
        }
    }

    #[test]
    fn only_timeouts_are_timeouts() {
        assert!(
            Error::Timeout {
                what: "the first token",
                seconds: 3
            }
            .is_timeout()
        );
        assert!(!Error::CutOff.is_timeout());
    }

    #[test]
    fn a_retry_time_is_passed_on() {
        assert!(
            Error::RateLimited {
                retry_after_s: Some(17)
            }
            .public_message()
            .contains("17 seconds")
        );
    }
}
