//! DESIGN promise 3: answers never vanish.

use std::time::Duration;

use parlor_llm::{Error, Scripted};
use parlor_server::features::generations;
use reqwest::Method;
use serde_json::json;

use crate::support::{TestApp, kinds, start_with, text, until};

const STORY: &str = "one two three four five six seven eight nine ten";

/// A Parlor whose model waits for the gate before each word.
async fn held() -> (TestApp, parlor_llm::Gate) {
    let t = start_with(Scripted::new().fallback(STORY)).await;
    let gate = t.model.hold();
    (t, gate)
}

#[tokio::test]
async fn chat_4_a_reader_that_leaves_does_not_stop_the_answer() {
    let (t, gate) = held().await;
    let ada = t.user("ada").await;
    let chat = ada.chat().await;
    let mut reader = ada.say_streamed(&chat, "count").await;
    gate.release(2);
    let seen = reader.until("delta").await;
    let message = seen[0].data["message_id"].as_str().unwrap().to_owned();
    drop(reader);
    gate.release_all();
    until("the answer is complete", async || {
        let messages = ada.get(&format!("/api/v1/chats/{chat}/messages")).await.json();
        messages["data"][1]["status"] == "complete"
    })
    .await;
    let all = ada.join(&chat, &message, None).await.rest().await;
    assert_eq!(text(&all), STORY);
}

#[tokio::test]
async fn chat_4_a_reader_resumes_without_gap_or_duplicate() {
    let (t, gate) = held().await;
    let ada = t.user("ada").await;
    let chat = ada.chat().await;
    let mut first = ada.say_streamed(&chat, "count").await;
    gate.release(3);
    let mut seen = first.until("delta").await;
    let message = seen[0].data["message_id"].as_str().unwrap().to_owned();
    let last = seen.last().unwrap().id;
    drop(first);
    // A second reader joins from the beginning while the first one comes back to where it was.
    let mut resumed = ada.join(&chat, &message, Some(last)).await;
    let mut joined = ada.join(&chat, &message, None).await;
    gate.release_all();
    seen.extend(resumed.rest().await);
    let all = joined.rest().await;
    assert_eq!(seen, all);
    assert!(all.iter().zip(1..).all(|(event, seq)| event.id == seq));
    // And once more from the log alone.
    assert_eq!(ada.join(&chat, &message, None).await.rest().await, all);
    assert_eq!(
        ada.join(&chat, &message, Some(last)).await.rest().await,
        all[usize::try_from(last).unwrap()..]
    );
}

#[tokio::test]
async fn chat_4_stop_keeps_what_came_and_continue_goes_on() {
    let (t, gate) = held().await;
    let ada = t.user("ada").await;
    let chat = ada.chat().await;
    let mut reader = ada.say_streamed(&chat, "count").await;
    gate.release(2);
    let seen = reader.until("delta").await;
    let message = seen[0].data["message_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/chats/{chat}/messages/{message}");
    let stopped = ada.post(&format!("{path}/cancel"), &json!({})).await.expect(200).json();
    assert_eq!(stopped["status"], "cancelled");
    let kept = stopped["content"].as_str().unwrap().to_owned();
    assert!(!kept.is_empty() && STORY.starts_with(kept.trim_end()), "{kept:?}");
    assert_eq!(reader.rest().await.last().unwrap().data["message"], stopped);
    until("the provider is let go", async || t.model.live() == 0).await;
    gate.release_all();
    let mut more = crate::support::Events::open(ada.request(Method::POST, &format!("{path}/continue"))).await;
    let more = more.rest().await;
    let end = &more.last().unwrap().data["message"];
    assert_eq!((&end["id"], &end["status"]), (&json!(message), &json!("complete")));
    assert_eq!(end["content"], format!("{kept}{}", text(&more)));
    // From the beginning it is one answer with one end.
    let all = ada.join(&chat, &message, None).await.rest().await;
    assert_eq!(kinds(&all).iter().filter(|kind| **kind == "done").count(), 1);
    assert_eq!(text(&all), end["content"].as_str().unwrap());
    assert_eq!(
        ada.post(&format!("{path}/continue"), &json!({})).await.problem(),
        (409, "conflict".to_owned())
    );
}

#[tokio::test]
async fn an_answer_that_fails_in_its_middle_keeps_its_beginning() {
    let t = start_with(Scripted::new().fallback(STORY).fail_after_tokens(3, Error::CutOff)).await;
    let ada = t.user("ada").await;
    let chat = ada.chat().await;
    let events = ada.say_streamed(&chat, "count").await.rest().await;
    assert_eq!(kinds(&events)[events.len() - 2..], ["error", "done"]);
    let message = &events.last().unwrap().data["message"];
    assert_eq!(
        (&message["status"], message["content"].as_str().unwrap().trim_end()),
        (&json!("failed"), "one two three")
    );
    assert_eq!(message["error"]["code"], "provider_failed");
}

#[tokio::test]
async fn ops_2_a_stop_waits_for_answers_and_interrupts_the_rest() {
    let (t, gate) = held().await;
    let ada = t.user("ada").await;
    let chat = ada.chat().await;
    let mut reader = ada.say_streamed(&chat, "count").await;
    gate.release(2);
    reader.until("delta").await;
    let deadline = tokio::time::Instant::now() + Duration::from_millis(100);
    generations::drain(&t.app, deadline).await;
    let events = reader.rest().await;
    let message = &events.last().unwrap().data["message"];
    assert_eq!(message["status"], "interrupted");
    assert!(message["content"].as_str().unwrap().starts_with("one"));
}

#[tokio::test]
async fn many_streams_at_once_all_arrive_whole() {
    let t = start_with(Scripted::new().fallback(STORY)).await;
    let ada = t.user("ada").await;
    let mut chats = Vec::new();
    for _ in 0..20 {
        chats.push(ada.chat().await);
    }
    let streams = chats
        .iter()
        .map(async |chat| ada.say_streamed(chat, "count").await.rest().await);
    for events in futures_util::future::join_all(streams).await {
        assert_eq!(text(&events), STORY);
        assert!(events.iter().zip(1..).all(|(event, seq)| event.id == seq));
    }
}

#[tokio::test]
async fn chat_4_a_client_that_leaves_in_mid_request_leaves_no_answer_running() {
    use tokio::io::AsyncWriteExt;

    let t = start_with(Scripted::new().fallback(STORY)).await;
    let ada = t.user("ada").await;
    let chat = ada.chat().await;
    let body = r#"{"content":"count","tier":"quick"}"#;
    let request = format!(
        "POST /api/v1/chats/{chat}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\naccept: text/event-stream\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        ada.token(),
        body.len()
    );
    for pause in 0..40 {
        let address = t.base.trim_start_matches("http://");
        let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_micros(pause * 150)).await;
        drop(connection);
    }
    until("every answer that began has ended", async || {
        let messages = ada
            .get(&format!("/api/v1/chats/{chat}/messages?limit=100"))
            .await
            .json();
        let messages = messages["data"].as_array().unwrap().clone();
        !messages.is_empty() && messages.iter().all(|message| message["status"] == "complete")
    })
    .await;
}

#[tokio::test]
async fn chat_4_a_last_event_id_beyond_the_log_means_its_end() {
    let (t, gate) = held().await;
    let ada = t.user("ada").await;
    let chat = ada.chat().await;
    let mut reader = ada.say_streamed(&chat, "count").await;
    gate.release(2);
    let seen = reader.until("delta").await;
    let message = seen[0].data["message_id"].as_str().unwrap().to_owned();
    let mut beyond = ada.join(&chat, &message, Some(i64::MAX)).await;
    gate.release_all();
    assert_eq!(beyond.rest().await.last().unwrap().kind, "done");
}
