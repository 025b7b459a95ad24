//! Access tokens: JWTs signed with Ed25519 (RFC 7519, RFC 8037, RFC 9068).
//!
//! A token says which session it belongs to and nothing that a request would have to believe: role and plan are read
//! from the account.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Session;
use crate::{
    app::App,
    config::Config,
    http::{Code, Error, Result},
    secrets::{Purpose, Vault},
};

const AUDIENCE: &str = "parlor";
const TYPE: &str = "at+jwt";

#[derive(Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    jti: Uuid,
    iat: i64,
    exp: i64,
}

pub(super) struct Signer {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    header: Header,
    issuer: String,
    public_key: [u8; 32],
    /// A verified token stays verified; its expiry and its session are looked at every time.
    verified: moka::sync::Cache<String, Arc<Claims>>,
}

impl Signer {
    pub(super) fn new(config: &Config, vault: &Vault) -> anyhow::Result<Self> {
        let key = SigningKey::from_bytes(&vault.tag(Purpose::SigningKey, b"seed"));
        let public_key = key.verifying_key().to_bytes();
        let pkcs8 = key.to_pkcs8_der().map_err(|e| anyhow::anyhow!("signing key: {e}"))?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&config.public_url]);
        validation.set_audience(&[AUDIENCE]);
        // Checked here by our own clock.
        validation.validate_exp = false;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key_id(&public_key));
        Ok(Self {
            encoding: EncodingKey::from_ed_der(pkcs8.as_bytes()),
            decoding: DecodingKey::from_ed_der(&public_key),
            validation,
            header,
            issuer: config.public_url.clone(),
            public_key,
            verified: moka::sync::Cache::builder()
                .max_capacity(50_000)
                .time_to_live(Duration::from_secs(900))
                .build(),
        })
    }

    pub(super) fn sign(&self, app: &App, session: &Session, life: Duration) -> Result<String> {
        let now = app.clock.now();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: session.user_id,
            sid: session.id,
            jti: app.ids.next(),
            iat: now.as_seconds(),
            exp: (now + life).as_seconds(),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.encoding).map_err(Error::internal)
    }

    /// The session of a token that we signed and that has not expired.
    pub(super) fn verify(&self, app: &App, token: &str) -> Result<Uuid> {
        let claims = match self.verified.get(token) {
            Some(claims) => claims,
            None => self.check_signature(token)?,
        };
        if claims.exp <= app.clock.now().as_seconds() {
            return Err(Error::new(
                Code::TokenExpired,
                "Exchange the refresh token for a new one, or log in again.",
            ));
        }
        Ok(claims.sid)
    }

    fn check_signature(&self, token: &str) -> Result<Arc<Claims>> {
        let invalid = |_| Error::new(Code::Unauthenticated, "The access token is not one of this server.");
        let data = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation).map_err(invalid)?;
        if data.header.typ.as_deref() != Some(TYPE) || data.header.kid != self.header.kid {
            return Err(Error::unauthenticated());
        }
        let claims = Arc::new(data.claims);
        self.verified.insert(token.to_owned(), claims.clone());
        Ok(claims)
    }

    /// The public half, as a JSON Web Key Set (RFC 7517).
    pub(super) fn jwks(&self) -> serde_json::Value {
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.public_key);
        let kid = self.header.kid.as_deref();
        serde_json::json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x }] })
    }
}

/// The key's thumbprint (RFC 7638).
fn key_id(public_key: &[u8; 32]) -> String {
    let x = BASE64_URL_SAFE_NO_PAD.encode(public_key);
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}
