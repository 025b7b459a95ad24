//! The proof of an OpenID Connect provider (OpenID Connect Core, section 3.1.3.7).

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{AlgorithmParameters, Jwk, PublicKeyUse},
};
use parlor_db::Timestamp;
use serde::Deserialize;
use subtle::ConstantTimeEq;

/// Signatures that only the holder of a private key can make. `none` and the HMACs, for which our own secret or a
/// public key would serve, are never among them.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::EdDSA,
];

/// How far clocks may differ, in seconds.
const LEEWAY: i64 = 60;

#[derive(Clone, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
    nonce: Option<String>,
    /// Microsoft's tenant.
    pub(super) tid: Option<String>,
    #[serde(flatten)]
    pub(super) person: Person,
}

/// What the id token or the userinfo endpoint say of somebody.
#[derive(Clone, Default, Deserialize)]
pub(super) struct Person {
    pub(super) email: Option<String>,
    /// A truth value by the standard; some write it as a text.
    #[serde(default)]
    pub(super) email_verified: serde_json::Value,
    /// Microsoft's: whether the owner of the address's domain vouches for it.
    #[serde(default)]
    pub(super) xms_edov: serde_json::Value,
    pub(super) name: Option<String>,
    pub(super) preferred_username: Option<String>,
    pub(super) picture: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// What a token must be about.
pub(super) struct Expected<'a> {
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
    pub(super) is_issuer: &'a dyn Fn(&Claims) -> bool,
}

/// The `kid` of a token whose algorithm is one of ours. Everything else in the header, as `jku` or `jwk`, is not read.
pub(super) fn key_id(token: &str) -> Result<(Algorithm, Option<String>), &'static str> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| "its header cannot be read")?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err("its algorithm is not allowed");
    }
    if header.crit.is_some() {
        return Err("it asks for an extension");
    }
    Ok((header.alg, header.kid))
}

/// The claims of a token that one of `keys` signed and that is about what we asked for.
pub(super) fn verify(
    token: &str,
    algorithm: Algorithm,
    keys: &[Jwk],
    expected: &Expected<'_>,
) -> Result<Claims, &'static str> {
    let mut usable = keys.iter().filter(|key| is_for(key, algorithm));
    let key = usable.next().ok_or("its key is not the issuer's")?;
    if usable.next().is_some() {
        return Err("it does not say which key signed it");
    }
    let key = DecodingKey::from_jwk(key).map_err(|_| "the issuer's key cannot be used")?;
    let mut validation = Validation::new(algorithm);
    // The claims are checked below, by our own clock.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let data = jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(|_| "its signature is wrong")?;
    check(&data.claims, expected)?;
    Ok(data.claims)
}

fn is_for(key: &Jwk, algorithm: Algorithm) -> bool {
    let kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 | Algorithm::PS256) => {
            true
        }
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => {
            key.curve == jsonwebtoken::jwk::EllipticCurve::P256
        }
        (AlgorithmParameters::OctetKeyPair(_), Algorithm::EdDSA) => true,
        _ => false,
    };
    let declared = key
        .common
        .key_algorithm
        .is_none_or(|declared| format!("{declared:?}") == format!("{algorithm:?}"));
    let signs = key
        .common
        .public_key_use
        .as_ref()
        .is_none_or(|usage| *usage == PublicKeyUse::Signature);
    kind && declared && signs
}

fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), &'static str> {
    let now = expected.now.as_seconds();
    let client_id = expected.client_id;
    if !(expected.is_issuer)(claims) {
        return Err("it is of another issuer");
    }
    let (ours, alone) = match &claims.aud {
        Audience::One(one) => (one == client_id, true),
        Audience::Many(many) => (many.iter().any(|one| one == client_id), many.len() == 1),
    };
    if !ours {
        return Err("it is for somebody else");
    }
    match &claims.azp {
        Some(party) if party != client_id => return Err("it was given to somebody else"),
        None if !alone => return Err("it does not say to whom it was given"),
        _ => {}
    }
    if claims.exp <= now - LEEWAY {
        return Err("it has expired");
    }
    if claims.iat.is_some_and(|at| at > now + LEEWAY) || claims.nbf.is_some_and(|at| at > now + LEEWAY) {
        return Err("it is of the future");
    }
    let nonce = claims.nonce.as_deref().unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err("it is of another login");
    }
    if claims.sub.is_empty() || claims.sub.len() > 255 {
        return Err("it names nobody");
    }
    Ok(())
}

/// Whether a claim says yes.
pub(super) fn says_yes(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Bool(value) => *value,
        serde_json::Value::String(text) => matches!(text.as_str(), "true" | "1"),
        serde_json::Value::Number(number) => number.as_u64() == Some(1),
        _ => false,
    }
}
