//! Settings: read in layers, checked all at once, and able to explain themselves.
//!
//! The layers are the defaults compiled in from `config/*.yaml`, then a file or folder named by `PARLOR_CONFIG`,
//! then the environment. The comments in those YAML files are the only documentation of a key: `config explain`
//! and `.env.example` are made from them.

mod check;
mod explain;
mod limits;
mod loaded;
mod mail;
mod network;
mod oauth;
mod problems;
mod prompts;
mod providers;
mod rules;
mod running;
mod schema;
mod secret;
mod security;
mod sources;
mod storage;
#[cfg(test)]
mod tests;
mod yaml;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

pub use explain::{env_example, render_check};
pub use limits::RateLimits;
pub use loaded::{Loaded, Origin};
pub use mail::{Mail, SmtpTls};
pub use network::{Network, NetworkError};
pub use oauth::{GitHub, OAuth, Oidc, Preset};
pub use problems::{Problem, Problems};
pub use prompts::{Tier, Tiers};
pub use providers::{OpenAi, Providers};
pub use running::{Generations, Http, LogFormat, Memory, Models, Telemetry};
pub use secret::Secret;
pub use security::{Accounts, IpMode, Passwords, SecondFactor, Secrets, Sessions};
pub use storage::Database;

/// Whether this server is somebody's own machine or serves other people.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Anything goes that is safe on one's own machine.
    Development,
    /// Unsafe settings refuse to start.
    Production,
}

/// Every setting, checked. Field names are the keys of `config/*.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `PARLOR_BIND`: where to listen.
    pub bind: SocketAddr,
    /// `PARLOR_PUBLIC_URL`: scheme, host and port as browsers see them; never ends with a slash.
    pub public_url: String,
    /// `PARLOR_ENV`.
    pub env: Environment,
    /// `PARLOR_DATA_DIR`: the SQLite file, the secrets made on first start, and uploads.
    pub data_dir: PathBuf,
    /// `PARLOR_RATE_LIMITS`.
    pub rate_limits: RateLimits,
    /// `PARLOR_REQUIRE_VERIFIED_EMAIL`; see [`Config::must_verify_email`].
    pub require_verified_email: bool,
    /// `PARLOR_DATABASE_*`.
    pub database: Database,
    /// `PARLOR_HTTP_*`.
    pub http: Http,
    /// `PARLOR_SECRETS_*`.
    pub secrets: Secrets,
    /// `PARLOR_SESSIONS_*`.
    pub sessions: Sessions,
    /// `PARLOR_ACCOUNTS_*`.
    pub accounts: Accounts,
    /// `PARLOR_SECOND_FACTOR_*`.
    pub second_factor: SecondFactor,
    /// `PARLOR_MAIL_*`.
    pub mail: Mail,
    /// `PARLOR_OAUTH_*`.
    pub oauth: OAuth,
    /// `PARLOR_PASSWORDS_*`.
    pub passwords: Passwords,
    /// `PARLOR_PROVIDERS_*`.
    pub providers: Providers,
    /// `PARLOR_MODELS_*`.
    pub models: Models,
    /// `PARLOR_GENERATIONS_*`.
    pub generations: Generations,
    /// `PARLOR_MEMORY_*`.
    pub memory: Memory,
    /// `PARLOR_TELEMETRY_*`.
    pub telemetry: Telemetry,
    /// `PARLOR_TIERS_*`: the two pipelines an answer can take.
    pub tiers: Tiers,
    /// `PARLOR_THEMES_*`: what a chat is about; id to prompt text. A file may add ids.
    pub themes: BTreeMap<String, String>,
    /// `PARLOR_AUDIENCES_*`: for whom the answer is; id to prompt text. A file may add ids.
    pub audiences: BTreeMap<String, String>,
    /// `PARLOR_RESPONSE_STYLES_*`: how the answer sounds; id to prompt text. A file may add ids.
    pub response_styles: BTreeMap<String, String>,
}

impl Config {
    /// Reads the defaults, the file or folder of `PARLOR_CONFIG`, and this process's environment.
    ///
    /// # Errors
    /// Every problem of every layer at once.
    pub fn load() -> Result<Loaded, Problems> {
        // A name or value that is not Unicode cannot be one of ours.
        let env = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::from_sources(&env)
    }

    /// The same from a given environment; only the files it names are read.
    ///
    /// # Errors
    /// Every problem of every layer at once.
    pub fn from_sources(env: &BTreeMap<String, String>) -> Result<Loaded, Problems> {
        loaded::load(env)
    }

    /// The defaults for tests: any free port, no rate limits, model weights where this user keeps them.
    ///
    /// # Panics
    /// When the compiled-in defaults contradict themselves, which a unit test excludes.
    pub fn for_tests() -> Self {
        let mut env: BTreeMap<_, _> = ["HOME", "XDG_CACHE_HOME", "PARLOR_MODELS_DIR"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
            .collect();
        env.insert("PARLOR_BIND".to_owned(), "127.0.0.1:0".to_owned());
        env.insert("PARLOR_RATE_LIMITS".to_owned(), "off".to_owned());
        Self::from_sources(&env)
            .expect("the compiled-in defaults are valid")
            .config
    }

    /// Whether an address must be confirmed before its first login: only where mail can ask for it.
    pub fn must_verify_email(&self) -> bool {
        self.require_verified_email && self.mail.is_on()
    }

    /// Whether browsers reach this server over https: decides cookie names, `Secure` and HSTS.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
