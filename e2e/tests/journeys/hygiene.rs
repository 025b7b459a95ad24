//! No page makes the browser complain: no script errors, no missing files, no violation of the security policy.

use anyhow::{Result, ensure};

use crate::browser::{Browser, Window};
use crate::pages::{COMPLETE, ask_in_new_chat, sign_up};
use crate::stage::play;

#[tokio::test]
async fn no_page_makes_the_browser_complain() -> Result<()> {
    let code = "Here:\n\n```rust\nfn main() {}\n```\n\n<script>alert(1)</script><img src=x onerror=alert(1)>";
    play("hygiene", &[("code", code)], async |stage| {
        let ada = stage.window(Window::default()).await?;
        ensure_log_works(&ada).await?;
        for path in ["/en/login", "/en/register", "/de/login", "/de/register", "/docs"] {
            visit(&ada, path).await?;
        }
        sign_up(&ada, "en", "Ada").await?;
        let chat = ask_in_new_chat(&ada, "en", "Show me code.").await?;
        ada.wait_until_shown(COMPLETE, "fn main()").await?;
        ensure_quiet(&ada, "streaming an answer").await?;
        for path in [
            chat.as_str(),
            "/en/chats",
            "/en/memories",
            "/en/account",
            "/de/chats",
            "/de/memories",
            "/de/account",
        ] {
            visit(&ada, path).await?;
        }
        Ok(())
    })
    .await
}

/// A script error must be seen, or an empty log means nothing.
async fn ensure_log_works(browser: &Browser) -> Result<()> {
    browser
        .goto_address("data:text/html,<p>broken</p><script>throw new Error('on purpose')</script>")
        .await?;
    browser.wait_for_text("p").await?;
    ensure!(
        browser
            .complaints()
            .await?
            .iter()
            .any(|line| line.contains("on purpose")),
        "the browser's log is not read"
    );
    Ok(())
}

async fn visit(browser: &Browser, path: &str) -> Result<()> {
    browser.goto(path).await?;
    browser.wait_for_text("body").await?;
    ensure_quiet(browser, path).await
}

async fn ensure_quiet(browser: &Browser, during: &str) -> Result<()> {
    let complaints = browser.complaints().await?;
    ensure!(complaints.is_empty(), "{during}: {complaints:#?}");
    Ok(())
}
