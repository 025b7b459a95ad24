//! Signing in at a provider (OAU-1 to OAU-4), against a provider that tests can bend, and against real ones.

mod attacks;
mod linking;
mod peers;
mod tokens;

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use parlor_db::{
    entities::{identities, oauth_flows, users},
    sea_orm::{EntityTrait, PaginatorTrait},
};
use parlor_llm::Scripted;
use parlor_server::{
    app::{App, Overrides},
    config::Config,
    router::router,
};
use reqwest::Url;
use serde_json::json;

use crate::support::{TestApp, Visitor, issuer::Issuer, start, start_configured};

/// A Parlor with that issuer as its generic provider.
async fn with_oidc(issuer: &Issuer) -> TestApp {
    configured(|config| issuer.as_oidc(config)).await
}

async fn configured(change: impl FnOnce(&mut Config)) -> TestApp {
    start_configured(Scripted::new(), change).await
}

fn visitor(t: &TestApp) -> Visitor {
    Visitor::new(&t.base)
}

fn query(url: &str) -> HashMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

async fn accounts(t: &TestApp) -> u64 {
    users::Entity::find().count(t.app.db.write()).await.unwrap()
}

#[tokio::test]
async fn oau_1_the_providers_that_are_on_are_listed() {
    let none = start().await;
    let providers = none.anon().get("/api/v1/auth/providers").await.expect(200);
    assert_eq!(providers.json(), json!({ "data": [] }));
    none.anon().get("/api/v1/auth/oauth/github").await.expect(404);
    let login = visitor(&none).get("/en/login").await.expect(200).text;
    assert!(!login.contains("Continue with"));

    let issuer = Issuer::start().await;
    let t = configured(|config| {
        issuer.as_oidc(config);
        issuer.as_github(config);
        issuer.as_google(config);
        config.oauth.oidc.name = "Staff <login>".to_owned();
    })
    .await;
    let providers = t.anon().get("/api/v1/auth/providers").await.expect(200);
    let named = |id: &str, name: &str| json!({ "id": id, "name": name });
    let all = [
        named("github", "GitHub"),
        named("google", "Google"),
        named("oidc", "Staff <login>"),
    ];
    assert_eq!(providers.json(), json!({ "data": all }));
    t.anon().get("/api/v1/auth/oauth/microsoft").await.expect(404);
    for page in ["/en/login?next=/en/memories", "/en/register?next=/en/memories"] {
        let html = visitor(&t).get(page).await.expect(200).text;
        assert!(
            html.contains("Continue with GitHub") && html.contains("Continue with Staff &#60;login&#62;"),
            "{html}"
        );
        assert!(html.contains("/api/v1/auth/oauth/google?redirect_to=%2Fen%2Fmemories"));
    }
}

#[tokio::test]
async fn oau_1_the_way_there_carries_state_nonce_and_a_pkce_challenge() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = visitor(&t);
    let first = ada
        .get("/api/v1/auth/oauth/oidc?redirect_to=/en/memories")
        .await
        .expect(303);
    let cookie = first.header("set-cookie");
    assert!(
        cookie.starts_with("parlor_oauth=") && cookie.contains("HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    assert_eq!(first.header("cache-control"), "no-store");
    let sent = query(first.header("location"));
    assert_eq!(sent["response_type"], "code");
    assert_eq!(sent["scope"], "openid profile email");
    assert_eq!(sent["code_challenge_method"], "S256");
    assert_eq!(
        sent["redirect_uri"],
        format!("{}/api/v1/auth/oauth/oidc/callback", t.base)
    );
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(sent[name].len(), 43, "256 bits of {name}");
    }
    let again = query(ada.get("/api/v1/auth/oauth/oidc").await.header("location"));
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(sent[name], again[name], "{name} is fresh");
    }
    // Nothing of it can be read in the database.
    let rows = oauth_flows::Entity::find().all(t.app.db.write()).await.unwrap();
    assert_eq!(rows.len(), 2);
    let text = format!("{rows:?}");
    assert!(!text.contains(&sent["state"]) && !text.contains(&sent["nonce"]));
}

#[tokio::test]
async fn oau_7_a_login_lasts_over_a_restart_until_it_is_ended() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = visitor(&t);
    assert_eq!(ada.me().await, None);
    assert_eq!(ada.sign_in("oidc").await, "/en/chats");
    let me = ada.me().await.unwrap();
    assert_eq!(
        (&me["email"], &me["email_verified"]),
        (&json!("alice@example.org"), &json!(true))
    );
    assert_eq!(
        (&me["display_name"], &me["avatar_url"]),
        (&json!("Alice Liddell"), &json!("https://example.org/alice.png"))
    );
    assert_eq!(me["role"], "admin", "the first account of all");

    let mut ada = ada.moved_to(&restarted(&t).await);
    assert_eq!(ada.email().await.as_deref(), Some("alice@example.org"));
    ada.press("/en/account", "/en/logout").await.expect(303);
    assert_eq!(ada.me().await, None);
}

/// The same server, started again on the same data: a copy of the folder, since the test holds on to the first one.
async fn restarted(t: &TestApp) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    t.app.stopping.cancel();
    let config = Config {
        public_url: base.clone(),
        data_dir: tempfile::tempdir().unwrap().keep(),
        ..t.app.config.clone()
    };
    for entry in std::fs::read_dir(&t.app.config.data_dir).unwrap().flatten() {
        let name = entry.file_name();
        if entry.path().is_file() && !name.to_string_lossy().ends_with(".lock") {
            std::fs::copy(entry.path(), config.data_dir.join(name)).unwrap();
        }
    }
    let overrides = Overrides {
        clock: t.clock.clone(),
        chat_model: Some(std::sync::Arc::new(t.model.clone())),
        embedder: Some(std::sync::Arc::new(parlor_llm::HashEmbedder)),
        mail_transport: Some(crate::support::mail::memory()),
    };
    let app = App::start(config, overrides).await.unwrap();
    let service = router(&app).into_make_service_with_connect_info::<SocketAddr>();
    app.spawn(async move { axum::serve(listener, service).await.unwrap() });
    base
}

#[tokio::test]
async fn oau_2_later_logins_leave_what_the_person_wrote() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = visitor(&t);
    ada.sign_in("oidc").await;
    let html = ada.get("/en/account").await.text;
    let token = html
        .split("name=\"csrf_token\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let fields = [
        ("csrf_token", token),
        ("display_name", "Ada"),
        ("locale", "de"),
        ("theme", "auto"),
    ];
    ada.submit("/en/account", &fields).await.expect(303);

    t.clock.advance(Duration::from_secs(30));
    issuer.clock.advance(Duration::from_secs(30));
    issuer.is_person("alice", "new-address@example.org", true);
    let mut elsewhere = visitor(&t);
    elsewhere.sign_in("oidc").await;
    let me = elsewhere.me().await.unwrap();
    assert_eq!((&me["display_name"], &me["locale"]), (&json!("Ada"), &json!("de")));
    assert_eq!(me["email"], "alice@example.org", "the identity is issuer and subject");
    let connections = elsewhere.get("/api/v1/me/connections").await.json();
    assert_eq!(
        connections["data"][0]["email"], "new-address@example.org",
        "for display"
    );
    assert_ne!(
        connections["data"][0]["last_used_at"],
        connections["data"][0]["linked_at"]
    );
    assert_eq!(accounts(&t).await, 1);
}

#[tokio::test]
async fn oau_1_the_userinfo_endpoint_is_asked_where_the_token_holds_no_address() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    issuer.claims(|claims| {
        claims.as_object_mut().unwrap().remove("email");
    });
    let mut ada = visitor(&t);
    ada.sign_in("oidc").await;
    assert_eq!(ada.email().await.as_deref(), Some("alice@example.org"));
    assert_eq!(issuer.asked("/userinfo"), 1);
    // Of another person it is refused.
    issuer.claims(|claims| {
        claims.as_object_mut().unwrap().remove("email");
        claims["sub"] = json!("mallory");
    });
    assert_eq!(visitor(&t).sign_in("oidc").await, "/en/login?notice=oauth-rejected");
}

#[tokio::test]
async fn oau_1_the_issuer_is_asked_once_for_what_it_says_of_itself() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    for _ in 0..3 {
        visitor(&t).sign_in("oidc").await;
    }
    assert_eq!(issuer.asked("/.well-known/openid-configuration"), 1);
    assert_eq!(issuer.asked("/keys"), 1);
    for clock in [&t.clock, &issuer.clock] {
        clock.advance(Duration::from_secs(3601));
    }
    visitor(&t).sign_in("oidc").await;
    assert_eq!(issuer.asked("/.well-known/openid-configuration"), 2);
}

#[tokio::test]
async fn oau_1_microsoft_tokens_come_from_the_tenant_they_name() {
    const STAFF: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let issuer = Issuer::start().await;
    let t = configured(|config| {
        config.oauth.microsoft.issuer = format!("{}/common/v2.0", issuer.base);
        config.oauth.microsoft.client_id = "parlor-id".to_owned();
        config.oauth.microsoft.client_secret = parlor_server::config::Secret::new("parlor secret&=+");
    })
    .await;
    let base = issuer.base.clone();
    issuer.metadata(move |document| document["issuer"] = json!(format!("{base}/{{tenantid}}/v2.0")));
    let tenant = |iss: &str, tid: &str| {
        let (iss, tid) = (format!("{}/{iss}/v2.0", issuer.base), tid.to_owned());
        issuer.claims(move |claims| {
            claims["iss"] = json!(iss);
            claims["tid"] = json!(tid);
        });
    };
    tenant(STAFF, PERSONAL);
    assert_eq!(
        visitor(&t).sign_in("microsoft").await,
        "/en/login?notice=oauth-rejected"
    );
    tenant("common", "common");
    assert_eq!(
        visitor(&t).sign_in("microsoft").await,
        "/en/login?notice=oauth-rejected"
    );
    assert_eq!(accounts(&t).await, 0);

    // Anybody can write any address into an account of a tenant of theirs.
    tenant(STAFF, STAFF);
    let mut ada = visitor(&t);
    ada.sign_in("microsoft").await;
    assert_eq!(ada.me().await.unwrap()["email_verified"], false);
    let row = identities::Entity::find().one(t.app.db.write()).await.unwrap().unwrap();
    assert_eq!(row.issuer, format!("{}/{STAFF}/v2.0", issuer.base));
    // The same subject in another tenant is another person.
    issuer.is_person("alice", "alice@outlook.example", true);
    tenant(PERSONAL, PERSONAL);
    let mut other = visitor(&t);
    other.sign_in("microsoft").await;
    let me = other.me().await.unwrap();
    assert_eq!(
        (&me["email"], &me["email_verified"]),
        (&json!("alice@outlook.example"), &json!(true))
    );
}

#[tokio::test]
async fn oau_1_github_tells_who_somebody_is_by_number_and_primary_address() {
    let issuer = Issuer::start().await;
    let t = configured(|config| issuer.as_github(config)).await;
    let mut ada = visitor(&t);
    let sent = query(
        ada.get("/api/v1/auth/oauth/github")
            .await
            .expect(303)
            .header("location"),
    );
    assert_eq!(sent["scope"], "read:user user:email");
    assert_eq!(sent["code_challenge_method"], "S256");
    ada.sign_in("github").await;
    assert_eq!(
        ada.email().await.as_deref(),
        Some("alice@example.org"),
        "not the first, but the primary one"
    );
    let row = identities::Entity::find().one(t.app.db.write()).await.unwrap().unwrap();
    assert_eq!((row.issuer, row.subject), (issuer.base.clone(), "583231".to_owned()));
    assert_eq!(row.username.as_deref(), Some("alice"));
}

#[tokio::test]
async fn oau_1_the_addresses_of_other_plans_work_too() {
    let issuer = Issuer::start().await;
    let t = configured(|config| {
        issuer.as_github(config);
        issuer.as_oidc(config);
    })
    .await;
    let mut ada = visitor(&t);
    let to = ada.get("/api/auth/github?redirect_to=/de/memories").await.expect(303);
    let sent = query(to.header("location"));
    assert_eq!(sent["redirect_uri"], format!("{}/api/auth/github/callback", t.base));
    let back = ada.agree(to.header("location")).await;
    assert!(back.starts_with(&sent["redirect_uri"]));
    let end = ada.get(&back).await.expect(303);
    assert_eq!(end.header("location"), "/de/memories");
    assert!(ada.me().await.is_some());

    // The plain address takes the provider from the row.
    let mut bob = visitor(&t);
    let back = bob.visit("oidc").await;
    let plain = back.replace("/api/v1/auth/oauth/oidc/callback", "/auth/callback");
    assert_ne!(plain, back);
    issuer.is_person("bob", "bob@example.org", true);
    bob.get(&plain).await.expect(303);
    assert_eq!(bob.email().await.as_deref(), Some("bob@example.org"));
    let nobody = visitor(&t).get("/auth/callback").await.expect(303);
    assert_eq!(nobody.header("location"), "/en/login?notice=oauth-unknown");
}

/// The checklist's row "Open redirect", through the whole way.
#[tokio::test]
async fn oau_1_a_login_ends_on_this_site() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    for (asked, end) in [
        ("/de/memories", "/de/memories"),
        ("/en/chats?q=a%20b#c", "/en/chats?q=a%20b#c"),
        ("//evil.example", "/en/chats"),
        ("/\\evil.example", "/en/chats"),
        ("https://evil.example", "/en/chats"),
        ("https:evil.example", "/en/chats"),
        ("/%2f/evil.example", "/en/chats"),
        ("/\t/evil.example", "/en/chats"),
        ("/en\r\nset-cookie: a=b", "/en/chats"),
        ("javascript:alert(1)", "/en/chats"),
        ("", "/en/chats"),
    ] {
        let mut ada = visitor(&t);
        let query = serde_urlencoded::to_string([("redirect_to", asked)]).unwrap();
        let to = ada.get(&format!("/api/v1/auth/oauth/oidc?{query}")).await.expect(303);
        let back = ada.agree(to.header("location")).await;
        assert_eq!(ada.get(&back).await.expect(303).header("location"), end, "{asked:?}");
        assert!(ada.me().await.is_some());
    }
}
