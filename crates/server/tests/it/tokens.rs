//! Access tokens and the keys that sign them.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ed25519_dalek::{Signer, SigningKey, Verifier, VerifyingKey};
use hmac::{Hmac, Mac};
use parlor_db::{
    entities::signing_keys,
    sea_orm::{EntityTrait, PaginatorTrait},
};
use parlor_server::{features::sessions, secrets::Purpose};
use serde_json::{Value, json};

use crate::support::{Actor, TestApp, node::Node, start};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

fn part(token: &str, at: usize) -> Value {
    serde_json::from_slice(&BASE64.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap()
}

fn kid(actor: &Actor) -> String {
    part(actor.token(), 0)["kid"].as_str().unwrap().to_owned()
}

async fn published(t: &TestApp) -> Vec<String> {
    let keys = t.anon().get("/.well-known/jwks.json").await.expect(200).json();
    let keys = keys["keys"].as_array().unwrap().clone();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The server's own key, so that a forged token fails for the one reason that it is about.
async fn own_key(t: &TestApp) -> SigningKey {
    let rows = signing_keys::Entity::find().all(t.app.db.write()).await.unwrap();
    let row = &rows[0];
    let vault = &t.app.vault;
    let seed = vault.unseal(Purpose::SigningKey, row.id.as_bytes(), &row.seed).await;
    let seed: [u8; 32] = seed.unwrap().try_into().unwrap();
    let stored = row.seed.windows(32).any(|bytes| bytes == seed);
    assert!(!stored, "the seed is sealed");
    SigningKey::from_bytes(&seed)
}

fn encode(header: &Value, claims: &Value) -> String {
    let text = |value: &Value| BASE64.encode(value.to_string());
    format!("{}.{}", text(header), text(claims))
}

fn signed(header: &Value, claims: &Value, key: &SigningKey) -> String {
    let text = encode(header, claims);
    let signature = BASE64.encode(key.sign(text.as_bytes()).to_bytes());
    format!("{text}.{signature}")
}

fn with(value: &Value, name: &str, change: Value) -> Value {
    let mut value = value.clone();
    match change {
        Value::Null => drop(value.as_object_mut().unwrap().remove(name)),
        change => value[name] = change,
    }
    value
}

async fn ask(t: &TestApp, token: &str) -> (u16, String) {
    let answer = t.anon().with_token(token).get("/api/v1/me").await;
    match answer.status.as_u16() {
        200 => (200, String::new()),
        _ => answer.problem(),
    }
}

#[tokio::test]
async fn ses_7_the_public_keys_verify_a_token_and_nothing_in_it_is_private() {
    let t = start().await;
    let ada = t.user("ada").await;
    let keys = t.anon().get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(keys.header("cache-control"), "public, max-age=300");
    let key = keys.json()["keys"][0].clone();
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"), &json!("sig"))
    );
    assert!(key.get("d").is_none(), "only the public half");
    let x: [u8; 32] = BASE64.decode(key["x"].as_str().unwrap()).unwrap().try_into().unwrap();
    let (text, signature) = ada.token().rsplit_once('.').unwrap();
    let signature: [u8; 64] = BASE64.decode(signature).unwrap().try_into().unwrap();
    let verifier = VerifyingKey::from_bytes(&x).unwrap();
    verifier.verify(text.as_bytes(), &signature.into()).unwrap();

    let (header, claims) = (part(ada.token(), 0), part(ada.token(), 1));
    assert_eq!(header, json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": key["kid"] }));
    let mut names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["aud", "exp", "iat", "iss", "jti", "sid", "sub"]);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
}

#[tokio::test]
async fn ses_7_no_changed_token_is_taken() {
    let t = start().await;
    let ada = t.user("ada").await;
    let bob = t.user("bob").await;
    let key = own_key(&t).await;
    let token = ada.token();
    let (header, claims) = (part(token, 0), part(token, 1));
    let other = SigningKey::from_bytes(&[7; 32]);
    let public = key.verifying_key().to_bytes();
    let hmac = |secret: &[u8]| {
        let text = encode(&with(&header, "alg", json!("HS256")), &claims);
        let mut mac = <Hmac<sha2::Sha256> as Mac>::new_from_slice(secret).unwrap();
        mac.update(text.as_bytes());
        format!("{text}.{}", BASE64.encode(mac.finalize().into_bytes()))
    };
    let in_header = |name: &str, value: Value| signed(&with(&header, name, value), &claims, &key);
    let in_claims = |name: &str, value: Value| signed(&header, &with(&claims, name, value), &key);
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(other.verifying_key().to_bytes()) });
    let signature = token.rsplit_once('.').unwrap().1;
    let bobs_payload = bob.token().split('.').nth(1).unwrap();
    let thin = |alg: &str| encode(&with(&header, "alg", json!(alg)), &claims);
    let refused = [
        ("none", format!("{}.", thin("none"))),
        ("none, signature kept", format!("{}.{signature}", thin("none"))),
        ("None", format!("{}.", thin("None"))),
        ("no signature", format!("{}.", encode(&header, &claims))),
        ("HS256 with the public key", hmac(&public)),
        (
            "HS256 with the key as it is published",
            hmac(BASE64.encode(public).as_bytes()),
        ),
        ("HS256 with nothing", hmac(b"")),
        ("ES256", in_header("alg", json!("ES256"))),
        ("RS256", in_header("alg", json!("RS256"))),
        ("another key", signed(&header, &claims, &other)),
        (
            "a kid that nobody has",
            in_header("kid", json!("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")),
        ),
        ("a kid that is a path", in_header("kid", json!("../../dev/null"))),
        ("a kid that is SQL", in_header("kid", json!("' or 1=1 --"))),
        ("no kid", in_header("kid", Value::Null)),
        ("typ of another kind", in_header("typ", json!("JWT"))),
        ("no typ", in_header("typ", Value::Null)),
        ("jku", in_header("jku", json!("https://evil.example/jwks.json"))),
        ("x5u", in_header("x5u", json!("https://evil.example/cert.pem"))),
        ("x5c", in_header("x5c", json!(["MIIB"]))),
        ("jwk", signed(&with(&header, "jwk", jwk), &claims, &other)),
        ("crit", in_header("crit", json!(["exp"]))),
        ("another issuer", in_claims("iss", json!("https://evil.example"))),
        ("no issuer", in_claims("iss", Value::Null)),
        ("another audience", in_claims("aud", json!("another-service"))),
        ("no audience", in_claims("aud", Value::Null)),
        ("no subject", in_claims("sub", Value::Null)),
        ("no session", in_claims("sid", Value::Null)),
        ("no expiry", in_claims("exp", Value::Null)),
        ("an expiry that is text", in_claims("exp", json!("never"))),
        ("not yet", in_claims("nbf", json!(claims["exp"]))),
        (
            "another payload",
            token.replace(token.split('.').nth(1).unwrap(), bobs_payload),
        ),
        ("four parts", format!("{token}.{signature}")),
        ("two parts", encode(&header, &claims)),
        ("padded", format!("{token}==")),
        ("a refresh token", ada.refresh_token.clone().unwrap()),
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("long", "a".repeat(8000)),
    ];
    for (what, forged) in &refused {
        assert_eq!(ask(&t, forged).await, (401, "unauthenticated".to_owned()), "{what}");
    }
    let expired = in_claims("exp", json!(claims["iat"]));
    assert_eq!(ask(&t, &expired).await, (401, "token_expired".to_owned()));
    // A session that never was, under a signature that is ours.
    let stranger = in_claims("sid", json!("01900000-0000-7000-8000-000000000000"));
    assert_eq!(ask(&t, &stranger).await, (401, "session_revoked".to_owned()));
    // Made by the same hand but not changed, it is taken, or all this means nothing.
    assert_eq!(ask(&t, &signed(&header, &claims, &key)).await.0, 200);
    assert_eq!(ask(&t, &in_claims("nbf", json!(claims["iat"]))).await.0, 200);
}

#[tokio::test]
async fn ses_7_each_byte_of_a_signature_counts() {
    let t = start().await;
    let ada = t.user("ada").await;
    let (text, signature) = ada.token().rsplit_once('.').unwrap();
    let signature = BASE64.decode(signature).unwrap();
    for at in 0..signature.len() {
        let mut changed = signature.clone();
        changed[at] ^= 1 << (at % 8);
        let forged = format!("{text}.{}", BASE64.encode(&changed));
        assert_eq!(ask(&t, &forged).await.0, 401, "byte {at}");
    }
    // The same signature in other letters: 86 letters have room for four bits more than 64 bytes need.
    let last = ada.token().chars().last().unwrap();
    for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
        let token = format!("{}{other}", &ada.token()[..ada.token().len() - 1]);
        let status = ask(&t, &token).await.0;
        assert_eq!(status, if other == last { 200 } else { 401 }, "{other}");
    }
}

#[tokio::test]
async fn ses_7_access_tokens_expire() {
    let t = start().await;
    let ada = t.user("ada").await;
    t.clock.advance(MINUTE * 14);
    ada.get("/api/v1/me").await.expect(200);
    t.clock.advance(MINUTE);
    assert_eq!(ada.get("/api/v1/me").await.problem(), (401, "token_expired".to_owned()));
}

#[tokio::test]
async fn ses_14_keys_follow_each_other_without_a_gap() {
    let t = start().await;
    let renew = async || sessions::renew_signing_keys(&t.app).await.unwrap();
    let log_in = async || t.anon().log_in("ada@example.org").await;
    t.user("ada").await;
    let first = published(&t).await;
    assert_eq!(first.len(), 1);
    t.clock.advance(DAY * 29);
    renew().await;
    assert_eq!(published(&t).await, first, "not before its time");

    t.clock.advance(DAY);
    renew().await;
    let both = published(&t).await;
    assert_eq!(both.len(), 2, "published");
    assert_eq!(both[0], first[0]);
    assert_eq!(kid(&log_in().await), first[0], "but does not sign yet");
    t.clock.advance(MINUTE * 59);
    renew().await;
    let last_of_first = log_in().await;
    assert_eq!(kid(&last_of_first), first[0]);
    t.clock.advance(MINUTE * 2);
    let first_of_second = log_in().await;
    assert_eq!(
        kid(&first_of_second),
        both[1],
        "now it signs, also without a look at the rows"
    );

    // The first key's last token lives its full life.
    t.clock.advance(MINUTE * 12);
    renew().await;
    last_of_first.get("/api/v1/me").await.expect(200);
    assert_eq!(published(&t).await, both);
    t.clock.advance(MINUTE * 2);
    let (status, code) = last_of_first.get("/api/v1/me").await.problem();
    assert_eq!((status, &*code), (401, "token_expired"));
    t.clock.advance(MINUTE * 6);
    assert_eq!(published(&t).await, both[1..], "left");
    let (status, code) = last_of_first.get("/api/v1/me").await.problem();
    assert_eq!((status, &*code), (401, "unauthenticated"), "its key is gone");
    t.clock.advance(HOUR * 2);
    renew().await;
    let kept = signing_keys::Entity::find().count(t.app.db.write()).await.unwrap();
    assert_eq!(kept, 1, "and its seed is deleted");
}

#[tokio::test]
async fn ses_14_an_operator_can_ask_for_the_next_key_at_once() {
    let t = start().await;
    let ada = t.user("ada").await;
    let next = sessions::rotate_signing_key(&t.app).await.unwrap();
    assert_eq!(published(&t).await.len(), 2);
    assert_eq!(kid(&t.anon().log_in("ada@example.org").await), kid(&ada));
    // Asked again before it signs, it is the same.
    assert_eq!(sessions::rotate_signing_key(&t.app).await.unwrap(), next);
    t.clock.advance(HOUR);
    assert_eq!(kid(&t.anon().log_in("ada@example.org").await), next.kid);
    assert_ne!(sessions::rotate_signing_key(&t.app).await.unwrap(), next);
}

#[tokio::test]
async fn ses_14_nodes_share_their_keys() {
    let t = start().await;
    let Some(node) = Node::beside(&t).await else { return };
    let ada = t.user("ada").await;
    node.anon().with_token(ada.token()).get("/api/v1/me").await.expect(200);
    assert_eq!(published(&t).await.len(), 1, "the second node made none of its own");
    // The other node has not looked since, and meets the new key in a token.
    let next = sessions::rotate_signing_key(&t.app).await.unwrap();
    t.clock.advance(HOUR);
    let later = t.anon().log_in("ada@example.org").await;
    assert_eq!(kid(&later), next.kid);
    node.anon()
        .with_token(later.token())
        .get("/api/v1/me")
        .await
        .expect(200);
}
