//! GitHub, and GitHub Enterprise: OAuth 2 without an id token, so the account is read from the API.

use reqwest::{Method, Url};
use serde::Deserialize;

use super::{Answer, Ask, Outbound, Profile, Signed, Tokens};
use crate::{config, features::oauth::rules::Failure};

pub(in crate::features::oauth) struct GitHub {
    client_id: String,
    client_secret: config::Secret,
    url: Url,
    api_url: Url,
}

/// Reads the profile and the addresses, and can change nothing.
const SCOPES: &str = "read:user user:email";

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
    #[serde(default)]
    scope: String,
}

#[derive(Deserialize)]
struct Account {
    id: u64,
    login: String,
    name: Option<String>,
    avatar_url: Option<String>,
}

#[derive(Deserialize)]
struct Email {
    email: String,
    primary: bool,
    verified: bool,
}

impl GitHub {
    pub(super) fn new(config: &config::GitHub) -> anyhow::Result<Option<Self>> {
        if config.client_id.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            url: base(&config.url)?,
            api_url: base(&config.api_url)?,
        }))
    }

    fn issuer(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    pub(super) fn authorize_url(&self, ask: &Ask<'_>) -> Result<Url, Failure> {
        let mut url = self.at(&self.url, "login/oauth/authorize")?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", ask.redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("scope", SCOPES)
            .append_pair("state", ask.state)
            .append_pair("code_challenge", &ask.challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url)
    }

    /// RFC 9207: who says that it answers.
    pub(super) fn check_issuer(&self, iss: Option<&str>) -> Result<(), Failure> {
        let ours = |iss: &str| iss == self.issuer() || iss == format!("{}/login/oauth", self.issuer());
        if iss.is_none_or(ours) {
            Ok(())
        } else {
            Err(Failure::Rejected)
        }
    }

    pub(super) async fn redeem(&self, http: &Outbound, answer: &Answer<'_>) -> Result<Signed, Failure> {
        let fields = [
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.expose()),
            ("grant_type", "authorization_code"),
            ("code", answer.code),
            ("redirect_uri", answer.redirect_uri),
            ("code_verifier", answer.verifier),
        ];
        let request = http.post_form(self.at(&self.url, "login/oauth/access_token")?, &fields);
        // GitHub says 200 also to a wrong code, with `error` in place of the token.
        let tokens: TokenResponse = http.json("github token", request).await?;
        let account: Account = self.get(http, "user", &tokens.access_token).await?;
        let emails: Vec<Email> = self.get(http, "user/emails", &tokens.access_token).await?;
        let primary = emails.into_iter().find(|email| email.primary);
        Ok(Signed {
            issuer: self.issuer().to_owned(),
            // The number stays when the name changes or is given to somebody else.
            subject: account.id.to_string(),
            profile: Profile {
                email_verified: primary.as_ref().is_some_and(|email| email.verified),
                email: primary.map(|email| email.email),
                name: account
                    .name
                    .filter(|name| !name.trim().is_empty())
                    .or(Some(account.login.clone())),
                username: Some(account.login),
                avatar_url: account.avatar_url,
            },
            tokens: Tokens {
                access: tokens.access_token,
                refresh: tokens.refresh_token,
                expires_in: tokens.expires_in,
                scopes: tokens.scope,
            },
        })
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        http: &Outbound,
        path: &str,
        token: &str,
    ) -> Result<T, Failure> {
        let request = http
            .request(Method::GET, self.at(&self.api_url, path)?)
            .bearer_auth(token);
        http.json("github account", request).await
    }

    /// Takes back what the person granted to this server, with every token of it.
    pub(super) async fn revoke(&self, http: &Outbound, token: &str) -> anyhow::Result<()> {
        let path = format!("applications/{}/grant", self.client_id);
        let url = self
            .at(&self.api_url, &path)
            .map_err(|_| anyhow::anyhow!("no address"))?;
        let request = http
            .request(Method::DELETE, url)
            .basic_auth(&self.client_id, Some(self.client_secret.expose()))
            .json(&serde_json::json!({ "access_token": token }));
        let (status, _) = http
            .send("github revocation", request)
            .await
            .map_err(|_| anyhow::anyhow!("cannot be reached"))?;
        // 404 and 422: the token is dead already.
        anyhow::ensure!(
            status.is_success() || matches!(status.as_u16(), 404 | 422),
            "GitHub answered {status}"
        );
        Ok(())
    }

    fn at(&self, base: &Url, path: &str) -> Result<Url, Failure> {
        base.join(path).map_err(|_| Failure::Rejected)
    }
}

/// With a slash at its end, so that paths join below it.
fn base(url: &str) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("{}/", url.trim_end_matches('/')))?)
}
