//! Google, Microsoft and any other OpenID Connect issuer.

use parlor_db::Timestamp;
use reqwest::{Method, RequestBuilder, Url};
use serde::Deserialize;

use super::{
    Answer, Ask, Outbound, Profile, Signed, Tokens,
    discovery::{Discovery, Metadata, PERSONAL_TENANT, is_issuer_of_token},
    id_token::{self, Claims, Expected, Person, says_yes},
};
use crate::{config, features::oauth::rules::Failure};

pub(in crate::features::oauth) struct Oidc {
    client_id: String,
    client_secret: config::Secret,
    scopes: String,
    /// Google and Microsoft document the secret in the body; everybody else must take the header by the standard.
    secret_in_body: bool,
    discovery: Discovery,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    id_token: String,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
    scope: Option<String>,
}

#[derive(Deserialize)]
struct UserInfo {
    sub: String,
    #[serde(flatten)]
    person: Person,
}

impl Oidc {
    pub(super) fn preset(config: &config::Preset) -> anyhow::Result<Option<Self>> {
        let scopes = "openid email profile";
        let made = Self::from_parts(&config.client_id, &config.client_secret, &config.issuer, scopes)?;
        Ok(made.map(|oidc| Self {
            secret_in_body: true,
            ..oidc
        }))
    }

    pub(super) fn new(config: &config::Oidc) -> anyhow::Result<Option<Self>> {
        Self::from_parts(&config.client_id, &config.client_secret, &config.issuer, &config.scopes)
    }

    fn from_parts(id: &str, secret: &config::Secret, issuer: &str, scopes: &str) -> anyhow::Result<Option<Self>> {
        if id.is_empty() || issuer.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            client_id: id.to_owned(),
            client_secret: secret.clone(),
            scopes: scopes.to_owned(),
            secret_in_body: false,
            discovery: Discovery::new(issuer)?,
        }))
    }

    pub(super) async fn authorize_url(&self, http: &Outbound, now: Timestamp, ask: &Ask<'_>) -> Result<Url, Failure> {
        let metadata = self.discovery.metadata(http, now).await?;
        let mut url = metadata.authorization.clone();
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", ask.redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("scope", &self.scopes)
            .append_pair("state", ask.state)
            .append_pair("nonce", ask.nonce)
            .append_pair("code_challenge", &ask.challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url)
    }

    pub(super) async fn check_issuer(&self, http: &Outbound, now: Timestamp, iss: Option<&str>) -> Result<(), Failure> {
        let metadata = self.discovery.metadata(http, now).await?;
        let ok = match iss {
            // A template is filled only by the token, which is checked with its tenant.
            Some(iss) if metadata.issuer.contains('{') => {
                let (before, after) = metadata
                    .issuer
                    .split_once("{tenantid}")
                    .unwrap_or((&metadata.issuer, ""));
                iss.starts_with(before) && iss.ends_with(after)
            }
            Some(iss) => iss == metadata.issuer,
            None => !metadata.answers_with_issuer,
        };
        if ok {
            return Ok(());
        }
        tracing::warn!(
            expected = metadata.issuer,
            "the answer to a sign-in came from another provider"
        );
        Err(Failure::Rejected)
    }

    pub(super) async fn redeem(&self, http: &Outbound, answer: &Answer<'_>) -> Result<Signed, Failure> {
        let metadata = self.discovery.metadata(http, answer.now).await?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", answer.code),
            ("redirect_uri", answer.redirect_uri),
            ("code_verifier", answer.verifier),
        ];
        let request = self.authenticated(http, &metadata, metadata.token.clone(), &fields);
        let tokens: TokenResponse = http.json("token", request).await?;
        let claims = self.verified(http, &metadata, &tokens.id_token, answer).await?;
        let person = self.person(http, &metadata, &claims, &tokens.access_token).await?;
        Ok(Signed {
            profile: self.profile(&claims, person),
            issuer: claims.iss,
            subject: claims.sub,
            tokens: Tokens {
                access: tokens.access_token,
                refresh: tokens.refresh_token,
                expires_in: tokens.expires_in,
                scopes: tokens.scope.unwrap_or_else(|| self.scopes.clone()),
            },
        })
    }

    /// A post in the client's name, proved in the way that the issuer takes.
    fn authenticated(&self, http: &Outbound, metadata: &Metadata, url: Url, fields: &[(&str, &str)]) -> RequestBuilder {
        let secret = self.client_secret.expose();
        if !secret.is_empty() && metadata.basic_auth && !self.secret_in_body {
            // RFC 6749, section 2.3.1: encoded as in a form first.
            let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            return http
                .post_form(url, fields)
                .basic_auth(encoded(&self.client_id), Some(encoded(secret)));
        }
        let mut fields = fields.to_vec();
        fields.push(("client_id", &self.client_id));
        if !secret.is_empty() {
            fields.push(("client_secret", secret));
        }
        http.post_form(url, &fields)
    }

    async fn verified(
        &self,
        http: &Outbound,
        metadata: &Metadata,
        token: &str,
        answer: &Answer<'_>,
    ) -> Result<Claims, Failure> {
        let refuse = |reason: &'static str| {
            tracing::warn!(issuer = metadata.issuer, reason, "an id token is refused");
            Failure::Rejected
        };
        let (algorithm, kid) = id_token::key_id(token).map_err(refuse)?;
        let keys = self.discovery.keys(http, answer.now, kid.as_deref()).await?;
        let is_issuer = |claims: &Claims| {
            let configured = self.discovery.configured();
            is_issuer_of_token(&metadata.issuer, configured, &claims.iss, claims.tid.as_deref())
        };
        let expected = Expected {
            client_id: &self.client_id,
            nonce: answer.nonce,
            now: answer.now,
            is_issuer: &is_issuer,
        };
        id_token::verify(token, algorithm, &keys, &expected).map_err(refuse)
    }

    /// The id token's claims, and those of the userinfo endpoint where the address is only there.
    async fn person(
        &self,
        http: &Outbound,
        metadata: &Metadata,
        claims: &Claims,
        token: &str,
    ) -> Result<Person, Failure> {
        let Some(url) = metadata.userinfo.clone().filter(|_| claims.person.email.is_none()) else {
            return Ok(claims.person.clone());
        };
        let request = http.request(Method::GET, url).bearer_auth(token);
        let found: UserInfo = http.json("userinfo", request).await?;
        // Of another person it would be their address that we take.
        if found.sub != claims.sub {
            tracing::warn!(issuer = metadata.issuer, "userinfo is of another person");
            return Err(Failure::Rejected);
        }
        Ok(found.person)
    }

    fn profile(&self, claims: &Claims, person: Person) -> Profile {
        // In a tenant of one's own, one can write any address into one's account: only these two say that it is proved.
        let email_verified = match claims.tid.as_deref() {
            Some(tid) => tid == PERSONAL_TENANT || says_yes(&person.xms_edov),
            None => says_yes(&person.email_verified),
        };
        Profile {
            email_verified: email_verified && person.email.is_some(),
            email: person.email,
            name: person.name,
            username: person.preferred_username,
            avatar_url: person.picture,
        }
    }

    /// RFC 7009, where the issuer has it.
    pub(super) async fn revoke(&self, http: &Outbound, now: Timestamp, token: &str) -> anyhow::Result<()> {
        let unreachable = |_| anyhow::anyhow!("the provider cannot be reached");
        let metadata = self.discovery.metadata(http, now).await.map_err(unreachable)?;
        let Some(url) = metadata.revocation.clone() else {
            return Ok(());
        };
        let request = self.authenticated(http, &metadata, url, &[("token", token)]);
        let (status, _) = http.send("revocation", request).await.map_err(unreachable)?;
        anyhow::ensure!(
            status.is_success() || status.is_client_error(),
            "the provider answered {status}"
        );
        Ok(())
    }
}
