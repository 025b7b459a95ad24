//! Without scripts everything works but the streaming: a reload shows the answer.

use anyhow::{Result, ensure};

use crate::browser::{Browser, Window};
use crate::pages::{COMPLETE, ask_in_new_chat, send, sign_up};
use crate::stage::play;

#[tokio::test]
async fn a_chat_works_without_scripts() -> Result<()> {
    play(
        "no-script",
        &[("weather", "It rains in Lisbon."), ("sure", "Quite sure.")],
        async |stage| {
            let ada = stage
                .window(Window {
                    scripts: false,
                    ..Window::default()
                })
                .await?;
            ensure_no_scripts(&ada).await?;
            sign_up(&ada, "en", "Ada").await?;
            ask_in_new_chat(&ada, "en", "How is the weather?").await?;
            reload_until_shown(&ada, "It rains in Lisbon.").await?;
            send(&ada, "Are you sure?").await?;
            reload_until_shown(&ada, "Quite sure.").await
        },
    )
    .await
}

/// A page that a script would change: if it changes, scripts run and this journey proves nothing.
async fn ensure_no_scripts(browser: &Browser) -> Result<()> {
    browser
        .goto_address("data:text/html,<p>plain</p><script>document.querySelector('p').textContent='scripted'</script>")
        .await?;
    ensure!(
        browser.wait_for_text("p").await? == "plain",
        "scripts run in this window"
    );
    Ok(())
}

async fn reload_until_shown(browser: &Browser, wanted: &str) -> Result<()> {
    for _ in 0..50 {
        if browser
            .last_text(COMPLETE)
            .await?
            .is_some_and(|text| text.contains(wanted))
        {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        browser.reload().await?;
    }
    anyhow::bail!("{wanted:?} did not appear")
}
