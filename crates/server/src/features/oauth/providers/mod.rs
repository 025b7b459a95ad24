//! The services where people can prove who they are.

mod discovery;
mod github;
mod id_token;
mod oidc;
mod outbound;

use std::time::Duration;

use parlor_db::Timestamp;
use reqwest::Url;

pub(in crate::features::oauth) use self::outbound::Outbound;
use self::{github::GitHub, oidc::Oidc};
use super::rules::Failure;
use crate::config::Config;

/// What the provider shall ask of the person.
pub(super) struct Ask<'a> {
    pub(super) redirect_uri: &'a str,
    pub(super) state: &'a str,
    pub(super) challenge: String,
    pub(super) nonce: &'a str,
}

/// What the provider answered, with what we kept of the question.
pub(super) struct Answer<'a> {
    pub(super) redirect_uri: &'a str,
    pub(super) code: &'a str,
    pub(super) verifier: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// Somebody whom the provider knows. Issuer and subject name them; the rest may change and be anybody's.
pub(super) struct Signed {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) profile: Profile,
    pub(super) tokens: Tokens,
}

#[derive(Default)]
pub(super) struct Profile {
    pub(super) email: Option<String>,
    /// Whether the provider says that it saw proof of the address.
    pub(super) email_verified: bool,
    pub(super) name: Option<String>,
    pub(super) username: Option<String>,
    pub(super) avatar_url: Option<String>,
}

pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: Option<String>,
    /// Seconds.
    pub(super) expires_in: Option<u64>,
    pub(super) scopes: String,
}

enum Protocol {
    GitHub(GitHub),
    Oidc(Oidc),
}

pub(super) struct Provider {
    pub(super) id: &'static str,
    /// As its button says it.
    pub(super) name: String,
    protocol: Protocol,
}

/// Those that the operator has turned on, in the order of their buttons.
pub struct Providers {
    http: Outbound,
    all: Vec<Provider>,
}

impl Providers {
    /// # Errors
    /// When an address in the settings is none.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let oauth = &config.oauth;
        let mut all = Vec::new();
        if let Some(github) = GitHub::new(&oauth.github)? {
            all.push(Provider {
                id: "github",
                name: "GitHub".to_owned(),
                protocol: Protocol::GitHub(github),
            });
        }
        let named = [
            ("google", "Google".to_owned(), Oidc::preset(&oauth.google)?),
            ("microsoft", "Microsoft".to_owned(), Oidc::preset(&oauth.microsoft)?),
            ("oidc", oauth.oidc.name.clone(), Oidc::new(&oauth.oidc)?),
        ];
        all.extend(named.into_iter().filter_map(|(id, name, oidc)| {
            let protocol = Protocol::Oidc(oidc?);
            Some(Provider { id, name, protocol })
        }));
        let http = Outbound::new(Duration::from_secs(oauth.timeout_s))?;
        Ok(Self { http, all })
    }

    pub(super) fn find(&self, id: &str) -> Option<&Provider> {
        self.all.iter().find(|provider| provider.id == id)
    }

    pub(super) fn all(&self) -> &[Provider] {
        &self.all
    }

    /// Where the browser goes.
    pub(super) async fn authorize_url(
        &self,
        provider: &Provider,
        now: Timestamp,
        ask: &Ask<'_>,
    ) -> Result<Url, Failure> {
        match &provider.protocol {
            Protocol::GitHub(github) => github.authorize_url(ask),
            Protocol::Oidc(oidc) => oidc.authorize_url(&self.http, now, ask).await,
        }
    }

    /// Refuses an answer that another provider gave (RFC 9207).
    pub(super) async fn check_issuer(
        &self,
        provider: &Provider,
        now: Timestamp,
        iss: Option<&str>,
    ) -> Result<(), Failure> {
        match &provider.protocol {
            Protocol::GitHub(github) => github.check_issuer(iss),
            Protocol::Oidc(oidc) => oidc.check_issuer(&self.http, now, iss).await,
        }
    }

    /// Exchanges the code for the person.
    pub(super) async fn redeem(&self, provider: &Provider, answer: &Answer<'_>) -> Result<Signed, Failure> {
        match &provider.protocol {
            Protocol::GitHub(github) => github.redeem(&self.http, answer).await,
            Protocol::Oidc(oidc) => oidc.redeem(&self.http, answer).await,
        }
    }

    /// Tells the provider to forget a token.
    pub(super) async fn revoke(&self, provider: &Provider, now: Timestamp, token: &str) -> anyhow::Result<()> {
        match &provider.protocol {
            Protocol::GitHub(github) => github.revoke(&self.http, token).await,
            Protocol::Oidc(oidc) => oidc.revoke(&self.http, now, token).await,
        }
    }
}
