use parlor_llm::Scripted;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, Events, send, start, start_with, text};

async fn post(actor: &Actor, path: &str, key: &str, body: &Value) -> Answer {
    send(
        actor
            .request(Method::POST, path)
            .header("idempotency-key", key)
            .json(body),
    )
    .await
}

#[tokio::test]
async fn dat_1_the_same_key_and_body_create_once() {
    let t = start().await;
    let ada = t.user("ada").await;
    let body = json!({ "title": "Tides" });
    let first = post(&ada, "/api/v1/chats", "key-1", &body).await.expect(201);
    let again = post(&ada, "/api/v1/chats", "key-1", &body).await.expect(201);
    assert_eq!(first.json(), again.json());
    assert_eq!(
        (
            first.header("idempotency-replayed"),
            again.header("idempotency-replayed")
        ),
        ("", "true")
    );
    let other = post(&ada, "/api/v1/chats", "key-1", &json!({ "title": "Other" })).await;
    assert_eq!(other.problem(), (409, "idempotency_key_reused".to_owned()));
    // Keys belong to their person.
    let bob = t.user("bob").await;
    assert_ne!(
        post(&bob, "/api/v1/chats", "key-1", &body).await.expect(201).json()["id"],
        first.json()["id"]
    );
    assert_eq!(
        ada.get("/api/v1/chats").await.json()["data"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn dat_1_of_many_equal_requests_at_once_one_creates() {
    let t = start().await;
    let ada = t.user("ada").await;
    let body = json!({ "content": "I play the cello." });
    let all = (0..16).map(|_| post(&ada, "/api/v1/memories", "key-1", &body));
    let answers = futures_util::future::join_all(all).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    let made = answers
        .iter()
        .filter(|answer| answer.status == 201 && answer.header("idempotency-replayed").is_empty());
    assert_eq!(made.count(), 1);
}

#[tokio::test]
async fn a_message_sent_twice_is_answered_once() {
    let t = start_with(Scripted::new().fallback("Only once.")).await;
    let ada = t.user("ada").await;
    let chat = ada.chat().await;
    let path = format!("/api/v1/chats/{chat}/messages");
    let body = json!({ "content": "hello", "tier": "quick" });
    let first = post(&ada, &path, "key-1", &body).await.expect(201);
    let again = post(&ada, &path, "key-1", &body).await.expect(201);
    assert_eq!(
        (first.json(), again.header("idempotency-replayed")),
        (again.json(), "true")
    );
    let streamed = ada
        .request(Method::POST, &path)
        .header("idempotency-key", "key-1")
        .json(&body);
    assert_eq!(text(&Events::open(streamed).await.rest().await), "Only once.");
    assert_eq!(t.model.requests().len(), 1);
    assert_eq!(ada.get(&path).await.json()["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_refused_request_uses_no_key_up() {
    let t = start().await;
    let ada = t.user("ada").await;
    post(&ada, "/api/v1/chats", "key-1", &json!({ "theme": "nonsense" }))
        .await
        .expect(422);
    post(&ada, "/api/v1/chats", "key-1", &json!({ "theme": "coding" }))
        .await
        .expect(201);
}
