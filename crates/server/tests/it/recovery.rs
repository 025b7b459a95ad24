//! Forgot and reset.

use std::time::Duration;

use parlor_db::{
    entities::{audit_events, email_tokens, identities, users},
    sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, prelude::Expr},
};
use parlor_llm::Scripted;
use serde_json::json;

use crate::{
    letters,
    support::{Answer, PASSWORD, TestApp, send, start, start_configured},
};

const NEW: &str = "a wholly new password";

async fn forgot(t: &TestApp, email: &str) {
    t.anon()
        .post("/api/v1/auth/forgot-password", &json!({ "email": email }))
        .await
        .expect(202);
}

async fn token(t: &TestApp, n: usize) -> String {
    forgot(t, "ada@example.org").await;
    letters::token(&letters::nth(t, "ada@example.org", "reset_password", n).await)
}

async fn reset(t: &TestApp, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "password": password });
    t.anon().post("/api/v1/auth/reset-password", &body).await
}

async fn logs_in(t: &TestApp, password: &str) -> bool {
    let body = json!({ "email": "ada@example.org", "password": password });
    t.anon().post("/api/v1/auth/login", &body).await.status == 200
}

#[tokio::test]
async fn acc_5_a_reset_changes_the_password_and_ends_every_session() {
    let t = start().await;
    let (ada, bob) = (t.user("ada").await, t.user("bob").await);
    let browser = t.anon().log_in_with_cookie("ada@example.org").await;
    browser.get("/api/v1/me").await.expect(200);
    let token = token(&t, 0).await;
    let answer = reset(&t, &token, NEW).await.expect(200);
    assert!(
        !answer.header("set-cookie").contains("session"),
        "nobody is signed in by a reset"
    );
    assert_eq!(
        ada.get("/api/v1/me").await.problem(),
        (401, "session_revoked".to_owned())
    );
    browser.get("/api/v1/me").await.expect(401);
    let refresh = json!({ "refresh_token": ada.refresh_token.clone().unwrap() });
    t.anon().post("/api/v1/auth/refresh", &refresh).await.expect(401);
    bob.get("/api/v1/me").await.expect(200);
    assert!(!logs_in(&t, PASSWORD).await);
    assert!(logs_in(&t, NEW).await);
    assert_eq!(
        letters::kinds(&t, "ada@example.org").await,
        ["reset_password", "password_changed"]
    );
    let trail = audit_events::Entity::find().filter(audit_events::Column::Action.eq("password.reset"));
    assert_eq!(trail.count(t.app.db.read()).await.unwrap(), 1);
}

#[tokio::test]
async fn acc_5_of_fifty_redemptions_at_once_one_works() {
    let t = start().await;
    t.user("ada").await;
    let token = token(&t, 0).await;
    let tries = (0..50).map(|n| {
        let (anon, token) = (t.anon(), token.clone());
        async move {
            let body = json!({ "token": token, "password": format!("{NEW} {n}") });
            (n, anon.post("/api/v1/auth/reset-password", &body).await)
        }
    });
    let answers = futures_util::future::join_all(tries).await;
    let right: Vec<_> = answers.iter().filter(|(_, answer)| answer.status == 200).collect();
    assert_eq!(right.len(), 1);
    for (_, answer) in answers.iter().filter(|(_, answer)| answer.status != 200) {
        assert_eq!(answer.problem(), (400, "token_invalid".to_owned()));
    }
    let winner = right[0].0;
    assert!(
        logs_in(&t, &format!("{NEW} {winner}")).await,
        "the password is that of the one that worked"
    );
    let changed = letters::kinds(&t, "ada@example.org").await;
    assert_eq!(changed.iter().filter(|kind| *kind == "password_changed").count(), 1);
}

#[tokio::test]
async fn acc_5_expired_used_replaced_and_unknown_tokens_are_told_apart() {
    let t = start().await;
    t.user("ada").await;
    let refused = async |token: &str| {
        let answer = reset(&t, token, NEW).await.expect(400).json();
        (answer["code"].clone(), answer["reason"].clone())
    };
    let first = token(&t, 0).await;
    let second = token(&t, 1).await;
    assert_eq!(refused(&first).await, (json!("token_invalid"), json!("replaced")));
    assert_eq!(refused("x").await, (json!("token_invalid"), json!("unknown")));
    t.clock.advance(Duration::from_secs(59 * 60));
    let weak = reset(&t, &second, "qwerty123456").await;
    assert_eq!(weak.json()["errors"][0]["code"], "breached");
    reset(&t, &second, NEW).await.expect(200);
    assert_eq!(refused(&second).await, (json!("token_invalid"), json!("used")));
    let third = token(&t, 2).await;
    t.clock.advance(Duration::from_secs(60 * 60));
    assert_eq!(refused(&third).await, (json!("token_expired"), json!("expired")));
    assert!(logs_in(&t, NEW).await);
}

#[tokio::test]
async fn acc_4_an_unknown_address_gets_the_same_answer_and_no_mail() {
    let t = start().await;
    t.user("ada").await;
    let ask = async |email: &str| {
        let body = json!({ "email": email });
        let answer = t.anon().post("/api/v1/auth/forgot-password", &body).await.expect(202);
        let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        (answer.text, names)
    };
    assert_eq!(ask("ada@example.org").await, ask("nobody@example.org").await);
    letters::nth(&t, "ada@example.org", "reset_password", 0).await;
    assert!(letters::to(&t, "nobody@example.org").await.is_empty());
}

#[tokio::test]
async fn tokens_are_stored_as_hashes_only() {
    let t = start().await;
    t.user("ada").await;
    let token = token(&t, 0).await;
    assert_eq!(token.len(), 43, "256 bits");
    let row = email_tokens::Entity::find()
        .one(t.app.db.write())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.token_hash, parlor_server::secrets::fingerprint(token.as_bytes()));
    let dump = format!("{row:?}");
    assert!(!dump.contains(&token));
    assert!(
        dump.contains("ada@example.org"),
        "the row was read, or this test means nothing"
    );
}

#[tokio::test]
async fn acc_7_a_reset_proves_the_mailbox_and_evicts_who_came_before() {
    let t = start_configured(Scripted::new(), |config| config.mail.smtp_host = "127.0.0.1".to_owned()).await;
    t.anon().register("ada@example.org").await;
    let user = users::Entity::find().one(t.app.db.write()).await.unwrap().unwrap();
    let now = t.clock.now();
    let foreign = identities::ActiveModel {
        id: Set(t.app.ids.next()),
        user_id: Set(user.id),
        provider: Set("github".to_owned()),
        issuer: Set("https://github.com".to_owned()),
        subject: Set("666".to_owned()),
        email: Set(None),
        username: Set(None),
        scopes: Set(String::new()),
        access_token: Set(None),
        refresh_token: Set(None),
        token_expires_at: Set(None),
        created_at: Set(now),
        last_used_at: Set(now),
    };
    identities::Entity::insert(foreign)
        .exec_without_returning(t.app.db.write())
        .await
        .unwrap();
    assert!(!logs_in(&t, PASSWORD).await);
    let token = token(&t, 0).await;
    reset(&t, &token, NEW).await.expect(200);
    assert!(logs_in(&t, NEW).await);
    assert_eq!(identities::Entity::find().count(t.app.db.write()).await.unwrap(), 0);
    // The link of the first mail was voided: whoever holds it gets nothing.
    let old = letters::token(&letters::nth(&t, "ada@example.org", "verify_email", 0).await);
    let answer = t
        .anon()
        .post("/api/v1/auth/verify-email", &json!({ "token": old }))
        .await;
    assert_eq!(answer.problem(), (400, "token_invalid".to_owned()));
}

#[tokio::test]
async fn acc_5_a_get_uses_nothing_up() {
    let t = start().await;
    t.user("ada").await;
    let token = token(&t, 0).await;
    for path in ["/reset", "/en/reset", "/de/reset"] {
        for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
            let answer = send(t.anon().request(method, &format!("{path}?token={token}"))).await;
            assert!(answer.status.as_u16() < 400, "{path}");
            assert_eq!(answer.header("referrer-policy"), "no-referrer");
        }
    }
    reset(&t, &token, NEW).await.expect(200);
}

#[tokio::test]
async fn acc_6_links_are_built_from_the_settings_alone() {
    let t = start().await;
    t.user("ada").await;
    let request = t.anon().request(reqwest::Method::POST, "/api/v1/auth/forgot-password");
    let request = request
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example;proto=https")
        .header("x-forwarded-proto", "https");
    send(request.json(&json!({ "email": "ada@example.org" })))
        .await
        .expect(202);
    let letter = letters::nth(&t, "ada@example.org", "reset_password", 0).await;
    assert!(letters::link(&letter).starts_with(&format!("{}/reset?token=", t.base)));
    assert!(!letter.to_string().contains("evil"));
}

#[tokio::test]
async fn acc_6_a_link_leads_to_the_language_of_its_person() {
    let t = start().await;
    let ada = t.user("ada").await;
    ada.patch("/api/v1/me", &json!({ "locale": "de" })).await.expect(200);
    let token = token(&t, 0).await;
    let ask = async |path: &str| {
        let request = t
            .anon()
            .request(reqwest::Method::GET, path)
            .header("accept-language", "en");
        send(request).await.expect(303).header("location").to_owned()
    };
    assert_eq!(
        ask(&format!("/reset?token={token}")).await,
        format!("/de/reset?token={token}")
    );
    assert_eq!(ask("/reset?token=unknown").await, "/en/reset?token=unknown");
    assert_eq!(
        ask("/verify?token=a%2Fb&x=//evil.example").await,
        "/en/verify?token=a%2Fb&x=//evil.example"
    );
    assert_eq!(ask("/change-email").await, "/en/change-email");
}

#[tokio::test]
async fn acc_5_a_login_under_way_does_not_outlive_the_reset() {
    use parlor_server::features::{
        accounts,
        sessions::{self, Device, Proof, SignIn},
    };
    let t = start().await;
    t.user("ada").await;
    let device = Device::default();
    let proved = accounts::log_in(&t.app, "ada@example.org", PASSWORD.to_owned(), &device)
        .await
        .unwrap();
    let begin = async || sessions::sign_in(&t.app, SignIn::new(&proved, &device, Proof::Password)).await;
    assert!(begin().await.is_ok(), "before the reset it goes on");
    let token = token(&t, 0).await;
    reset(&t, &token, NEW).await.expect(200);
    let refused = begin().await.err().expect("refused");
    assert_eq!(refused.code().as_str(), "invalid_credentials");
}

#[tokio::test]
async fn people_without_a_password_set_one_by_a_reset() {
    let t = start().await;
    t.user("ada").await;
    users::Entity::update_many()
        .col_expr(users::Column::PasswordHash, Expr::value(None::<String>))
        .exec(t.app.db.write())
        .await
        .unwrap();
    assert!(!logs_in(&t, PASSWORD).await);
    assert!(!logs_in(&t, "").await);
    let token = token(&t, 0).await;
    reset(&t, &token, NEW).await.expect(200);
    assert!(logs_in(&t, NEW).await);
}
