use serde::Deserialize;

/// `PARLOR_RATE_LIMITS`: short-window limits only; the quotas of a plan hold in every case.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RateLimits {
    /// Generous enough for people, tight enough for guessing passwords.
    Default,
    /// For a server under attack.
    Strict,
    /// None: refused in production.
    Off,
}
