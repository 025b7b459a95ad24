//! The checklist's row "OAuth client": a provider that lies, and strangers with what is not theirs.

use std::time::Duration;

use serde_json::{Value, json};

use super::{accounts, configured, query, visitor, with_oidc};
use crate::support::issuer::{Endpoint, Issuer, Signature};

const REJECTED: &str = "/en/login?notice=oauth-rejected";
const UNREACHABLE: &str = "/en/login?notice=oauth-unreachable";

type Lie = (&'static str, fn(&mut Value));

#[tokio::test]
async fn oau_1_a_token_with_a_wrong_claim_lets_nobody_in() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let lies: [Lie; 19] = [
        ("nonce of another login", |claims| {
            claims["nonce"] = json!("A".repeat(43))
        }),
        ("no nonce", |claims| {
            drop(claims.as_object_mut().unwrap().remove("nonce"))
        }),
        ("audience", |claims| claims["aud"] = json!("somebody-else")),
        ("audiences", |claims| {
            claims["aud"] = json!(["somebody-else", "a-third"])
        }),
        ("no audience", |claims| {
            drop(claims.as_object_mut().unwrap().remove("aud"))
        }),
        ("two audiences and no azp", |claims| {
            claims["aud"] = json!(["parlor-id", "somebody-else"])
        }),
        ("azp", |claims| claims["azp"] = json!("somebody-else")),
        ("issuer", |claims| claims["iss"] = json!("https://accounts.google.com")),
        ("issuer with a slash", |claims| {
            claims["iss"] = json!(format!("{}/", claims["iss"].as_str().unwrap()))
        }),
        ("no issuer", |claims| {
            drop(claims.as_object_mut().unwrap().remove("iss"))
        }),
        ("expired", |claims| {
            claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 61)
        }),
        ("no expiry", |claims| {
            drop(claims.as_object_mut().unwrap().remove("exp"))
        }),
        ("of the future", |claims| {
            claims["iat"] = json!(claims["exp"].as_i64().unwrap())
        }),
        ("not yet", |claims| {
            claims["nbf"] = json!(claims["exp"].as_i64().unwrap())
        }),
        ("no subject", |claims| {
            drop(claims.as_object_mut().unwrap().remove("sub"))
        }),
        ("empty subject", |claims| claims["sub"] = json!("")),
        ("endless subject", |claims| claims["sub"] = json!("a".repeat(256))),
        ("subject of another kind", |claims| claims["sub"] = json!(7)),
        ("expiry as text", |claims| claims["exp"] = json!("never")),
    ];
    for (name, lie) in lies {
        issuer.claims(lie);
        let mut mallory = visitor(&t);
        assert_eq!(mallory.sign_in("oidc").await, REJECTED, "{name}");
        assert_eq!(mallory.me().await, None, "{name}");
    }
    assert_eq!(accounts(&t).await, 0);
    // The control: harmless differences are let in.
    let truths: [Lie; 4] = [
        ("as it should be", |_| ()),
        ("one audience as a list", |claims| claims["aud"] = json!(["parlor-id"])),
        ("two audiences, given to us", |claims| {
            claims["aud"] = json!(["parlor-id", "somebody-else"]);
            claims["azp"] = json!("parlor-id");
        }),
        ("a clock half a minute behind", |claims| {
            claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 30)
        }),
    ];
    for (name, truth) in truths {
        issuer.claims(truth);
        let mut ada = visitor(&t);
        assert_eq!(ada.sign_in("oidc").await, "/en/chats", "{name}");
        assert!(ada.me().await.is_some(), "{name}");
    }
}

#[tokio::test]
async fn oau_1_a_token_that_the_issuer_did_not_sign_lets_nobody_in() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    for (name, signature) in [
        ("alg none", Signature::None),
        ("HMAC with the public key", Signature::HmacWithPublicKey),
        ("HMAC with the client's secret", Signature::HmacWithClientSecret),
        ("a foreign key under the issuer's id", Signature::ForeignKey),
        ("a key in the header", Signature::JwkInHeader),
        ("a key behind an address in the header", Signature::JkuInHeader),
        ("an unknown key", Signature::UnknownKid),
    ] {
        issuer.inner().signature = signature;
        let mut mallory = visitor(&t);
        assert_eq!(mallory.sign_in("oidc").await, REJECTED, "{name}");
        assert_eq!(mallory.me().await, None, "{name}");
    }
    assert_eq!(issuer.asked("/evil-keys"), 0, "the header's address is not asked");
    assert!(issuer.asked("/keys") <= 2, "unknown keys do not make us ask each time");
    assert_eq!(accounts(&t).await, 0);
    issuer.inner().signature = Signature::Honest;
    assert_eq!(visitor(&t).sign_in("oidc").await, "/en/chats");
}

#[tokio::test]
async fn oau_1_a_way_is_gone_once() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = visitor(&t);
    let back = ada.visit("oidc").await;
    assert_eq!(ada.get(&back).await.header("location"), "/en/chats");
    assert_eq!(issuer.asked("/token"), 1);
    // The same address again: the code is not even shown to the provider.
    let mut later = ada.clone();
    later.cookies.remove("parlor_session");
    assert_eq!(
        later.get(&back).await.expect(303).header("location"),
        "/en/login?notice=oauth-used"
    );
    assert_eq!(later.me().await, None);
    assert_eq!(issuer.asked("/token"), 1);
    // A used code with a fresh state: the provider refuses it.
    issuer.inner().next_code = Some(query(&back)["code"].clone());
    let fresh = later.get("/api/v1/auth/oauth/oidc").await.expect(303);
    let state = query(fresh.header("location"))["state"].clone();
    let code = &query(&back)["code"];
    let replay = format!("/api/v1/auth/oauth/oidc/callback?code={code}&state={state}");
    assert_eq!(later.get(&replay).await.header("location"), REJECTED);
    assert_eq!(later.me().await, None);
}

#[tokio::test]
async fn oau_1_of_many_at_once_one_goes_the_way() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = visitor(&t);
    let back = ada.visit("oidc").await;
    let tries = (0..20).map(|_| {
        let (mut tab, back) = (ada.clone(), back.clone());
        async move { tab.get(&back).await.expect(303).header("location").to_owned() }
    });
    let ends = futures_util::future::join_all(tries).await;
    assert_eq!(ends.iter().filter(|end| *end == "/en/chats").count(), 1, "{ends:?}");
    assert_eq!(ends.iter().filter(|end| end.ends_with("oauth-used")).count(), 19);
    assert_eq!(issuer.asked("/token"), 1);
}

#[tokio::test]
async fn oau_1_a_way_ends_in_the_browser_where_it_began() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut mallory = visitor(&t);
    let back = mallory.visit("oidc").await;
    // Mallory sends the address of her own login to somebody else, who would then chat in her account.
    let mut victim = visitor(&t);
    assert_eq!(
        victim.get(&back).await.expect(303).header("location"),
        "/en/login?notice=oauth-other-browser"
    );
    assert_eq!(victim.me().await, None);
    // With a way of their own they are no nearer.
    victim.get("/api/v1/auth/oauth/oidc").await.expect(303);
    assert_eq!(
        victim.get(&back).await.header("location"),
        "/en/login?notice=oauth-other-browser"
    );
    assert_eq!(issuer.asked("/token"), 0);
    // The control: nobody ended the way of the browser that began it.
    assert_eq!(mallory.get(&back).await.header("location"), "/en/chats");
}

#[tokio::test]
async fn oau_1_a_way_takes_ten_minutes_at_most() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = visitor(&t);
    let (in_time, late) = (ada.visit("oidc").await, ada.visit("oidc").await);
    t.clock.advance(Duration::from_secs(590));
    issuer.clock.advance(Duration::from_secs(590));
    assert_eq!(
        ada.get(&in_time).await.header("location"),
        "/en/chats",
        "two tabs do not end each other"
    );
    t.clock.advance(Duration::from_secs(11));
    let mut ada = ada.clone();
    ada.cookies.remove("parlor_session");
    assert_eq!(
        ada.get(&late).await.header("location"),
        "/en/login?notice=oauth-expired"
    );
    assert_eq!(ada.me().await, None);
}

#[tokio::test]
async fn oau_1_what_no_provider_says_leads_to_the_login_page() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = visitor(&t);
    let back = ada.visit("oidc").await;
    let (path, _) = back.split_once('?').unwrap();
    let state = query(&back)["state"].clone();
    for (parameters, end) in [
        (String::new(), "oauth-unknown"),
        ("code=a&state=b".to_owned(), "oauth-unknown"),
        (format!("code=a&state={}", "A".repeat(43)), "oauth-unknown"),
        (format!("code=a&state={state}&state={state}"), "oauth-unknown"),
        (format!("state={state}"), "oauth-rejected"),
    ] {
        let answer = ada.get(&format!("{path}?{parameters}")).await.expect(303);
        assert_eq!(
            answer.header("location"),
            format!("/en/login?notice={end}"),
            "{parameters}"
        );
    }
    assert_eq!(issuer.asked("/token"), 0);
    // The page says it in words, in either language.
    let page = ada.get("/en/login?notice=oauth-unknown").await.expect(200).text;
    assert!(page.contains("notice--error") && page.contains("leads nowhere"));
    let page = ada.get("/de/login?notice=oauth-unknown").await.expect(200).text;
    assert!(page.contains("führt nirgendwohin"));
}

#[tokio::test]
async fn oau_1_saying_no_is_not_an_error() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = visitor(&t);
    let to = ada
        .get("/api/v1/auth/oauth/oidc?redirect_to=/en/memories")
        .await
        .expect(303);
    let state = query(to.header("location"))["state"].clone();
    let back = format!("/api/v1/auth/oauth/oidc/callback?error=access_denied&error_description=%3Cb%3E&state={state}");
    let answer = ada.get(&back).await.expect(303);
    assert_eq!(
        answer.header("location"),
        "/en/login?notice=oauth-denied&next=%2Fen%2Fmemories"
    );
    let page = ada.get(answer.header("location")).await.expect(200).text;
    assert!(page.contains("notice--info") && page.contains("name=\"next\" value=\"/en/memories\""));
    // Somebody without this browser's cookie cannot end its ways with a made-up refusal.
    let to = ada.get("/api/v1/auth/oauth/oidc").await.expect(303);
    let state = query(to.header("location"))["state"].clone();
    let forged = format!("/api/v1/auth/oauth/oidc/callback?error=access_denied&state={state}");
    visitor(&t).get(&forged).await.expect(303);
    let back = ada.agree(to.header("location")).await;
    assert_eq!(ada.get(&back).await.header("location"), "/en/chats");
}

#[tokio::test]
async fn oau_1_the_code_of_one_provider_is_not_shown_to_another() {
    let (honest, evil) = (Issuer::start().await, Issuer::start().await);
    let t = configured(|config| {
        honest.as_google(config);
        evil.as_oidc(config);
    })
    .await;
    // Whoever answers at the other's address.
    let mut ada = visitor(&t);
    let back = ada.visit("google").await;
    let mixed = back.replace("/oauth/google/", "/oauth/oidc/");
    assert_eq!(ada.get(&mixed).await.header("location"), REJECTED);
    assert_eq!((honest.asked("/token"), evil.asked("/token")), (0, 0));
    assert_eq!(ada.get(&back).await.header("location"), "/en/chats", "the control");
    // Whoever says to be another one (RFC 9207).
    evil.inner().iss = Some(honest.base.clone());
    assert_eq!(visitor(&t).sign_in("oidc").await, REJECTED);
    assert_eq!(evil.asked("/token"), 0);
    evil.inner().iss = Some(evil.base.clone());
    evil.is_person("eve", "eve@example.org", true);
    assert_eq!(visitor(&t).sign_in("oidc").await, "/en/chats", "the control");
}

#[tokio::test]
async fn oau_1_an_issuer_that_says_it_names_itself_must() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    issuer.metadata(|document| document["authorization_response_iss_parameter_supported"] = json!(true));
    assert_eq!(visitor(&t).sign_in("oidc").await, REJECTED);
    issuer.inner().iss = Some(issuer.base.clone());
    assert_eq!(visitor(&t).sign_in("oidc").await, "/en/chats");
}

#[tokio::test]
async fn oau_1_a_token_endpoint_that_misbehaves_is_told_kindly() {
    let (issuer, elsewhere) = (Issuer::start().await, Issuer::start().await);
    let t = with_oidc(&issuer).await;
    for (endpoint, end) in [
        (Endpoint::Redirects(format!("{}/token", elsewhere.base)), REJECTED),
        (Endpoint::Oversized, REJECTED),
        (Endpoint::Slow(Duration::from_secs(3)), UNREACHABLE),
        (Endpoint::Fails(400), REJECTED),
        (Endpoint::Fails(503), UNREACHABLE),
        (Endpoint::NotJson, REJECTED),
    ] {
        issuer.inner().token_endpoint = endpoint;
        let mut ada = visitor(&t);
        let started = std::time::Instant::now();
        assert_eq!(ada.sign_in("oidc").await, end);
        assert!(started.elapsed() < Duration::from_millis(2500), "bounded in time");
        assert_eq!(ada.me().await, None);
    }
    assert!(elsewhere.inner().asked.is_empty(), "the code went nowhere else");
    issuer.inner().token_endpoint = Endpoint::Honest;
    assert_eq!(visitor(&t).sign_in("oidc").await, "/en/chats");
}

#[tokio::test]
async fn oau_1_discovery_cannot_send_us_elsewhere() {
    let elsewhere = Issuer::start().await;
    let begin = async |issuer: &Issuer| {
        let t = with_oidc(issuer).await;
        let to = visitor(&t).get("/api/v1/auth/oauth/oidc").await.expect(303);
        to.header("location").to_owned()
    };
    for (endpoint, end) in [
        (
            Endpoint::Redirects("http://169.254.169.254/latest/meta-data".to_owned()),
            REJECTED,
        ),
        (
            Endpoint::Redirects(format!("{}/.well-known/openid-configuration", elsewhere.base)),
            REJECTED,
        ),
        (Endpoint::Oversized, REJECTED),
        (Endpoint::Fails(500), UNREACHABLE),
        (Endpoint::Slow(Duration::from_secs(3)), UNREACHABLE),
    ] {
        let issuer = Issuer::start().await;
        issuer.inner().discovery = endpoint;
        assert_eq!(begin(&issuer).await, end);
    }
    let changes: [fn(&mut Value); 5] = [
        |document| document["jwks_uri"] = json!("http://169.254.169.254/latest/meta-data"),
        |document| document["token_endpoint"] = json!("http://10.0.0.1/token"),
        |document| document["authorization_endpoint"] = json!("javascript:alert(1)"),
        |document| document["issuer"] = json!("https://accounts.google.com"),
        |document| document["userinfo_endpoint"] = json!("file:///etc/passwd"),
    ];
    for change in changes {
        let issuer = Issuer::start().await;
        issuer.metadata(change);
        assert_eq!(begin(&issuer).await, REJECTED);
    }
    assert!(elsewhere.inner().asked.is_empty());
    assert!(
        begin(&Issuer::start().await).await.contains("/authorize?"),
        "the control"
    );
}

#[tokio::test]
async fn oau_1_while_an_issuer_is_down_nobody_waits_in_a_row() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    issuer.inner().discovery = Endpoint::Slow(Duration::from_secs(3));
    let started = std::time::Instant::now();
    let tries = (0..5).map(|_| async {
        visitor(&t)
            .get("/api/v1/auth/oauth/oidc")
            .await
            .header("location")
            .to_owned()
    });
    let ends = futures_util::future::join_all(tries).await;
    assert!(ends.iter().all(|end| end == UNREACHABLE), "{ends:?}");
    assert!(started.elapsed() < Duration::from_millis(2500), "not five timeouts");
    issuer.inner().discovery = Endpoint::Honest;
    t.clock.advance(Duration::from_secs(6));
    issuer.clock.advance(Duration::from_secs(6));
    assert_eq!(visitor(&t).sign_in("oidc").await, "/en/chats");
}
