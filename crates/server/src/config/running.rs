use std::path::PathBuf;

use serde::Deserialize;

use super::{Network, Secret};

/// `PARLOR_HTTP_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// `PARLOR_HTTP_MAX_BODY_BYTES`.
    pub max_body_bytes: usize,
    /// `PARLOR_HTTP_REQUEST_TIMEOUT_S`: seconds; streams are exempt.
    pub request_timeout_s: u64,
    /// `PARLOR_HTTP_SHUTDOWN_GRACE_S`: seconds.
    pub shutdown_grace_s: u64,
    /// `PARLOR_HTTP_TRUSTED_PROXIES`: whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
}

/// `PARLOR_MODELS_*`: the models that run inside the process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Models {
    /// `PARLOR_MODELS_DIR`: resolved, so never empty.
    pub dir: PathBuf,
    /// `PARLOR_MODELS_THREADS`: processor threads of one local answer.
    pub threads: usize,
    /// `PARLOR_MODELS_MAX_CONCURRENT`: local answers computed at once.
    pub max_concurrent: usize,
}

/// `PARLOR_GENERATIONS_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generations {
    /// `PARLOR_GENERATIONS_FLUSH_INTERVAL_MS`: milliseconds.
    pub flush_interval_ms: u64,
    /// `PARLOR_GENERATIONS_LEASE_S`: seconds.
    pub lease_s: u64,
}

/// `PARLOR_MEMORY_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// `PARLOR_MEMORY_ENABLED`.
    pub enabled: bool,
    /// `PARLOR_MEMORY_RECALL_LIMIT`: memories in one prompt.
    pub recall_limit: usize,
    /// `PARLOR_MEMORY_RECALL_TOKEN_BUDGET`: estimated tokens in one prompt.
    pub recall_token_budget: usize,
}

/// `PARLOR_TELEMETRY_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// `PARLOR_TELEMETRY_LOG_LEVEL`: a level or a tracing filter.
    pub log_level: String,
    /// `PARLOR_TELEMETRY_LOG_FORMAT`.
    pub log_format: LogFormat,
    /// `PARLOR_TELEMETRY_METRICS_TOKEN`: empty means that `/metrics` answers this machine only.
    pub metrics_token: Secret,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}
