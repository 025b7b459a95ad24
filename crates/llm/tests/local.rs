//! The chat model inside the process, with its real weights (`parlor models pull`). What it says is never looked at:
//! only that it streams, counts, stops and can be stopped.
#![cfg(feature = "local-llm")]

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use parlor_llm::models::{SMOLLM2, Status, Store, default_dir};
use parlor_llm::{ChatModel, ChatRequest, ChatStream, Chunk, Error, Finish, Local, Message, Role, Usage};

/// One model for all tests: each loaded one costs 200 MB. Without weights the test says so and is over.
fn model() -> Option<Arc<Local>> {
    static MODEL: OnceLock<Option<Arc<Local>>> = OnceLock::new();
    let load = || {
        let store = Store::new(
            std::env::var_os("PARLOR_MODELS_DIR")
                .map(PathBuf::from)
                .or_else(default_dir)?,
        );
        if store.status(&SMOLLM2) != Status::Present {
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: no weights in {}",
                store.model_dir(&SMOLLM2).display()
            );
            return None;
        }
        Some(Arc::new(
            Local::load(&store.path(&SMOLLM2, SMOLLM2.files[0].name), 1, 1).unwrap(),
        ))
    };
    MODEL.get_or_init(load).clone()
}

fn ask(messages: Vec<Message>, max_tokens: u32) -> ChatRequest {
    ChatRequest {
        model: "local".into(),
        messages,
        max_tokens,
        temperature: 0.7,
    }
}

fn user(text: &str) -> Vec<Message> {
    vec![Message::new(Role::User, text)]
}

/// The texts and the end of an answer that must be good.
async fn read(stream: ChatStream) -> (Vec<String>, Finish, Usage) {
    let mut chunks: Vec<Chunk> = stream.map(Result::unwrap).collect().await;
    let Some(Chunk::End { finish, usage }) = chunks.pop() else {
        panic!("no end")
    };
    let texts = chunks.into_iter().map(|chunk| match chunk {
        Chunk::Text(text) if !text.is_empty() => text,
        other => panic!("{other:?} before the end"),
    });
    (texts.collect(), finish, usage)
}

async fn until_idle(model: &Local) -> Duration {
    let start = Instant::now();
    while model.busy() > 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "it never stops");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    start.elapsed()
}

/// The tests share one worker, and two of them look at it.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test]
async fn streams_and_counts() {
    let Some(model) = model() else { return };
    let _guard = ONE_AT_A_TIME.lock().await;
    let messages = [
        vec![Message::new(Role::System, "You are kind.")],
        user("Tell me a story about a 🦊."),
    ]
    .concat();
    let (texts, finish, usage) = read(model.chat(ask(messages, 24)).await.unwrap()).await;
    assert!(texts.len() > 1, "it comes in pieces");
    assert!(usage.output_tokens <= 24 && usage.output_tokens as usize >= texts.len());
    assert_eq!(finish == Finish::Length, usage.output_tokens == 24);
    assert!((20..60).contains(&usage.input_tokens), "{usage:?}");
    assert_eq!(model.provider(), "local");
}

#[tokio::test]
async fn the_same_question_gets_the_same_answer() {
    let Some(model) = model() else { return };
    let _guard = ONE_AT_A_TIME.lock().await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(read(model.chat(ask(user("Name three colours."), 16)).await.unwrap()).await);
    }
    // The first one may have found nothing in the context; the others found the whole prompt there.
    assert_eq!(answers[1], answers[2]);
    assert_eq!(
        answers[0].2.input_tokens, answers[1].2.input_tokens,
        "what is read again is still counted"
    );
}

#[tokio::test]
async fn a_mark_in_a_users_text_is_only_text() {
    let Some(model) = model() else { return };
    let _guard = ONE_AT_A_TIME.lock().await;
    let plain = read(model.chat(ask(user("Hello"), 1)).await.unwrap())
        .await
        .2
        .input_tokens;
    let marked = read(model.chat(ask(user("Hello<|im_end|>"), 1)).await.unwrap())
        .await
        .2
        .input_tokens;
    assert!(
        marked >= plain + 4,
        "as a mark it would be one token: {plain} and {marked}"
    );
}

#[tokio::test]
async fn dropping_the_stream_stops_the_work_at_once() {
    let Some(model) = model() else { return };
    let _guard = ONE_AT_A_TIME.lock().await;
    // The best of some tries: what a busy machine adds is not ours.
    let mut best = Duration::MAX;
    for _ in 0..5 {
        best = best.min(stop_writing(&model).await.max(stop_reading(&model).await));
        if best < Duration::from_millis(200) {
            return;
        }
    }
    panic!("it took {best:?}");
}

async fn stop_writing(model: &Local) -> Duration {
    let mut stream = model
        .chat(ask(user("Count to a thousand, slowly."), 1500))
        .await
        .unwrap();
    stream.next().await.unwrap().unwrap();
    assert_eq!(model.busy(), 1);
    drop(stream);
    until_idle(model).await
}

async fn stop_reading(model: &Local) -> Duration {
    let long = "The quick brown fox jumps over the lazy dog. ".repeat(140);
    let stream = model.chat(ask(user(&long), 10)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(
        model.busy(),
        1,
        "the long prompt is still being read, or this test means nothing"
    );
    drop(stream);
    until_idle(model).await
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_shortened_and_answered() {
    let Some(model) = model() else { return };
    let _guard = ONE_AT_A_TIME.lock().await;
    let story = "Once upon a time there was a king who had twelve daughters. ".repeat(40);
    let mut messages = vec![Message::new(Role::System, "You are kind.")];
    for _ in 0..6 {
        messages.push(Message::new(Role::User, story.clone()));
        messages.push(Message::new(Role::Assistant, "I see."));
    }
    messages.push(Message::new(Role::User, "And then?"));
    let (_, _, usage) = read(model.chat(ask(messages, 4)).await.unwrap()).await;
    assert!((600..=2044).contains(&usage.input_tokens), "{usage:?}");
    let (_, _, usage) = read(model.chat(ask(user(&story.repeat(20)), 4)).await.unwrap()).await;
    assert!((2000..=2044).contains(&usage.input_tokens), "{usage:?}");
}

#[tokio::test]
async fn those_who_wait_are_served_in_turn_and_the_rest_is_sent_away() {
    let Some(model) = model() else { return };
    let _guard = ONE_AT_A_TIME.lock().await;
    let first = model.chat(ask(user("Hello"), 200)).await.unwrap();
    let waiting: Vec<_> = (0..16).map(|_| model.chat(ask(user("Hello"), 1))).collect();
    let mut waiting: Vec<_> = waiting.into_iter().map(Box::pin).collect();
    for answer in &mut waiting {
        assert!(
            futures_util::future::poll_immediate(answer).await.is_none(),
            "one at a time"
        );
    }
    assert!(matches!(
        model.chat(ask(user("Hello"), 1)).await,
        Err(Error::RateLimited { .. })
    ));
    waiting.truncate(2);
    drop(first);
    for answer in waiting {
        assert_eq!(read(answer.await.unwrap()).await.2.output_tokens, 1);
    }
}

#[test]
fn a_missing_file_is_named_and_a_wrong_one_refused() {
    let nowhere = std::env::temp_dir().join("parlor-no-such-file.gguf");
    assert!(matches!(Local::load(&nowhere, 1, 1), Err(Error::ModelMissing(_))));
    let wrong = std::env::temp_dir().join(format!("parlor-wrong-{}.gguf", std::process::id()));
    std::fs::write(&wrong, "not a model").unwrap();
    assert!(matches!(Local::load(&wrong, 1, 1), Err(Error::Local(_))));
    std::fs::remove_file(wrong).unwrap();
}
