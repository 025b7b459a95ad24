//! Two browsers of one person: the first logs the second out and sees it leave, and the second notices at once.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::browser::Window;
use crate::pages::{COMPOSER, log_in, sign_up};
use crate::stage::play;

const OTHERS: &str = "[data-session]:not([data-current])";
const DRAFT: &str = "What I was about to say";

#[tokio::test]
async fn a_device_that_is_logged_out_leaves_at_once_and_keeps_its_draft() -> Result<()> {
    play("devices", &[], async |stage| {
        let first = stage.window(Window::default()).await?;
        let account = sign_up(&first, "en", "Ada").await?;
        first.goto("/en/sessions").await?;
        first.wait_for_text("[data-current]").await?;
        ensure!(!first.has(OTHERS).await?, "one device only");

        let second = stage.window(Window::default()).await?;
        log_in(&second, "en", &account).await?;
        first.wait_for_text(OTHERS).await?;
        second.fill(COMPOSER, DRAFT).await?;

        first.click(&format!("{OTHERS} button")).await?;
        first.wait_for_text("[data-confirm-button]").await?;
        first.click("[data-confirm-button]").await?;
        let asked = Instant::now();
        second.wait_for_path(|path| path == "/en/login").await?;
        let took = asked.elapsed();
        ensure!(took < Duration::from_secs(2), "it left after {took:?}");
        second
            .wait_until_shown(".notice--info", "You are logged out on this device")
            .await?;
        first.wait_until_shown(".notice", "That device is logged out").await?;
        ensure!(!first.has(OTHERS).await?, "it is still listed");

        // Where the login page leads: back, with the draft.
        second.fill("[name=email]", &account.email).await?;
        second.fill("[name=password]", &account.password).await?;
        second.click("form[data-login] [type=submit]").await?;
        second.wait_for_path(|path| path == "/en/chats").await?;
        second.wait_for_value(COMPOSER, DRAFT).await?;
        let complaints = [first.complaints().await?, second.complaints().await?].concat();
        ensure!(complaints.is_empty(), "{complaints:?}");
        Ok(())
    })
    .await
}
