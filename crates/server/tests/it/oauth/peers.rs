//! OAU-7 against providers that others wrote, as processes of their own.

use parlor_server::config::Secret;

use super::{configured, query, restarted, visitor};
use crate::support::{
    TestApp, Visitor,
    peers::{emulate, free_port, oidc_provider},
};

/// The fields of the form in `html` that mentions `who`, with its action.
fn form(html: &str, who: &str) -> (String, Vec<(String, String)>) {
    let form = html
        .split("<form")
        .skip(1)
        .map(|form| form.split("</form>").next().unwrap());
    let form = form
        .into_iter()
        .find(|form| form.contains(who))
        .unwrap_or_else(|| panic!("no form for {who}: {html}"));
    let attribute = |tag: &str, name: &str| {
        let value = tag.split(&format!("{name}=\"")).nth(1)?;
        Some(value.split('"').next().unwrap().replace("&amp;", "&"))
    };
    let fields = form.split("<input").skip(1).filter_map(|tag| {
        let tag = tag.split('>').next().unwrap();
        Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
    });
    (attribute(form, "action").unwrap(), fields.collect())
}

async fn submit(who: &mut Visitor, base: &str, (action, fields): (String, Vec<(String, String)>)) -> String {
    let pairs: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let url = if action.starts_with('/') {
        format!("{base}{action}")
    } else {
        action
    };
    who.submit(&url, &pairs).await.header("location").to_owned()
}

/// Redirect, callback, a session that survives a restart, logout.
async fn smoke(t: &TestApp, mut ada: Visitor, back: &str, email: &str) {
    let end = ada.get(back).await.expect(303);
    assert_eq!(end.header("location"), "/en/chats");
    assert_eq!(ada.email().await.as_deref(), Some(email));
    let mut ada = ada.moved_to(&restarted(t).await);
    assert_eq!(ada.email().await.as_deref(), Some(email));
    ada.press("/en/account", "/en/logout").await.expect(303);
    assert_eq!(ada.me().await, None);
    let path = back.strip_prefix(&t.base).unwrap();
    assert_eq!(ada.get(path).await.header("location"), "/en/login?notice=oauth-used");
}

/// Chooses a person on the emulator's page.
async fn choose(ada: &mut Visitor, provider: &str, peer: &str, who: &str) -> String {
    let to = ada.get(&format!("/api/v1/auth/oauth/{provider}")).await.expect(303);
    let page = ada.get(to.header("location")).await.expect(200).text;
    submit(ada, peer, form(&page, who)).await
}

#[tokio::test]
async fn oau_7_github() {
    let port = free_port();
    let peer = format!("http://localhost:{port}");
    let t = configured(|config| {
        config.oauth.github.url = peer.clone();
        config.oauth.github.api_url = peer.clone();
        config.oauth.github.client_id = "gh-id".to_owned();
        config.oauth.github.client_secret = Secret::new("gh-secret");
    })
    .await;
    let seed = format!(
        "github: {{users: [{{login: octocat, name: Octo, email: octocat@example.com}}], oauth_apps: [{{client_id: gh-id, \
         client_secret: gh-secret, name: App, redirect_uris: [\"{}/api/v1/auth/oauth/github/callback\"]}}]}}\n",
        t.base
    );
    let _peer = emulate("github", port, seed).await;
    let mut ada = visitor(&t);
    let back = choose(&mut ada, "github", &peer, "octocat").await;
    smoke(&t, ada, &back, "octocat@example.com").await;
}

#[tokio::test]
async fn oau_7_google() {
    let port = free_port();
    let peer = format!("http://localhost:{port}");
    let t = configured(|config| {
        config.oauth.google.issuer = peer.clone();
        config.oauth.google.client_id = "gg-id".to_owned();
        config.oauth.google.client_secret = Secret::new("gg-secret");
    })
    .await;
    let seed = format!(
        "google: {{users: [{{email: tester@example.com, name: Test User, email_verified: true}}], oauth_clients: \
         [{{client_id: gg-id, client_secret: gg-secret, name: App, redirect_uris: \
         [\"{}/api/v1/auth/oauth/google/callback\"]}}]}}\n",
        t.base
    );
    let _peer = emulate("google", port, seed).await;
    let mut ada = visitor(&t);
    let back = choose(&mut ada, "google", &peer, "tester@example.com").await;
    smoke(&t, ada, &back, "tester@example.com").await;
}

#[tokio::test]
async fn oau_7_microsoft() {
    let port = free_port();
    let peer = format!("http://localhost:{port}");
    let t = configured(|config| {
        config.oauth.microsoft.issuer = format!("{peer}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0");
        config.oauth.microsoft.client_id = "ms-id".to_owned();
        config.oauth.microsoft.client_secret = Secret::new("ms-secret");
    })
    .await;
    let seed = format!(
        "microsoft: {{users: [{{email: tester@outlook.example, name: Test User}}], oauth_clients: [{{client_id: ms-id, \
         client_secret: ms-secret, name: App, redirect_uris: [\"{}/api/v1/auth/oauth/microsoft/callback\"]}}]}}\n",
        t.base
    );
    let _peer = emulate("microsoft", port, seed).await;
    let mut ada = visitor(&t);
    let back = choose(&mut ada, "microsoft", &peer, "tester@outlook.example").await;
    smoke(&t, ada, &back, "tester@outlook.example").await;
}

/// A certified provider: it insists on PKCE, signs with ES256, names itself in its answers, and tells the address at its
/// userinfo endpoint only.
#[tokio::test]
async fn oau_7_a_strict_openid_provider() {
    let port = free_port();
    let peer = format!("http://localhost:{port}");
    let t = configured(|config| {
        config.oauth.oidc.issuer = peer.clone();
        config.oauth.oidc.client_id = "parlor-id".to_owned();
        config.oauth.oidc.client_secret = Secret::new("parlor-secret");
    })
    .await;
    let _peer = oidc_provider(port, &format!("{}/api/v1/auth/oauth/oidc/callback", t.base)).await;
    let mut ada = visitor(&t);
    let to = ada.get("/api/v1/auth/oauth/oidc").await.expect(303);
    let mut there = Visitor::new(&peer);
    let mut next = there
        .get(to.header("location"))
        .await
        .expect(303)
        .header("location")
        .to_owned();
    // Its login page, then its question whether one agrees.
    for _ in 0..10 {
        if next.starts_with(&t.base) {
            break;
        }
        let page = there.get(&next).await;
        next = if page.status == 200 {
            let (action, mut fields) = form(&page.text, "prompt");
            for (name, value) in &mut fields {
                if matches!(name.as_str(), "login" | "password") {
                    "alice".clone_into(value);
                }
            }
            submit(&mut there, &peer, (action, fields)).await
        } else {
            page.header("location").to_owned()
        };
    }
    assert_eq!(query(&next)["iss"], peer, "RFC 9207");
    smoke(&t, ada, &next, "alice@example.com").await;
}
