//! Proving an address after registering.

use std::time::Duration;

use parlor_llm::Scripted;
use serde_json::{Value, json};

use crate::{
    letters,
    support::{PASSWORD, TestApp, start, start_configured},
};

async fn start_with_mail() -> TestApp {
    start_configured(Scripted::new(), |config| config.mail.smtp_host = "127.0.0.1".to_owned()).await
}

async fn log_in(t: &TestApp, password: &str) -> (u16, String) {
    let body = json!({ "email": "ada@example.org", "password": password });
    let answer = t.anon().post("/api/v1/auth/login", &body).await;
    (
        answer.status.as_u16(),
        answer.json()["code"].as_str().unwrap_or_default().to_owned(),
    )
}

async fn verify(t: &TestApp, token: &str) -> crate::support::Answer {
    t.anon()
        .post("/api/v1/auth/verify-email", &json!({ "token": token }))
        .await
}

#[tokio::test]
async fn acc_7_an_address_is_confirmed_before_the_first_login() {
    let t = start_with_mail().await;
    t.anon().register("ada@example.org").await;
    assert_eq!(log_in(&t, PASSWORD).await, (403, "email_not_verified".to_owned()));
    assert_eq!(
        log_in(&t, "wrong password here").await,
        (401, "invalid_credentials".to_owned())
    );
    let letter = letters::nth(&t, "ada@example.org", "verify_email", 0).await;
    assert!(letters::link(&letter).starts_with(&format!("{}/verify?token=", t.base)));
    assert_eq!(letter["hours"], 24);
    let user = verify(&t, &letters::token(&letter)).await.expect(200).json()["user"].clone();
    assert_eq!(
        (&user["email"], &user["email_verified"]),
        (&json!("ada@example.org"), &json!(true))
    );
    assert_eq!(letters::kinds(&t, "ada@example.org").await, ["verify_email", "welcome"]);
    assert_eq!(log_in(&t, PASSWORD).await.0, 200);
}

#[tokio::test]
async fn acc_7_a_token_works_once_and_not_for_ever() {
    let t = start_with_mail().await;
    t.anon().register("ada@example.org").await;
    let first = letters::token(&letters::nth(&t, "ada@example.org", "verify_email", 0).await);
    t.anon()
        .post(
            "/api/v1/auth/verify-email/resend",
            &json!({ "email": "ADA@example.org" }),
        )
        .await
        .expect(202);
    let second = letters::token(&letters::nth(&t, "ada@example.org", "verify_email", 1).await);
    let refused = async |token: &str| {
        let answer = verify(&t, token).await.expect(400).json();
        (answer["code"].clone(), answer["reason"].clone())
    };
    assert_eq!(refused(&first).await, (json!("token_invalid"), json!("replaced")));
    assert_eq!(
        refused("no-such-token").await,
        (json!("token_invalid"), json!("unknown"))
    );
    t.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(refused(&second).await, (json!("token_expired"), json!("expired")));
    t.anon()
        .post(
            "/api/v1/auth/verify-email/resend",
            &json!({ "email": "ada@example.org" }),
        )
        .await
        .expect(202);
    let third = letters::token(&letters::nth(&t, "ada@example.org", "verify_email", 2).await);
    verify(&t, &third).await.expect(200);
    assert_eq!(refused(&third).await, (json!("token_invalid"), json!("used")));
    assert_eq!(
        letters::kinds(&t, "ada@example.org")
            .await
            .iter()
            .filter(|kind| *kind == "welcome")
            .count(),
        1
    );
}

#[tokio::test]
async fn acc_1_only_the_owner_learns_that_an_address_is_taken() {
    let t = start_with_mail().await;
    let account = json!({ "email": "ada@example.org", "password": PASSWORD });
    let first = t.anon().post("/api/v1/auth/register", &account).await.expect(202);
    let again = json!({ "email": "Ada@EXAMPLE.org", "password": "another long password" });
    let second = t.anon().post("/api/v1/auth/register", &again).await.expect(202);
    assert_eq!(first.text, second.text);
    let names =
        |answer: &crate::support::Answer| -> Vec<String> { answer.headers.keys().map(ToString::to_string).collect() };
    assert_eq!(names(&first), names(&second));
    assert_eq!(
        letters::kinds(&t, "ada@example.org").await,
        ["verify_email", "already_registered"]
    );
    let letter = letters::nth(&t, "ada@example.org", "already_registered", 0).await;
    assert_eq!(letter["forgot"], format!("{}/en/forgot", t.base));
    let token = letters::token(&letters::nth(&t, "ada@example.org", "verify_email", 0).await);
    verify(&t, &token).await.expect(200);
    assert_eq!(log_in(&t, PASSWORD).await.0, 200);
    assert_eq!(log_in(&t, "another long password").await.0, 401);
}

#[tokio::test]
async fn without_mail_an_account_works_at_once() {
    let t = start().await;
    t.anon().register("ada@example.org").await;
    assert_eq!(log_in(&t, PASSWORD).await.0, 200);
    assert_eq!(letters::kinds(&t, "ada@example.org").await, Vec::<String>::new());
}

#[tokio::test]
async fn acc_1_terms_and_names_are_kept_with_the_account() {
    let t = start_configured(Scripted::new(), |config| {
        config.accounts.terms_version = "2026-01".to_owned()
    })
    .await;
    let mut account =
        json!({ "email": "ada@example.org", "password": PASSWORD, "first_name": "Ada", "last_name": "Lovelace" });
    for wrong in [Value::Null, json!("2025-01")] {
        account["terms_version"] = wrong;
        let answer = t.anon().post("/api/v1/auth/register", &account).await;
        assert_eq!(answer.problem(), (422, "validation_failed".to_owned()));
        assert_eq!(answer.json()["errors"][0]["field"], "terms_version");
    }
    account["terms_version"] = json!("2026-01");
    t.anon().post("/api/v1/auth/register", &account).await.expect(202);
    let me = t.anon().log_in("ada@example.org").await.get("/api/v1/me").await.json();
    assert_eq!(me["full_name"], "Ada Lovelace");
    use parlor_db::{entities::users, sea_orm::EntityTrait};
    let row = users::Entity::find().one(t.app.db.read()).await.unwrap().unwrap();
    assert_eq!(row.terms_version.as_deref(), Some("2026-01"));
    assert!(row.terms_accepted_at.is_some());
}

#[tokio::test]
async fn acc_9_every_way_in_reads_addresses_alike() {
    let t = start().await;
    let account = json!({ "email": " Ada.L@BÜCHER.example ", "password": PASSWORD });
    t.anon().post("/api/v1/auth/register", &account).await.expect(202);
    for typed in ["ada.l@bücher.example", "ADA.L@xn--bcher-kva.example"] {
        let me = t.anon().log_in(typed).await.get("/api/v1/me").await.json();
        assert_eq!(me["email"], "Ada.L@xn--bcher-kva.example");
    }
    for path in ["register", "forgot-password", "verify-email/resend"] {
        let mut body = json!({ "email": "ada@localhost" });
        if path == "register" {
            body["password"] = json!(PASSWORD);
        }
        let answer = t.anon().post(&format!("/api/v1/auth/{path}"), &body).await;
        assert_eq!(answer.json()["errors"][0]["code"], "invalid_email", "{path}");
    }
}

#[tokio::test]
async fn acc_3_passwords_that_everybody_tries_are_refused() {
    let t = start().await;
    for (password, code) in [
        ("qwerty123456", "breached"),
        ("ada.lovelace1", "too_similar"),
        ("short", "too_short"),
    ] {
        let account = json!({ "email": "ada.lovelace@example.org", "password": password });
        let answer = t.anon().post("/api/v1/auth/register", &account).await.expect(422);
        assert_eq!(answer.json()["errors"][0]["code"], code, "{password}");
    }
    let long = format!("  {} ünïcödé 🦜  ", "many words ".repeat(20));
    let account = json!({ "email": "ada.lovelace@example.org", "password": long });
    t.anon().post("/api/v1/auth/register", &account).await.expect(202);
    let login = async |password: &str| {
        let body = json!({ "email": "ada.lovelace@example.org", "password": password });
        t.anon().post("/api/v1/auth/login", &body).await.status.as_u16()
    };
    assert_eq!(login(&long).await, 200);
    assert_eq!(login(long.trim()).await, 401, "verbatim: also the spaces count");
}
