//! OBS-4: what is never logged, by this test or by any other of this process.

use serde_json::{Value, json};

use crate::support::{self, PASSWORD, start};

#[tokio::test]
async fn obs_4_canaries_never_reach_a_log_line() {
    let t = start().await;
    let ada = t.user("canary-person").await;
    let chat = ada.chat().await;
    ada.say(&chat, "canary-statement: I live in Canarytown.").await;
    t.model
        .fail_next(parlor_llm::Error::Unreachable("the canary provider".to_owned()));
    ada.post(
        &format!("/api/v1/chats/{chat}/messages"),
        &json!({ "content": "canary-question?" }),
    )
    .await
    .expect(502);
    ada.get("/api/v1/chats?q=canary-search").await.expect(200);
    let wrong = json!({ "email": "canary-person@example.org", "password": "canary-password" });
    t.anon().post("/api/v1/auth/login", &wrong).await.expect(401);
    t.anon().with_token("canary-token").get("/api/v1/me").await.expect(401);
    let refresh = ada.refresh_token.clone().unwrap();
    let token = ada.token().to_owned();
    let browser = t.anon().log_in_with_cookie("canary-person@example.org").await;
    let (cookie, csrf) = (browser.cookie().to_owned(), browser.csrf.clone().unwrap());
    browser.get("/api/v1/me").await.expect(200);
    t.anon()
        .post("/api/v1/auth/refresh", &json!({ "refresh_token": refresh }))
        .await
        .expect(200);
    t.drain_jobs().await;
    let log = support::log::text();
    let secret = cookie.split('=').nth(1).unwrap();
    let canaries = [
        PASSWORD,
        "canary-password",
        "canary-token",
        "canary-person",
        "canary-statement",
        "Canarytown",
        "canary-question",
        "canary-search",
        &refresh,
        &token,
        secret,
        &csrf,
    ];
    for canary in canaries {
        assert!(!log.contains(canary), "{canary} is in the log");
    }
    // The log is there, in JSON, and each request's line has its id, or this test means nothing.
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<&Value> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert!(requests.len() >= 10, "{log}");
    assert!(
        requests
            .iter()
            .all(|line| line["span"]["request_id"].as_str().is_some_and(|id| !id.is_empty()))
    );
}
