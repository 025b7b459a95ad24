//! Change the password and the address; old hashes; the life of an account; what is purged.

use std::time::Duration;

use parlor_db::{
    entities::{email_tokens, sessions, users},
    sea_orm::{EntityTrait, PaginatorTrait, prelude::Expr},
};
use parlor_llm::Scripted;
use parlor_server::features::accounts::{self, Status};
use serde_json::json;

use crate::{
    letters,
    support::{Actor, PASSWORD, TestApp, start, start_configured, until},
};

const NEW: &str = "a wholly new password";

async fn login(t: &TestApp, email: &str, password: &str) -> u16 {
    let body = json!({ "email": email, "password": password });
    t.anon().post("/api/v1/auth/login", &body).await.status.as_u16()
}

#[tokio::test]
async fn acc_10_a_new_password_needs_the_current_one_and_ends_the_other_sessions() {
    let t = start().await;
    let ada = t.user("ada").await;
    let other = t.anon().log_in_with_cookie("ada@example.org").await;
    let change = async |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        ada.post("/api/v1/auth/change-password", &body).await
    };
    assert_eq!(
        change("wrong password here", NEW).await.problem(),
        (401, "invalid_credentials".to_owned())
    );
    let weak = change(PASSWORD, "short").await.expect(422).json();
    assert_eq!(weak["errors"][0]["field"], "new_password");
    other.get("/api/v1/me").await.expect(200);
    change(PASSWORD, NEW).await.expect(204);
    ada.get("/api/v1/me").await.expect(200);
    other.get("/api/v1/me").await.expect(401);
    assert_eq!(login(&t, "ada@example.org", PASSWORD).await, 401);
    assert_eq!(login(&t, "ada@example.org", NEW).await, 200);
    assert_eq!(letters::kinds(&t, "ada@example.org").await, ["password_changed"]);
}

/// Somebody with a confirmed address, on a server that sends mail.
async fn confirmed(t: &TestApp) -> Actor {
    t.anon().register("ada@example.org").await;
    let token = letters::token(&letters::nth(t, "ada@example.org", "verify_email", 0).await);
    t.anon()
        .post("/api/v1/auth/verify-email", &json!({ "token": token }))
        .await
        .expect(200);
    t.anon().log_in("ada@example.org").await
}

async fn start_with_mail() -> TestApp {
    start_configured(Scripted::new(), |config| config.mail.smtp_host = "127.0.0.1".to_owned()).await
}

#[tokio::test]
async fn acc_10_a_new_address_consents_and_the_old_one_is_told() {
    let t = start_with_mail().await;
    let ada = confirmed(&t).await;
    let other = t.anon().log_in("ada@example.org").await;
    let ask = async |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password });
        ada.post("/api/v1/auth/change-email", &body).await
    };
    assert_eq!(ask("ada@example.com", "wrong password here").await.problem().0, 401);
    assert_eq!(ask("ada", PASSWORD).await.problem().0, 422);
    ask("Ada@Example.COM", PASSWORD).await.expect(202);
    let told = letters::nth(&t, "ada@example.org", "email_changed", 0).await;
    assert_eq!(
        (&told["done"], &told["new_email"]),
        (&json!(false), &json!("Ada@example.com"))
    );
    let letter = letters::nth(&t, "Ada@example.com", "confirm_email_change", 0).await;
    assert_eq!(
        login(&t, "ada@example.org", PASSWORD).await,
        200,
        "nothing has changed yet"
    );
    let body = json!({ "token": letters::token(&letter) });
    let user = ada
        .post("/api/v1/auth/change-email/confirm", &body)
        .await
        .expect(200)
        .json();
    assert_eq!(user["user"]["email"], "Ada@example.com");
    ada.get("/api/v1/me").await.expect(200);
    other.get("/api/v1/me").await.expect(401);
    assert_eq!(login(&t, "ada@example.org", PASSWORD).await, 401);
    assert_eq!(login(&t, "ada@example.com", PASSWORD).await, 200);
    let told = letters::nth(&t, "ada@example.org", "email_changed", 1).await;
    assert_eq!(told["done"], json!(true));
    let again = ada.post("/api/v1/auth/change-email/confirm", &body).await;
    assert_eq!(again.problem(), (400, "token_invalid".to_owned()));
}

#[tokio::test]
async fn acc_10_a_taken_address_is_not_told_and_not_taken() {
    let t = start_with_mail().await;
    let ada = confirmed(&t).await;
    t.anon().register("bob@example.org").await;
    let body = json!({ "email": "bob@example.org", "password": PASSWORD });
    let taken = ada.post("/api/v1/auth/change-email", &body).await.expect(202);
    let body = json!({ "email": "cleo@example.org", "password": PASSWORD });
    let free = ada.post("/api/v1/auth/change-email", &body).await.expect(202);
    assert_eq!(taken.text, free.text);
    assert_eq!(letters::kinds(&t, "bob@example.org").await, ["verify_email"]);
    // Somebody takes the free one before it is confirmed.
    let token = letters::token(&letters::nth(&t, "cleo@example.org", "confirm_email_change", 0).await);
    t.anon().register("cleo@example.org").await;
    let answer = t
        .anon()
        .post("/api/v1/auth/change-email/confirm", &json!({ "token": token }))
        .await;
    assert_eq!(answer.problem(), (409, "conflict".to_owned()));
    assert_eq!(ada.get("/api/v1/me").await.json()["email"], "ada@example.org");
}

async fn stored_hash(t: &TestApp) -> String {
    let user = users::Entity::find().one(t.app.db.write()).await.unwrap().unwrap();
    user.password_hash.unwrap()
}

#[tokio::test]
async fn acc_3_a_bcrypt_hash_from_elsewhere_becomes_argon2_at_the_login() {
    let t = start().await;
    t.user("ada").await;
    let imported = "$2b$04$abcdefghijklmnopqrstuuDhkkI1RhhSVcmIlXsHBrFC7TvR0lp8S";
    let store = async |hash: &str| {
        users::Entity::update_many()
            .col_expr(users::Column::PasswordHash, Expr::value(hash))
            .exec(t.app.db.write())
            .await
            .unwrap();
    };
    store(imported).await;
    assert_eq!(login(&t, "ada@example.org", "wrong password here").await, 401);
    assert_eq!(stored_hash(&t).await, imported, "a wrong password changes nothing");
    let real = bcrypt::hash(PASSWORD, 4).unwrap();
    store(&real).await;
    assert_eq!(login(&t, "ada@example.org", PASSWORD).await, 200);
    until("the hash is renewed", async || {
        stored_hash(&t).await.starts_with("$argon2id$")
    })
    .await;
    assert_eq!(login(&t, "ada@example.org", PASSWORD).await, 200);
    assert_eq!(login(&t, "ada@example.org", "wrong password here").await, 401);
}

#[tokio::test]
async fn acc_12_switching_an_account_off_ends_its_sessions() {
    let t = start().await;
    let ada = t.user("ada").await;
    let id = accounts::by_email(&t.app, "ADA@example.org").await.unwrap().id;
    ada.get("/api/v1/me").await.expect(200);
    accounts::set_status(&t.app, id, Status::Locked, None).await.unwrap();
    ada.get("/api/v1/me").await.expect(401);
    let body = json!({ "email": "ada@example.org", "password": PASSWORD });
    let answer = t.anon().post("/api/v1/auth/login", &body).await;
    assert_eq!(answer.problem(), (403, "account_disabled".to_owned()));
    let wrong = json!({ "email": "ada@example.org", "password": "wrong password here" });
    assert_eq!(t.anon().post("/api/v1/auth/login", &wrong).await.problem().0, 401);
    let refused = accounts::set_status(&t.app, id, Status::Deleted, None)
        .await
        .unwrap_err();
    assert_eq!(refused.code().as_str(), "conflict");
    accounts::set_status(&t.app, id, Status::Active, None).await.unwrap();
    assert_eq!(login(&t, "ada@example.org", PASSWORD).await, 200);
    ada.get("/api/v1/me").await.expect(401);
}

#[tokio::test]
async fn acc_8_what_is_over_is_purged_and_what_is_not_stays() {
    let t = start().await;
    let ada = t.user("ada").await;
    t.anon()
        .post("/api/v1/auth/forgot-password", &json!({ "email": "ada@example.org" }))
        .await
        .expect(202);
    letters::nth(&t, "ada@example.org", "reset_password", 0).await;
    ada.post("/api/v1/auth/logout", &json!({})).await.expect(204);
    let count = async || {
        let tokens = email_tokens::Entity::find().count(t.app.db.write()).await.unwrap();
        (tokens, sessions::Entity::find().count(t.app.db.write()).await.unwrap())
    };
    t.clock.advance(Duration::from_secs(6 * 86_400));
    accounts::purge(&t.app).await.unwrap();
    assert_eq!(count().await, (1, 1));
    // Ended sessions tell a familiar device from a new one, so they are kept longer.
    t.clock.advance(Duration::from_secs(120 * 86_400));
    t.anon().log_in("ada@example.org").await;
    let purged = accounts::purge(&t.app).await.unwrap();
    let of = |table: &str| purged.iter().find(|(name, _)| *name == table).unwrap().1;
    assert_eq!((of("email_tokens"), of("sessions")), (1, 1));
    assert_eq!(count().await, (0, 1), "the living session stays");
}
