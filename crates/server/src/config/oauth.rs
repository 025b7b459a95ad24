use serde::Deserialize;

use super::Secret;

/// `PARLOR_OAUTH_*`: where people can sign in besides here.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    /// `PARLOR_OAUTH_TIMEOUT_S`.
    pub timeout_s: u64,
    /// `PARLOR_OAUTH_GITHUB_*`.
    pub github: GitHub,
    /// `PARLOR_OAUTH_GOOGLE_*`.
    pub google: Preset,
    /// `PARLOR_OAUTH_MICROSOFT_*`.
    pub microsoft: Preset,
    /// `PARLOR_OAUTH_OIDC_*`.
    pub oidc: Oidc,
}

/// `PARLOR_OAUTH_GITHUB_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitHub {
    /// `PARLOR_OAUTH_GITHUB_CLIENT_ID` or `GITHUB_CLIENT_ID`.
    pub client_id: String,
    /// `PARLOR_OAUTH_GITHUB_CLIENT_SECRET` or `GITHUB_CLIENT_SECRET`.
    pub client_secret: Secret,
    /// `PARLOR_OAUTH_GITHUB_URL`.
    pub url: String,
    /// `PARLOR_OAUTH_GITHUB_API_URL`.
    pub api_url: String,
}

/// An OpenID Connect issuer that everybody knows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// `PARLOR_OAUTH_…_CLIENT_ID` or `…_CLIENT_ID`.
    pub client_id: String,
    /// `PARLOR_OAUTH_…_CLIENT_SECRET` or `…_CLIENT_SECRET`.
    pub client_secret: Secret,
    /// `PARLOR_OAUTH_…_ISSUER`.
    pub issuer: String,
}

/// `PARLOR_OAUTH_OIDC_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// `PARLOR_OAUTH_OIDC_ISSUER`.
    pub issuer: String,
    /// `PARLOR_OAUTH_OIDC_CLIENT_ID`.
    pub client_id: String,
    /// `PARLOR_OAUTH_OIDC_CLIENT_SECRET`.
    pub client_secret: Secret,
    /// `PARLOR_OAUTH_OIDC_NAME`.
    pub name: String,
    /// `PARLOR_OAUTH_OIDC_SCOPES`: separated by spaces.
    pub scopes: String,
}
