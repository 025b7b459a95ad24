use serde::Deserialize;

use super::Secret;

/// `PARLOR_PROVIDERS_*`: who answers when it is not the local model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Providers {
    /// `PARLOR_PROVIDERS_OPENAI_*`.
    pub openai: OpenAi,
}

/// `PARLOR_PROVIDERS_OPENAI_*`: any server that speaks the OpenAI API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAi {
    /// `PARLOR_PROVIDERS_OPENAI_API_KEY` or `OPENAI_API_KEY`.
    pub api_key: Secret,
    /// `PARLOR_PROVIDERS_OPENAI_BASE_URL` or `OPENAI_BASE_URL`: with its `/v1`, or empty.
    pub base_url: String,
    /// `PARLOR_PROVIDERS_OPENAI_CONNECT_TIMEOUT_S`: seconds.
    pub connect_timeout_s: u64,
    /// `PARLOR_PROVIDERS_OPENAI_FIRST_TOKEN_TIMEOUT_S`: seconds.
    pub first_token_timeout_s: u64,
    /// `PARLOR_PROVIDERS_OPENAI_IDLE_TIMEOUT_S`: seconds between two tokens.
    pub idle_timeout_s: u64,
}

impl OpenAi {
    /// A base URL or a key turns the provider on.
    pub fn is_on(&self) -> bool {
        self.api_key.is_set() || !self.base_url.is_empty()
    }

    /// The base URL to call, without a trailing slash: OpenAI's own when only a key is given.
    pub fn endpoint(&self) -> &str {
        match self.base_url.trim_end_matches('/') {
            "" => "https://api.openai.com/v1",
            url => url,
        }
    }
}
