//! A power cut in the middle of an answer: what was seen is still there, and one click goes on.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::browser::Window;
use crate::pages::{COMPLETE, INTERRUPTED, RUNNING, ask_in_new_chat, sign_up};
use crate::stage::play;

const STEPS: usize = 80;
const THE_END: &str = "And so it ended well.";

#[tokio::test]
async fn a_killed_server_keeps_what_was_seen_and_continues() -> Result<()> {
    let story = (1..=STEPS)
        .map(|step| format!("step-{step}."))
        .collect::<Vec<_>>()
        .join(" ");
    // Going on is asked for in Parlor's words, which come after the question: the first rule that fits counts.
    let rules = [("Continue your last answer", THE_END), ("story", story.as_str())];
    play("crash", &rules, async |stage| {
        let ada = stage.window(Window::default()).await?;
        sign_up(&ada, "en", "Ada").await?;

        stage.upstream.set_pace(Duration::from_millis(150));
        ask_in_new_chat(&ada, "en", "Tell me a story.").await?;
        let seen = last_step(&ada.wait_until_shown(RUNNING, "step-8.").await?);
        ensure!(
            seen < STEPS,
            "the answer was complete before the crash, or this test means nothing"
        );
        stage.parlor.kill().await?;

        stage.upstream.set_pace(Duration::from_millis(5));
        stage.parlor.restart().await?;
        ada.reload().await?;
        let kept = ada.wait_for_text(INTERRUPTED).await?;
        for step in 1..=seen {
            ensure!(
                kept.contains(&format!("step-{step}.")),
                "step {step} of {seen} was seen and is lost: {kept}"
            );
        }

        ada.click(&format!("{INTERRUPTED} [data-continue] button")).await?;
        let whole = ada.wait_until_shown(COMPLETE, THE_END).await?;
        ensure!(
            whole.contains(&format!("step-{seen}.")),
            "going on replaced what was there: {whole}"
        );
        ensure!(
            stage.upstream.last_prompt().contains(&format!("step-{seen}.")),
            "the model was not told where it stopped"
        );
        Ok(())
    })
    .await
}

/// The highest step a text tells of; 0 when none.
fn last_step(text: &str) -> usize {
    (1..=STEPS)
        .rev()
        .find(|step| text.contains(&format!("step-{step}.")))
        .unwrap_or(0)
}
