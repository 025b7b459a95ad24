//! A browser that asks for German gets German pages, from the door to the answer.

use anyhow::{Result, ensure};

use crate::browser::Window;
use crate::pages::{COMPLETE, ask_in_new_chat, sign_up};
use crate::stage::play;

#[tokio::test]
async fn a_german_browser_is_spoken_to_in_german() -> Result<()> {
    play("languages", &[("Wetter", "In Lissabon regnet es.")], async |stage| {
        let greta = stage
            .window(Window {
                language: "de",
                ..Window::default()
            })
            .await?;
        greta.goto("/").await?;
        let path = greta.path().await?;
        ensure!(path.starts_with("/de"), "the door leads to {path}");

        greta.goto("/de/login").await?;
        let german = greta.wait_for_text("h1").await?;
        greta.goto("/en/login").await?;
        let english = greta.wait_for_text("h1").await?;
        ensure!(german != english, "both languages are headed {german:?}");

        sign_up(&greta, "de", "Greta").await?;
        ask_in_new_chat(&greta, "de", "Wie ist das Wetter?").await?;
        greta.wait_until_shown(COMPLETE, "In Lissabon regnet es.").await?;
        ensure!(
            greta.attribute("html", "lang").await?.as_deref() == Some("de"),
            "the page does not say that it is German"
        );
        Ok(())
    })
    .await
}
