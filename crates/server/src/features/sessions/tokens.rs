//! Access tokens: JWTs signed with Ed25519 (RFC 7519, RFC 8037, RFC 9068).
//!
//! A token says which session it belongs to and nothing that a request would have to believe: role and plan are read
//! from the account.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Session,
    signing_keys::{Key, SigningKeys},
};
use crate::{
    app::App,
    config::Config,
    http::{Code, Error, Result},
};

const AUDIENCE: &str = "parlor";
const TYPE: &str = "at+jwt";
/// Ours have about 500; longer ones are not looked at.
const MAX_LENGTH: usize = 2000;

#[derive(Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    jti: Uuid,
    iat: i64,
    /// We set none; one that stands there holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    exp: i64,
}

/// All that a header of ours has. What brings or names a key of its own (`jwk`, `jku`, `x5u`, `x5c`), and what we would
/// have to understand (`crit`), is an unknown field and so refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnHeader {
    alg: String,
    typ: String,
    kid: String,
}

struct Verified {
    kid: String,
    claims: Claims,
}

pub(super) struct Tokens {
    pub(super) keys: SigningKeys,
    validation: Validation,
    issuer: String,
    /// A verified token stays verified; its key, its expiry and its session are looked at every time.
    verified: moka::sync::Cache<String, Arc<Verified>>,
}

impl Tokens {
    pub(super) fn new(config: &Config, keys: SigningKeys) -> Self {
        // Only this algorithm, whatever a header says.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&config.public_url]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Checked here by our own clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            keys,
            validation,
            issuer: config.public_url.clone(),
            verified: moka::sync::Cache::builder()
                .max_capacity(50_000)
                .time_to_live(Duration::from_secs(900))
                .build(),
        }
    }

    pub(super) fn sign(&self, app: &App, session: &Session, life: Duration) -> Result<String> {
        let now = app.clock.now();
        let key = self.keys.signer(now);
        let key = key.ok_or_else(|| Error::internal(anyhow::anyhow!("there is no signing key")))?;
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: session.user_id,
            sid: session.id,
            jti: app.ids.next(),
            iat: now.as_seconds(),
            nbf: None,
            exp: (now + life).as_seconds(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key.id.clone());
        jsonwebtoken::encode(&header, &claims, &key.encoding).map_err(Error::internal)
    }

    /// The session of a token that we signed and that has not expired.
    pub(super) async fn verify(&self, app: &App, token: &str) -> Result<Uuid> {
        let verified = match self.verified.get(token) {
            Some(verified) if self.keys.find(&verified.kid, app.clock.now()).is_some() => verified,
            _ => self.check(app, token).await?,
        };
        let (claims, now) = (&verified.claims, app.clock.now().as_seconds());
        if claims.exp <= now {
            return Err(Error::new(
                Code::TokenExpired,
                "Exchange the refresh token for a new one, or log in again.",
            ));
        }
        if claims.nbf.is_some_and(|from| from > now) {
            return Err(foreign());
        }
        Ok(claims.sid)
    }

    async fn check(&self, app: &App, token: &str) -> Result<Arc<Verified>> {
        let header = own_header(token).ok_or_else(foreign)?;
        let key = self.keys.find_or_look(app, &header.kid).await.ok_or_else(foreign)?;
        let claims = self.check_signature(token, &key).ok_or_else(foreign)?;
        let verified = Arc::new(Verified {
            kid: header.kid,
            claims,
        });
        self.verified.insert(token.to_owned(), verified.clone());
        Ok(verified)
    }

    fn check_signature(&self, token: &str, key: &Key) -> Option<Claims> {
        let data = jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.validation).ok()?;
        Some(data.claims)
    }
}

fn foreign() -> Error {
    Error::new(Code::Unauthenticated, "The access token is not one of this server.")
}

/// The header, when it is one that we write.
fn own_header(token: &str) -> Option<OwnHeader> {
    if token.len() > MAX_LENGTH {
        return None;
    }
    let encoded = token.split('.').next()?;
    let text = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let header: OwnHeader = serde_json::from_slice(&text).ok()?;
    (header.alg == "EdDSA" && header.typ == TYPE).then_some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ses_7_only_headers_of_ours_are_read_further() {
        let read = |header: &str| own_header(&format!("{}.x.y", BASE64_URL_SAFE_NO_PAD.encode(header))).is_some();
        assert!(read(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"a"}"#));
        for foreign in [
            r#"{"alg":"none","typ":"at+jwt","kid":"a"}"#,
            r#"{"alg":"HS256","typ":"at+jwt","kid":"a"}"#,
            r#"{"alg":"ES256","typ":"at+jwt","kid":"a"}"#,
            r#"{"alg":"eddsa","typ":"at+jwt","kid":"a"}"#,
            r#"{"alg":"EdDSA","typ":"JWT","kid":"a"}"#,
            r#"{"alg":"EdDSA","kid":"a"}"#,
            r#"{"alg":"EdDSA","typ":"at+jwt"}"#,
            r#"{"alg":"EdDSA","typ":"at+jwt","kid":["a"]}"#,
            r#"{"alg":"EdDSA","alg":"EdDSA","typ":"at+jwt","kid":"a"}"#,
            r#"{"alg":"EdDSA","typ":"at+jwt","kid":"a","jku":"https://evil.example/jwks.json"}"#,
            r#"{"alg":"EdDSA","typ":"at+jwt","kid":"a","x5u":"https://evil.example/c.pem"}"#,
            r#"{"alg":"EdDSA","typ":"at+jwt","kid":"a","jwk":{"kty":"OKP"}}"#,
            r#"{"alg":"EdDSA","typ":"at+jwt","kid":"a","crit":["exp"]}"#,
            "[]",
            "",
        ] {
            assert!(!read(foreign), "{foreign}");
        }
        assert!(own_header("not base64.x.y").is_none());
        assert!(own_header(&"a".repeat(MAX_LENGTH + 1)).is_none());
    }
}
