//! The main job: what a person says is recalled in their next chat, and nobody else's.

use anyhow::{Result, ensure};

use crate::browser::Window;
use crate::pages::{COMPLETE, RECALLED, RUNNING, ask_in_new_chat, sign_up, wait_until_remembered};
use crate::stage::{Stage, play};

const STATEMENT: &str = "My name is Ada, I live in Lisbon and I am allergic to peanuts.";
const QUESTION: &str = "What am I allergic to?";
/// The question first: what is recalled for it contains the statement.
const RULES: [(&str, &str); 2] = [("allergic to?", "Let me think about that."), ("My name is", GREETING)];
const GREETING: &str = "Nice to meet you, Ada. I will keep in mind what you told me about Lisbon and about peanuts.";

#[tokio::test]
async fn what_a_person_said_is_recalled_in_a_new_chat_and_by_nobody_else() -> Result<()> {
    play("memory", &RULES, async |stage| {
        let ada = stage.window(Window::default()).await?;
        sign_up(&ada, "en", "Ada").await?;

        stage.upstream.set_pace(std::time::Duration::from_millis(60));
        ask_in_new_chat(&ada, "en", STATEMENT).await?;
        ensure_streamed(&ada).await?;
        ada.wait_until_shown(COMPLETE, GREETING).await?;
        ada.reload().await?;
        ada.wait_until_shown(COMPLETE, GREETING).await?;
        wait_until_remembered(&ada, "en", "peanuts").await?;

        ask_in_new_chat(&ada, "en", QUESTION).await?;
        ada.wait_until_shown(COMPLETE, "Let me think").await?;
        ensure!(
            ada.whole_text(RECALLED).await?.contains("peanuts"),
            "the recalled memory is not shown"
        );
        ensure!(
            stage.upstream.last_prompt().contains("peanuts"),
            "the memory did not reach the prompt"
        );
        ada.reload().await?;
        ensure!(
            ada.whole_text(RECALLED).await?.contains("peanuts"),
            "after a reload it is not shown any more"
        );

        nobody_else_is_told(stage).await
    })
    .await
}

/// The text must be seen growing while the answer runs.
async fn ensure_streamed(browser: &crate::browser::Browser) -> Result<()> {
    let first = browser.wait_until_shown(RUNNING, "Nice").await?;
    for _ in 0..200 {
        match browser.last_text(RUNNING).await? {
            Some(text) if text.len() > first.len() => return Ok(()),
            Some(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            None => break,
        }
    }
    anyhow::bail!("the answer was not seen growing: it stayed at {first:?} until it was complete")
}

async fn nobody_else_is_told(stage: &Stage) -> Result<()> {
    let bob = stage.window(Window::default()).await?;
    sign_up(&bob, "en", "Bob").await?;
    ask_in_new_chat(&bob, "en", QUESTION).await?;
    bob.wait_until_shown(COMPLETE, "Let me think").await?;
    ensure!(
        !bob.has(RECALLED).await?,
        "something was recalled for a person who never said anything"
    );
    let prompt = stage.upstream.last_prompt();
    ensure!(
        prompt.contains(QUESTION),
        "the last prompt is not Bob's, or this test means nothing"
    );
    ensure!(
        !prompt.contains("peanuts") && !prompt.contains("Lisbon"),
        "Ada's memories are in Bob's prompt:\n{prompt}"
    );
    bob.goto("/en/memories").await?;
    ensure!(
        !bob.whole_text("main").await?.contains("peanuts"),
        "Ada's memories are on Bob's page"
    );
    Ok(())
}
