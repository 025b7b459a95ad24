use parlor_llm::{Error, Scripted};
use serde_json::json;

use crate::support::{kinds, start, start_with, text};

#[tokio::test]
async fn chat_1_a_chat_is_made_listed_renamed_and_deleted() {
    let t = start().await;
    let ada = t.user("ada").await;
    let id = ada.chat().await;
    ada.say(&id, "How do the tides work?").await;
    let chat = ada.get(&format!("/api/v1/chats/{id}")).await.expect(200).json();
    assert_eq!(chat["title"], "How do the tides work?");
    let renamed = ada
        .patch(&format!("/api/v1/chats/{id}"), &json!({ "title": "Tides" }))
        .await
        .expect(200);
    assert_eq!(renamed.json()["title"], "Tides");
    assert_eq!(
        ada.get("/api/v1/me").await.json()["totals"],
        json!({ "chats": 1, "messages": 2 })
    );
    ada.delete(&format!("/api/v1/chats/{id}")).await.expect(204);
    ada.get(&format!("/api/v1/chats/{id}")).await.expect(404);
    assert_eq!(ada.get("/api/v1/chats").await.json()["data"], json!([]));
    assert_eq!(ada.get("/api/v1/me").await.json()["totals"]["chats"], 0);
}

#[tokio::test]
async fn the_list_has_pages_most_recently_used_first() {
    let t = start().await;
    let ada = t.user("ada").await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(ada.chat().await);
    }
    ada.say(&ids[1], "hello").await;
    let expected = [1, 4, 3, 2, 0].map(|at: usize| ids[at].clone());
    let mut seen = Vec::new();
    let mut next = Some(String::new());
    while let Some(cursor) = next {
        let cursor = if cursor.is_empty() {
            String::new()
        } else {
            format!("&cursor={cursor}")
        };
        let page = ada
            .get(&format!("/api/v1/chats?limit=2{cursor}"))
            .await
            .expect(200)
            .json();
        seen.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|chat| chat["id"].as_str().unwrap().to_owned()),
        );
        next = page["next_cursor"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, expected);
    ada.get("/api/v1/chats?limit=0").await.expect(422);
    ada.get("/api/v1/chats?cursor=nonsense").await.expect(422);
}

#[tokio::test]
async fn search_finds_titles_and_messages_of_their_owner_alone() {
    let t = start_with(Scripted::new().fallback("The moon pulls the oceans.")).await;
    let (ada, bob) = (t.user("ada").await, t.user("bob").await);
    let tides = ada.chat().await;
    ada.say(&tides, "How do tides work?").await;
    let bread = ada.chat().await;
    ada.patch(
        &format!("/api/v1/chats/{bread}"),
        &json!({ "title": "Sourdough baking" }),
    )
    .await
    .expect(200);
    let bobs = bob.chat().await;
    bob.say(&bobs, "Tell me about oceans").await;
    let found = async |query: &str| {
        let page = ada.get(&format!("/api/v1/chats?q={query}")).await.expect(200).json();
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|chat| chat["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("tide").await, [tides.as_str()]);
    assert_eq!(
        found("oceans").await,
        [tides.as_str()],
        "answers are searched too, and Bob's are his"
    );
    assert_eq!(found("sourd").await, [bread], "the beginning of a word is enough");
    assert_eq!(found("oceans%20sourdough").await, Vec::<String>::new());
    assert_eq!(
        found("%22%20OR%20*").await,
        Vec::<String>::new(),
        "nothing that a person types is an operator"
    );
    ada.delete(&format!("/api/v1/chats/{tides}")).await.expect(204);
    assert_eq!(found("tide").await, Vec::<String>::new());
}

#[tokio::test]
async fn chat_7_theme_audience_and_style_are_known_and_reach_the_prompt() {
    let t = start().await;
    let ada = t.user("ada").await;
    let wrong = ada.post("/api/v1/chats", &json!({ "theme": "nonsense" })).await;
    assert_eq!(wrong.problem(), (422, "validation_failed".to_owned()));
    let chat = json!({ "theme": "coding", "audience": "expert", "response_style": "concise" });
    let id = ada.post("/api/v1/chats", &chat).await.expect(201).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    ada.say(&id, "hello").await;
    let system = t.model.requests()[0].messages[0].content.clone();
    for part in ["writes software", "knows the subject well", "as few words"] {
        assert!(system.contains(part), "{system}");
    }
}

#[tokio::test]
async fn chat_2_the_two_tiers_are_two_pipelines() {
    let t = start().await;
    let ada = t.user("ada").await;
    let id = ada.chat().await;
    let path = format!("/api/v1/chats/{id}/messages");
    for tier in ["quick", "enhanced"] {
        ada.post(&path, &json!({ "content": "hello", "tier": tier }))
            .await
            .expect(201);
    }
    let wrong = ada.post(&path, &json!({ "content": "hello", "tier": "huge" })).await;
    assert_eq!(wrong.problem(), (422, "validation_failed".to_owned()));
    let requests = t.model.requests();
    let tiers = &t.app.config.tiers;
    assert_eq!(requests[0].model, tiers.quick.openai_model);
    assert_eq!(requests[1].model, tiers.enhanced.openai_model);
    assert_ne!(requests[0].messages[0].content, requests[1].messages[0].content);
    // The second question is asked with the first and its answer.
    let said: Vec<&str> = requests[1]
        .messages
        .iter()
        .skip(1)
        .map(|turn| turn.content.as_str())
        .collect();
    assert_eq!(said, ["hello", "OK.", "hello"]);
}

#[tokio::test]
async fn an_answer_is_streamed_and_stored() {
    let t = start_with(Scripted::new().fallback("The moon pulls the water.")).await;
    let ada = t.user("ada").await;
    let id = ada.chat().await;
    let events = ada.say_streamed(&id, "Why are there tides?").await.rest().await;
    assert_eq!(kinds(&events).first(), Some(&"message.created"));
    assert_eq!(kinds(&events)[events.len() - 2..], ["usage", "done"]);
    assert!(
        events.iter().zip(1..).all(|(event, seq)| event.id == seq),
        "numbered without a gap"
    );
    assert_eq!(text(&events), "The moon pulls the water.");
    let messages = ada
        .get(&format!("/api/v1/chats/{id}/messages"))
        .await
        .expect(200)
        .json();
    let stored = messages["data"].as_array().unwrap();
    assert_eq!(
        (stored.len(), &stored[0]["role"], &stored[1]["role"]),
        (2, &json!("user"), &json!("assistant"))
    );
    assert_eq!(stored[1], events.last().unwrap().data["message"]);
    assert_eq!(
        (&stored[1]["status"], &stored[1]["content"]),
        (&json!("complete"), &json!("The moon pulls the water."))
    );
}

#[tokio::test]
async fn chat_3_a_failing_provider_is_said_plainly() {
    let t = start().await;
    let ada = t.user("ada").await;
    let id = ada.chat().await;
    let path = format!("/api/v1/chats/{id}/messages");
    let hello = json!({ "content": "hello", "tier": "quick" });
    t.model.fail_next(Error::Refused {
        status: 500,
        message: "secret internals".to_owned(),
    });
    let answer = ada.post(&path, &hello).await;
    assert_eq!(answer.problem(), (502, "provider_failed".to_owned()));
    assert!(!answer.text.contains("secret internals"));
    t.model.fail_next(Error::Timeout {
        what: "the first token",
        seconds: 60,
    });
    assert_eq!(
        ada.post(&path, &hello).await.problem(),
        (504, "provider_timeout".to_owned())
    );
    t.model.fail_next(Error::Unreachable("no route".to_owned()));
    let events = ada.say_streamed(&id, "hello").await.rest().await;
    assert_eq!(kinds(&events), ["message.created", "error", "done"]);
    assert_eq!(events[1].data["problem"]["code"], "provider_failed");
    assert_eq!(events[2].data["message"]["status"], "failed");
    // What the person wrote is kept.
    let messages = ada.get(&format!("{path}?limit=100")).await.json();
    let said = messages["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|message| message["role"] == "user")
        .count();
    assert_eq!(said, 3);
}

#[tokio::test]
async fn an_empty_or_endless_message_is_refused() {
    let t = start().await;
    let ada = t.user("ada").await;
    let path = format!("/api/v1/chats/{}/messages", ada.chat().await);
    for content in ["", "  \n", &"x".repeat(100_001)] {
        let answer = ada.post(&path, &json!({ "content": content, "tier": "quick" })).await;
        assert_eq!(answer.problem(), (422, "validation_failed".to_owned()));
    }
    assert_eq!(ada.get(&path).await.json()["data"], json!([]));
    let huge = ada.post(&path, &json!({ "content": "x".repeat(2 << 20) })).await;
    assert_eq!(huge.problem(), (413, "payload_too_large".to_owned()));
}
