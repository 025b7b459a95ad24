//! The checklist's row "Linking": an address alone opens no account, whoever vouches for it.

use parlor_db::{
    entities::{audit_events, email_tokens, identities, mails},
    sea_orm::{EntityTrait, PaginatorTrait, QueryOrder},
};
use serde_json::json;

use super::{accounts, configured, visitor, with_oidc};
use crate::support::{TestApp, Visitor, issuer::Issuer};

const CONNECTIONS: &str = "/en/security/connections";

async fn mail_kinds(t: &TestApp) -> Vec<String> {
    let rows = mails::Entity::find()
        .order_by_asc(mails::Column::Id)
        .all(t.app.db.write())
        .await
        .unwrap();
    rows.into_iter().map(|row| row.kind).collect()
}

async fn actions(t: &TestApp) -> Vec<String> {
    let query = audit_events::Entity::find().order_by_asc(audit_events::Column::Id);
    let rows = query.all(t.app.db.write()).await.unwrap();
    rows.into_iter().map(|row| row.action).collect()
}

async fn identities(t: &TestApp) -> u64 {
    identities::Entity::find().count(t.app.db.write()).await.unwrap()
}

/// Presses "Link", and goes to the provider and back.
async fn link(who: &mut Visitor, provider: &str) -> String {
    let path = format!("{CONNECTIONS}/{provider}");
    let between = who.press(CONNECTIONS, &path).await.expect(200);
    let (_, url) = between.header("refresh").split_once("url=").unwrap();
    let back = who.agree(url).await;
    who.get(&back).await.expect(303).header("location").to_owned()
}

async fn member(t: &TestApp, email: &str) -> Visitor {
    t.anon().register(email).await;
    let mut visitor = visitor(t);
    visitor.log_in(email).await;
    visitor
}

/// The takeover that others had: the provider account of an attacker carries the victim's address.
#[tokio::test]
async fn oau_3_an_address_that_has_an_account_opens_nothing() {
    for verified in [false, true] {
        let issuer = Issuer::start().await;
        let t = with_oidc(&issuer).await;
        let mut victim = member(&t, "victim@example.org").await;
        issuer.is_person("mallory", "Victim@Example.org", verified);
        let mut mallory = visitor(&t);
        let end = mallory.sign_in("oidc").await;
        assert_eq!(
            end,
            "/en/login?notice=oauth-link-first&next=%2Fen%2Fsecurity%2Fconnections"
        );
        assert_eq!(mallory.me().await, None);
        assert_eq!((accounts(&t).await, identities(&t).await), (1, 0));
        assert!(victim.me().await.is_some());
        let page = mallory.get(&end).await.expect(200).text;
        assert!(page.contains("already has an account here") && page.contains("forgot password"));
    }
}

/// Somebody registers the victim's address first and waits; the real owner then comes by a provider.
#[tokio::test]
async fn oau_3_an_account_that_a_stranger_prepared_gets_no_identity_of_the_owner() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut stranger = member(&t, "owner@example.org").await;
    issuer.is_person("owner", "owner@example.org", true);
    let mut owner = visitor(&t);
    assert!(owner.sign_in("oidc").await.contains("oauth-link-first"));
    assert_eq!(owner.me().await, None);
    assert_eq!(
        stranger.get("/api/v1/me/connections").await.json(),
        json!({ "data": [] })
    );
}

/// A stranger's identity claims the owner's address before the owner is here; what it can do ends when the owner proves
/// the address.
#[tokio::test]
async fn oau_3_connections_of_a_stranger_can_be_cut_as_a_whole() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    issuer.is_person("mallory", "owner@example.org", false);
    let mut mallory = visitor(&t);
    mallory.sign_in("oidc").await;
    let id = mallory.me().await.unwrap()["id"].as_str().unwrap().parse().unwrap();
    let tx = t.app.db.begin().await.unwrap();
    parlor_server::features::oauth::cut_all(&t.app, &tx, id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(identities(&t).await, 0);
    // Her provider lets her in no more: the address has an account.
    assert!(visitor(&t).sign_in("oidc").await.contains("oauth-link-first"));
    t.drain_jobs().await;
    assert_eq!(issuer.inner().revoked.len(), 1);
}

#[tokio::test]
async fn oau_3_without_proof_of_the_address_the_mail_decides() {
    let issuer = Issuer::start().await;
    let t = configured(|config| {
        issuer.as_oidc(config);
        config.mail.smtp_host = "127.0.0.1".to_owned();
    })
    .await;
    assert!(t.app.config.must_verify_email());
    t.anon().register("taken@example.org").await;
    let before = mail_kinds(&t).await.len();
    // A free and a taken address end alike: who does not own it must not learn which it is.
    let check_mail = "/en/login?notice=oauth-check-mail";
    issuer.is_person("one", "free@example.org", false);
    let mut one = visitor(&t);
    assert_eq!(one.sign_in("oidc").await, check_mail);
    assert_eq!(one.me().await, None);
    issuer.is_person("two", "taken@example.org", false);
    let mut two = visitor(&t);
    assert_eq!(two.sign_in("oidc").await, check_mail);
    assert_eq!(two.me().await, None);
    assert_eq!(mail_kinds(&t).await[before..], ["verify_email", "already_registered"]);
    let tokens = email_tokens::Entity::find().all(t.app.db.write()).await.unwrap();
    assert!(
        tokens
            .iter()
            .any(|token| token.purpose == "verify_email" && token.email == "free@example.org")
    );
    assert_eq!(accounts(&t).await, 2);
    // With proof, one is in at once, and greeted.
    issuer.is_person("three", "three@example.org", true);
    let mut three = visitor(&t);
    assert_eq!(three.sign_in("oidc").await, "/en/chats");
    assert!(mail_kinds(&t).await.contains(&"welcome".to_owned()));
}

#[tokio::test]
async fn oau_3_somebody_without_an_address_is_told_so() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    for email in ["", "nobody", "a b@example.org", "@example.org", "a@"] {
        issuer.is_person("alice", email, true);
        assert_eq!(
            visitor(&t).sign_in("oidc").await,
            "/en/login?notice=oauth-no-email",
            "{email:?}"
        );
    }
    issuer.inner().person = json!({ "sub": "alice" });
    assert_eq!(visitor(&t).sign_in("oidc").await, "/en/login?notice=oauth-no-email");
    assert_eq!(accounts(&t).await, 0);
}

#[tokio::test]
async fn oau_3_of_two_first_logins_at_once_one_makes_the_account() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let logins = (0..6).map(|_| async {
        let mut tab = visitor(&t);
        let end = tab.sign_in("oidc").await;
        (end, tab.me().await.unwrap()["id"].clone())
    });
    let ends = futures_util::future::join_all(logins).await;
    assert!(
        ends.iter().all(|(end, id)| end == "/en/chats" && *id == ends[0].1),
        "{ends:?}"
    );
    assert_eq!((accounts(&t).await, identities(&t).await), (1, 1));
}

#[tokio::test]
async fn oau_3_a_person_links_a_provider_while_logged_in() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = member(&t, "ada@example.org").await;
    let html = ada.get(CONNECTIONS).await.expect(200).text;
    assert!(html.contains("Not linked"));
    // Any identity of theirs will do, whatever its address.
    issuer.is_person("alice", "elsewhere@example.net", false);
    assert_eq!(
        link(&mut ada, "oidc").await,
        format!("{CONNECTIONS}?notice=oauth-linked")
    );
    let found = ada.get("/api/v1/me/connections").await.expect(200);
    let row = &found.json()["data"][0];
    assert_eq!(
        (&row["provider"], &row["name"]),
        (&json!("oidc"), &json!("Single sign-on"))
    );
    assert_eq!(
        (&row["username"], &row["email"]),
        (&json!("alice"), &json!("elsewhere@example.net"))
    );
    assert!(!found.text.contains("token"), "{}", found.text);
    assert_eq!(
        ada.email().await.as_deref(),
        Some("ada@example.org"),
        "the account's address stays"
    );
    assert!(mail_kinds(&t).await.contains(&"connection_changed".to_owned()));
    assert!(actions(&t).await.contains(&"connection.linked".to_owned()));
    let mut elsewhere = visitor(&t);
    assert_eq!(elsewhere.sign_in("oidc").await, "/en/chats");
    assert_eq!(elsewhere.email().await.as_deref(), Some("ada@example.org"));
    // Again is no harm, another identity of the same provider is refused.
    let html = ada.get(CONNECTIONS).await.text;
    assert!(html.contains("Disconnect") && html.contains("alice"));
    issuer.is_person("second", "elsewhere@example.net", true);
    let end = link(&mut ada, "oidc").await;
    assert_eq!(end, format!("{CONNECTIONS}?notice=oauth-already-linked"));
}

#[tokio::test]
async fn oau_3_an_identity_belongs_to_one_account() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = member(&t, "ada@example.org").await;
    let mut bob = member(&t, "bob@example.org").await;
    link(&mut ada, "oidc").await;
    assert_eq!(
        link(&mut bob, "oidc").await,
        format!("{CONNECTIONS}?notice=oauth-linked-elsewhere")
    );
    assert_eq!(bob.get("/api/v1/me/connections").await.json(), json!({ "data": [] }));
    // Nobody sees or cuts what is another's.
    bob.delete("/api/v1/me/connections/oidc").await.expect(404);
    assert_eq!(
        ada.get("/api/v1/me/connections").await.json()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn oau_3_a_link_ends_in_the_session_that_began_it() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = member(&t, "ada@example.org").await;
    let between = ada.press(CONNECTIONS, &format!("{CONNECTIONS}/oidc")).await.expect(200);
    let url = between.header("refresh").split_once("url=").unwrap().1.to_owned();
    assert!(
        between.text.contains("Continue to Single sign-on"),
        "a link for browsers that wait"
    );
    let back = ada.agree(&url).await;
    // Somebody else logs in here meanwhile, in the same browser.
    t.anon().register("bob@example.org").await;
    ada.cookies.remove("parlor_session");
    ada.log_in("bob@example.org").await;
    assert_eq!(
        ada.get(&back).await.header("location"),
        format!("{CONNECTIONS}?notice=oauth-other-session")
    );
    ada.cookies.remove("parlor_session");
    assert_eq!(
        ada.get(&back).await.header("location"),
        "/en/login?notice=oauth-other-session"
    );
    assert_eq!((issuer.asked("/token"), identities(&t).await), (0, 0));
}

#[tokio::test]
async fn oau_3_only_our_own_page_begins_a_link() {
    let issuer = Issuer::start().await;
    let t = with_oidc(&issuer).await;
    let mut ada = member(&t, "ada@example.org").await;
    let path = format!("{CONNECTIONS}/oidc");
    ada.submit(&path, &[]).await.expect(403);
    ada.submit(&path, &[("csrf_token", "made-up")]).await.expect(403);
    ada.get(&path).await.expect(405);
    let stranger = visitor(&t).get(CONNECTIONS).await.expect(303);
    assert_eq!(
        stranger.header("location"),
        "/en/login?next=%2Fen%2Fsecurity%2Fconnections"
    );
    t.anon().get("/api/v1/me/connections").await.expect(401);
    // A plain sign-in, which anybody can make a browser begin, links nothing.
    issuer.is_person("mallory", "mallory@example.org", true);
    ada.sign_in("oidc").await;
    assert_eq!(ada.email().await.as_deref(), Some("mallory@example.org"));
    let row = identities::Entity::find().one(t.app.db.write()).await.unwrap().unwrap();
    assert_eq!(
        Some(row.user_id.to_string().as_str()),
        ada.me().await.unwrap()["id"].as_str()
    );
}

#[tokio::test]
async fn oau_3_the_only_way_in_stays() {
    let issuer = Issuer::start().await;
    let t = configured(|config| {
        issuer.as_oidc(config);
        issuer.as_google(config);
    })
    .await;
    let mut ada = visitor(&t);
    ada.sign_in("oidc").await;
    let refused = ada.delete("/api/v1/me/connections/oidc").await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    let html = ada.get(CONNECTIONS).await.expect(200).text;
    assert!(html.contains("is the only way into your account") && !html.contains("/oidc/delete"));
    let pressed = ada
        .press("/en/account", &format!("{CONNECTIONS}/oidc/delete"))
        .await
        .expect(303);
    assert_eq!(
        pressed.header("location"),
        format!("{CONNECTIONS}?notice=oauth-only-way-in")
    );
    issuer.is_person("at-google", "alice@gmail.example", true);
    // The one issuer plays both, so that one more subject is one more identity.
    link(&mut ada, "google").await;
    ada.delete("/api/v1/me/connections/oidc").await.expect(204);
    ada.delete("/api/v1/me/connections/google").await.expect(409);
    ada.delete("/api/v1/me/connections/oidc").await.expect(404);
    assert!(actions(&t).await.contains(&"connection.unlinked".to_owned()));
}

#[tokio::test]
async fn oau_3_of_two_ways_in_cut_at_once_one_stays() {
    let issuer = Issuer::start().await;
    let t = configured(|config| {
        issuer.as_oidc(config);
        issuer.as_google(config);
    })
    .await;
    let mut ada = visitor(&t);
    ada.sign_in("oidc").await;
    issuer.is_person("at-google", "alice@gmail.example", true);
    link(&mut ada, "google").await;
    let (mut one, mut two) = (ada.clone(), ada.clone());
    let (one, two) = tokio::join!(
        one.delete("/api/v1/me/connections/oidc"),
        two.delete("/api/v1/me/connections/google")
    );
    let mut answers = [one.status.as_u16(), two.status.as_u16()];
    answers.sort_unstable();
    assert_eq!(answers, [204, 409]);
    assert_eq!(identities(&t).await, 1);
}
