//! What an issuer says of itself, and its keys: kept for an hour, and asked for again when a key is unknown.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use parlor_db::Timestamp;
use reqwest::{Method, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{super::rules::Failure, Outbound, outbound::endpoint};

const LIFE: Duration = Duration::from_secs(3600);
/// A stranger's token with an unknown key must not make us ask the issuer each time.
const REFRESH_KEYS_EVERY: Duration = Duration::from_secs(60);
/// Those who come while the issuer is down are told at once, and do not wait in a row.
const REST: Duration = Duration::from_secs(5);

/// The part of the discovery document that we use (OpenID Connect Discovery, section 3).
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// The same, checked.
pub(super) struct Metadata {
    /// As tokens have it; Microsoft's holds `{tenantid}`.
    pub(super) issuer: String,
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) userinfo: Option<Url>,
    pub(super) revocation: Option<Url>,
    pub(super) basic_auth: bool,
    /// Whether its answers always carry `iss` (RFC 9207).
    pub(super) answers_with_issuer: bool,
    jwks: Url,
}

struct Known {
    metadata: Arc<Metadata>,
    metadata_at: Timestamp,
    keys: JwkSet,
    keys_at: Timestamp,
}

pub(super) struct Discovery {
    issuer: Url,
    /// As the operator wrote it.
    text: String,
    /// Held while asking, so that many logins at once ask once.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    failed_at: Option<Timestamp>,
}

impl Discovery {
    pub(super) fn new(issuer: &str) -> anyhow::Result<Self> {
        Ok(Self {
            issuer: Url::parse(issuer)?,
            text: issuer.trim_end_matches('/').to_owned(),
            state: Mutex::default(),
        })
    }

    pub(super) async fn metadata(&self, http: &Outbound, now: Timestamp) -> Result<Arc<Metadata>, Failure> {
        let mut state = self.state.lock().await;
        if let Some(known) = state.known.as_ref().filter(|known| now.since(known.metadata_at) < LIFE) {
            return Ok(known.metadata.clone());
        }
        let failed_lately = state.failed_at.is_some_and(|at| now.since(at) < REST);
        let fetched = if failed_lately {
            Err(Failure::Unreachable)
        } else {
            self.fetch(http, now).await
        };
        match (fetched, &state.known) {
            (Ok(fetched), _) => {
                state.failed_at = None;
                Ok(state.known.insert(fetched).metadata.clone())
            }
            (Err(failure), known) => {
                // What was true an hour ago serves until the issuer can be reached again.
                let old = known.as_ref().map(|known| known.metadata.clone());
                let old = old.filter(|_| failure == Failure::Unreachable);
                state.failed_at = state.failed_at.filter(|_| failed_lately).or(Some(now));
                old.ok_or(failure)
            }
        }
    }

    async fn fetch(&self, http: &Outbound, now: Timestamp) -> Result<Known, Failure> {
        let address = format!("{}/.well-known/openid-configuration", self.text);
        let url = endpoint(&address, &self.issuer)?;
        let document: Document = http.json("discovery", http.request(Method::GET, url)).await?;
        let metadata = Arc::new(self.check(document)?);
        let keys = self.fetch_keys(http, &metadata).await?;
        Ok(Known {
            metadata,
            metadata_at: now,
            keys,
            keys_at: now,
        })
    }

    fn check(&self, document: Document) -> Result<Metadata, Failure> {
        if !is_issuer_of(&document.issuer, &self.text) {
            tracing::warn!(
                configured = self.text,
                said = document.issuer,
                "the discovery document is of another issuer"
            );
            return Err(Failure::Rejected);
        }
        let at = |text: &str| endpoint(text, &self.issuer);
        let methods = document.token_endpoint_auth_methods_supported;
        Ok(Metadata {
            authorization: at(&document.authorization_endpoint)?,
            token: at(&document.token_endpoint)?,
            jwks: at(&document.jwks_uri)?,
            userinfo: document.userinfo_endpoint.as_deref().map(at).transpose()?,
            revocation: document.revocation_endpoint.as_deref().map(at).transpose()?,
            // The default of the standard.
            basic_auth: methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic")),
            answers_with_issuer: document.authorization_response_iss_parameter_supported,
            issuer: document.issuer,
        })
    }

    async fn fetch_keys(&self, http: &Outbound, metadata: &Metadata) -> Result<JwkSet, Failure> {
        /// One at a time: a key of a kind that we do not know must not hide the others.
        #[derive(Deserialize)]
        struct Keys {
            keys: Vec<serde_json::Value>,
        }
        let found: Keys = http
            .json("keys", http.request(Method::GET, metadata.jwks.clone()))
            .await?;
        let keys = found
            .keys
            .into_iter()
            .filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        Ok(JwkSet { keys: keys.collect() })
    }

    /// The keys that may have signed a token with this `kid`; without one, all of them.
    pub(super) async fn keys(&self, http: &Outbound, now: Timestamp, kid: Option<&str>) -> Result<Vec<Jwk>, Failure> {
        let metadata = self.metadata(http, now).await?;
        let mut state = self.state.lock().await;
        let Some(known) = state.known.as_mut() else {
            return Ok(Vec::new());
        };
        let found = with_id(&known.keys, kid);
        if !found.is_empty() || now.since(known.keys_at) < REFRESH_KEYS_EVERY {
            return Ok(found);
        }
        known.keys_at = now;
        known.keys = self.fetch_keys(http, &metadata).await?;
        Ok(with_id(&known.keys, kid))
    }
}

fn with_id(keys: &JwkSet, kid: Option<&str>) -> Vec<Jwk> {
    let fits = |key: &&Jwk| kid.is_none() || key.common.key_id.as_deref() == kid;
    keys.keys.iter().filter(fits).cloned().collect()
}

/// Microsoft's issuers for several tenants have a document whose issuer is a template.
const TENANT: &str = "{tenantid}";
/// The tenant of personal Microsoft accounts.
pub(super) const PERSONAL_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

fn is_issuer_of(said: &str, configured: &str) -> bool {
    said.trim_end_matches('/') == configured
        || ["common", "organizations", "consumers"]
            .iter()
            .any(|all| said.contains(TENANT) && said.replace(TENANT, all) == configured)
}

/// Whether a token of tenant `tid` may say `iss`, at an issuer that was configured so.
pub(super) fn is_issuer_of_token(metadata_issuer: &str, configured: &str, iss: &str, tid: Option<&str>) -> bool {
    if !metadata_issuer.contains(TENANT) {
        return iss == metadata_issuer;
    }
    let Some(tid) = tid.filter(|tid| uuid::Uuid::try_parse(tid).is_ok()) else {
        return false;
    };
    let wanted = match configured
        .split('/')
        .find(|part| matches!(*part, "organizations" | "consumers"))
    {
        Some("organizations") => tid != PERSONAL_TENANT,
        Some(_) => tid == PERSONAL_TENANT,
        None => true,
    };
    wanted && iss == metadata_issuer.replace(TENANT, tid)
}

impl Discovery {
    /// The issuer as the operator wrote it.
    pub(super) fn configured(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";
    const COMMON: &str = "https://login.microsoftonline.com/common/v2.0";
    const ORGANIZATIONS: &str = "https://login.microsoftonline.com/organizations/v2.0";
    const CONSUMERS: &str = "https://login.microsoftonline.com/consumers/v2.0";
    const STAFF: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

    #[test]
    fn oau_1_an_issuer_is_itself() {
        assert!(is_issuer_of("https://login.example.org", "https://login.example.org"));
        assert!(is_issuer_of("https://login.example.org/", "https://login.example.org"));
        assert!(!is_issuer_of("https://evil.example", "https://login.example.org"));
        assert!(!is_issuer_of(
            "https://login.example.org.evil.example",
            "https://login.example.org"
        ));
        assert!(is_issuer_of(TEMPLATE, COMMON) && is_issuer_of(TEMPLATE, CONSUMERS));
        assert!(!is_issuer_of(TEMPLATE, "https://login.microsoftonline.com/evil/v2.0"));
    }

    #[test]
    fn oau_1_a_microsoft_token_names_its_own_tenant() {
        let of = |tid: &str| TEMPLATE.replace(TENANT, tid);
        let ok = |configured: &str, iss: &str, tid: &str| is_issuer_of_token(TEMPLATE, configured, iss, Some(tid));
        assert!(ok(COMMON, &of(STAFF), STAFF));
        assert!(!ok(COMMON, &of(STAFF), PERSONAL_TENANT), "the issuer of another tenant");
        assert!(!ok(COMMON, "https://login.microsoftonline.com/common/v2.0", "common"));
        assert!(!ok(COMMON, "https://evil.example/x/v2.0", "x"));
        assert!(!is_issuer_of_token(TEMPLATE, COMMON, &of(STAFF), None));
        assert!(ok(ORGANIZATIONS, &of(STAFF), STAFF));
        assert!(!ok(ORGANIZATIONS, &of(PERSONAL_TENANT), PERSONAL_TENANT));
        assert!(ok(CONSUMERS, &of(PERSONAL_TENANT), PERSONAL_TENANT));
        assert!(!ok(CONSUMERS, &of(STAFF), STAFF));
        assert!(is_issuer_of_token(
            "https://a.example",
            "https://a.example",
            "https://a.example",
            None
        ));
        assert!(!is_issuer_of_token(
            "https://a.example",
            "https://a.example",
            "https://b.example",
            None
        ));
    }
}
