use serde_json::{Value, json};

use crate::support::{self, PASSWORD, start};

#[tokio::test]
async fn acc_1_registering_answers_alike_whether_or_not_the_address_is_taken() {
    let t = start().await;
    let account = json!({ "email": "ada@example.org", "password": PASSWORD });
    let first = t.anon().post("/api/v1/auth/register", &account).await.expect(202);
    let second = t.anon().post("/api/v1/auth/register", &account).await.expect(202);
    assert_eq!(first.json(), json!({ "status": "accepted" }));
    assert_eq!(first.text, second.text);
    let other = json!({ "email": "ADA@Example.org ", "password": "another long password" });
    t.anon().post("/api/v1/auth/register", &other).await.expect(202);
    // The first password still holds: nobody takes an account over by registering again.
    t.anon().log_in("ada@example.org").await;
}

#[tokio::test]
async fn the_first_account_administers_and_the_second_does_not() {
    let t = start().await;
    let role = async |name: &str| {
        let me = t.user(name).await.get("/api/v1/me").await.expect(200).json();
        (me["role"].clone(), me["plan"].clone())
    };
    assert_eq!(role("ada").await, (json!("admin"), json!("unlimited")));
    assert_eq!(role("bob").await, (json!("user"), json!("free")));
}

#[tokio::test]
async fn only_one_of_two_first_accounts_at_once_administers() {
    let t = start().await;
    let (_, _) = tokio::join!(t.user("ada"), t.user("bob"));
    let mut roles = Vec::new();
    for name in ["ada", "bob"] {
        let me = t
            .anon()
            .log_in(&format!("{name}@example.org"))
            .await
            .get("/api/v1/me")
            .await
            .json();
        roles.push(me["role"].as_str().unwrap().to_owned());
    }
    roles.sort();
    assert_eq!(roles, ["admin", "user"]);
}

#[tokio::test]
async fn sec_5_registration_names_each_bad_field() {
    let t = start().await;
    for (body, field, code) in [
        (
            json!({ "email": "ada", "password": PASSWORD }),
            "email",
            "invalid_email",
        ),
        (
            json!({ "email": "ada@example.org", "password": "short" }),
            "password",
            "too_short",
        ),
        (json!({ "email": "ada@example.org" }), "password", "required"),
        (
            json!({ "email": "ada@example.org", "password": PASSWORD, "role": "admin" }),
            "role",
            "unknown_field",
        ),
        (
            json!({ "email": "ada@example.org", "password": PASSWORD, "locale": "xx" }),
            "locale",
            "invalid_value",
        ),
    ] {
        let answer = t.anon().post("/api/v1/auth/register", &body).await;
        assert_eq!(answer.problem(), (422, "validation_failed".to_owned()), "{body}");
        let error = &answer.json()["errors"][0];
        assert_eq!(
            (&error["field"], &error["code"]),
            (&json!(field), &json!(code)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn acc_2_a_wrong_password_and_an_unknown_address_answer_alike() {
    let t = start().await;
    t.user("ada").await;
    let answer = async |email: &str, password: &str| {
        let answer = t
            .anon()
            .post("/api/v1/auth/login", &json!({ "email": email, "password": password }))
            .await;
        let mut body = answer.expect(401).json();
        body["request_id"] = Value::Null;
        body
    };
    let wrong = answer("ada@example.org", "wrong password here").await;
    assert_eq!(wrong, answer("nobody@example.org", "wrong password here").await);
    assert_eq!(wrong["code"], "invalid_credentials");
}

#[tokio::test]
async fn a_login_has_all_that_a_client_needs() {
    let t = start().await;
    t.user("ada").await;
    let login = json!({ "email": "ada@example.org", "password": PASSWORD });
    let body = t.anon().post("/api/v1/auth/login", &login).await.expect(200).json();
    assert_eq!(body["user"]["email"], "ada@example.org");
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    for name in ["access_token", "refresh_token", "csrf_token"] {
        assert!(body[name].as_str().is_some_and(|text| text.len() >= 43), "{name}");
    }
}

#[tokio::test]
async fn pro_3_a_person_changes_their_own_account() {
    let t = start().await;
    let ada = t.user("ada").await;
    let change = json!({ "display_name": "Ada L.", "bio": "Counts.", "locale": "de" });
    let me = ada.patch("/api/v1/me", &change).await.expect(200).json();
    assert_eq!(
        (&me["display_name"], &me["bio"], &me["locale"]),
        (&json!("Ada L."), &json!("Counts."), &json!("de"))
    );
    ada.patch("/api/v1/me", &json!({ "bio": null })).await.expect(200);
    let me = ada.get("/api/v1/me").await.json();
    assert_eq!((&me["bio"], &me["display_name"]), (&json!(null), &json!("Ada L.")));
    assert_eq!(
        ada.patch("/api/v1/me", &json!({ "plan": "unlimited" }))
            .await
            .problem()
            .0,
        422
    );
}

#[tokio::test]
async fn ses_6_logout_ends_cookie_and_tokens_at_once() {
    let t = start().await;
    let ada = t.user("ada").await;
    let browser = t.anon().log_in_with_cookie("ada@example.org").await;
    ada.get("/api/v1/me").await.expect(200);
    browser.get("/api/v1/me").await.expect(200);
    ada.post("/api/v1/auth/logout", &json!({})).await.expect(204);
    assert_eq!(
        ada.get("/api/v1/me").await.problem(),
        (401, "session_revoked".to_owned())
    );
    let refresh = json!({ "refresh_token": ada.refresh_token.clone().unwrap() });
    t.anon().post("/api/v1/auth/refresh", &refresh).await.expect(401);
    // The other session goes on, or this test means nothing.
    browser.get("/api/v1/me").await.expect(200);
    let out = browser.post("/api/v1/auth/logout", &json!({})).await.expect(204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    browser.get("/api/v1/me").await.expect(401);
}

#[tokio::test]
async fn ses_1_sessions_end_by_the_clock_and_survive_use() {
    let t = support::start().await;
    let browser = t.browser("ada").await;
    t.clock.advance(std::time::Duration::from_secs(6 * 86_400));
    browser.get("/api/v1/me").await.expect(200);
    t.app.tasks.close();
    support::until("the activity is written", async || {
        use parlor_db::{entities::sessions, sea_orm::EntityTrait};
        let rows = sessions::Entity::find().all(t.app.db.write()).await.unwrap();
        rows.iter().any(|row| row.last_active_at > row.created_at)
    })
    .await;
    t.clock.advance(std::time::Duration::from_secs(6 * 86_400));
    browser.get("/api/v1/me").await.expect(200);
    t.clock.advance(std::time::Duration::from_secs(40 * 86_400));
    browser.get("/api/v1/me").await.expect(401);
}
