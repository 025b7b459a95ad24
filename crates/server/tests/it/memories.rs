use std::time::Duration;

use parlor_llm::{Role, Scripted};
use serde_json::{Value, json};

use crate::support::{start, start_configured, start_with};

const ABOUT: &str = "My name is Ada, I live in Lisbon and I am allergic to peanuts.";

fn contents(memories: &Value) -> Vec<String> {
    let list = memories.as_array().unwrap();
    list.iter()
        .map(|memory| memory["content"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn chat_8_what_was_said_is_recalled_the_next_day_in_a_new_chat_and_used_in_the_prompt() {
    let t = start_with(Scripted::new().fallback("Noted.")).await;
    let ada = t.user("ada").await;
    let first = ada.say(&ada.chat().await, ABOUT).await;
    assert!(
        contents(&first["memory"]["learned"])
            .join(" ")
            .contains("allergic to peanuts"),
        "{first}"
    );
    t.drain_jobs().await;
    t.clock.advance(Duration::from_secs(86_400));
    let ada = t.anon().log_in("ada@example.org").await;
    let chat = ada.chat().await;
    let answer = ada.say(&chat, "What am I allergic to?").await;
    let recalled = contents(&answer["memory"]["recalled"]);
    assert!(
        recalled.iter().any(|memory| memory.contains("allergic to peanuts")),
        "{answer}"
    );
    let requests = t.model.requests();
    let turns = &requests.last().unwrap().messages;
    let question = turns.last().unwrap();
    assert_eq!(question.role, Role::User);
    assert!(question.content.contains("allergic to peanuts") && question.content.ends_with("What am I allergic to?"));
    let system = turns.iter().find(|turn| turn.role == Role::System).unwrap();
    assert!(
        !system.content.contains("peanuts"),
        "what a person said never stands among the instructions"
    );
    // The page and the stream tell the same.
    let message = answer["message"]["id"].as_str().unwrap();
    let events = ada.join(&chat, message, None).await.rest().await;
    let event = events.iter().find(|event| event.kind == "memory.recalled").unwrap();
    assert_eq!(event.data["memories"], answer["memory"]["recalled"]);
}

#[tokio::test]
async fn ses_13_a_second_person_sees_none_of_it() {
    let t = start().await;
    let (ada, bob) = (t.user("ada").await, t.user("bob").await);
    ada.say(&ada.chat().await, ABOUT).await;
    t.drain_jobs().await;
    let answer = bob
        .say(&bob.chat().await, "What am I allergic to? Do I live in Lisbon?")
        .await;
    assert_eq!(answer["memory"]["recalled"], json!([]));
    let sent = t.model.requests();
    assert!(
        sent.last()
            .unwrap()
            .messages
            .iter()
            .all(|turn| !turn.content.contains("peanuts"))
    );
    let search = bob
        .post(
            "/api/v1/memories/search",
            &json!({ "query": "allergic peanuts Lisbon" }),
        )
        .await
        .json();
    assert_eq!(search["data"], json!([]));
    assert_eq!(bob.get("/api/v1/memories").await.json()["data"], json!([]));
    // Ada has them, or this test means nothing.
    let search = ada
        .post(
            "/api/v1/memories/search",
            &json!({ "query": "allergic peanuts Lisbon" }),
        )
        .await
        .json();
    assert!(!search["data"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn mem_8_small_talk_questions_and_answers_are_not_remembered() {
    let t = start_with(Scripted::new().fallback("I live in a computer and I love chess.")).await;
    let ada = t.user("ada").await;
    let chat = ada.chat().await;
    for text in [
        "Hi!",
        "Thanks a lot",
        "What is the capital of France?",
        "```\nlet x = 1;\n```",
    ] {
        ada.say(&chat, text).await;
    }
    assert_eq!(ada.get("/api/v1/memories").await.json()["data"], json!([]));
}

#[tokio::test]
async fn the_same_statement_is_kept_once() {
    let t = start().await;
    let ada = t.user("ada").await;
    for _ in 0..3 {
        ada.say(&ada.chat().await, "I live in Lisbon.").await;
    }
    assert_eq!(
        ada.get("/api/v1/memories").await.json()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn mem_1_memories_are_added_read_searched_and_forgotten() {
    let t = start().await;
    let ada = t.user("ada").await;
    let add = json!({ "content": "I play the cello on Thursdays.", "kind": "fact", "importance": 0.8 });
    let made = ada.post("/api/v1/memories", &add).await.expect(201).json();
    assert_eq!(
        (&made["memory"]["kind"], &made["memory"]["importance"]),
        (&json!("fact"), &json!(0.8))
    );
    assert_eq!(made["superseded"], json!([]));
    let id = made["memory"]["id"].as_str().unwrap();
    ada.get(&format!("/api/v1/memories/{id}")).await.expect(200);
    t.drain_jobs().await;
    let found = ada
        .post("/api/v1/memories/search", &json!({ "query": "cello", "limit": 3 }))
        .await
        .expect(200)
        .json();
    let hit = &found["data"][0];
    assert_eq!(hit["memory"]["id"], id);
    for part in ["relevance", "recency", "importance", "confidence"] {
        assert!(
            hit["parts"][part]
                .as_f64()
                .is_some_and(|value| (0.0..=1.0).contains(&value)),
            "{hit}"
        );
    }
    assert_eq!(ada.get("/api/v1/memories?kind=plan").await.json()["data"], json!([]));
    ada.get("/api/v1/memories?kind=nonsense").await.expect(422);
    ada.delete(&format!("/api/v1/memories/{id}")).await.expect(204);
    ada.get(&format!("/api/v1/memories/{id}")).await.expect(404);
    let found = ada
        .post("/api/v1/memories/search", &json!({ "query": "cello" }))
        .await
        .json();
    assert_eq!(found["data"], json!([]), "neither words nor vector are left");
}

#[tokio::test]
async fn forgetting_everything_leaves_nothing_to_recall() {
    let t = start().await;
    let ada = t.user("ada").await;
    for content in ["I play the cello.", "I live in Lisbon."] {
        ada.post("/api/v1/memories", &json!({ "content": content }))
            .await
            .expect(201);
    }
    t.drain_jobs().await;
    ada.delete("/api/v1/memories").await.expect(204);
    assert_eq!(ada.get("/api/v1/memories").await.json()["data"], json!([]));
    let answer = ada.say(&ada.chat().await, "Do I play the cello in Lisbon?").await;
    assert_eq!(answer["memory"]["recalled"], json!([]));
}

#[tokio::test]
async fn nothing_is_learned_where_memory_is_off() {
    let t = start_configured(Scripted::new(), |config| config.memory.enabled = false).await;
    let ada = t.user("ada").await;
    let answer = ada.say(&ada.chat().await, ABOUT).await;
    assert_eq!(answer["memory"], json!({ "recalled": [], "learned": [] }));
}
