//! The pages as journeys know them: where they are and what their parts are called.

use anyhow::{Result, ensure};
use parlor_e2e::process::fresh_name;

use crate::browser::Browser;

pub const COMPOSER: &str = "textarea[name=content]";
pub const RUNNING: &str = "[data-role=assistant][data-status=running]";
pub const COMPLETE: &str = "[data-role=assistant][data-status=complete]";
pub const INTERRUPTED: &str = "[data-role=assistant][data-status=interrupted]";
pub const RECALLED: &str = "[data-recalled]";
const LOGIN: &str = "form[action$='/login']";

/// Somebody with an account.
pub struct Account {
    pub email: String,
    pub password: String,
}

/// Registers somebody new in this window and logs them in, through the pages of one language.
pub async fn sign_up(browser: &Browser, locale: &str, display_name: &str) -> Result<Account> {
    let email = format!("{}-{}@example.com", display_name.to_lowercase(), fresh_name());
    let account = Account {
        email,
        password: format!("correct horse {}", fresh_name()),
    };
    let register = format!("/{locale}/register");
    browser.goto(&register).await?;
    browser.fill("[name=display_name]", display_name).await?;
    browser.fill("[name=email]", &account.email).await?;
    browser.fill("[name=password]", &account.password).await?;
    browser.click("form:has([name=password]) button[type=submit]").await?;
    browser.wait_for_path(|path| path != register).await?;
    if !browser.has(COMPOSER).await? {
        log_in(browser, locale, &account).await?;
    }
    Ok(account)
}

/// Logs in and returns once there is a place to write.
pub async fn log_in(browser: &Browser, locale: &str, account: &Account) -> Result<()> {
    let login = format!("/{locale}/login");
    browser.goto(&login).await?;
    browser.fill(&format!("{LOGIN} [name=email]"), &account.email).await?;
    browser
        .fill(&format!("{LOGIN} [name=password]"), &account.password)
        .await?;
    browser.click(&format!("{LOGIN} button[type=submit]")).await?;
    browser.wait_for_path(|path| path != login).await?;
    ensure!(
        browser.has(COMPOSER).await?,
        "after logging in there is no place to write"
    );
    Ok(())
}

/// Asks in a new chat and returns once its page is shown.
pub async fn ask_in_new_chat(browser: &Browser, locale: &str, question: &str) -> Result<String> {
    let chats = format!("/{locale}/chats");
    browser.goto(&chats).await?;
    send(browser, question).await?;
    browser
        .wait_for_path(|path| path.starts_with(&format!("{chats}/")))
        .await
}

/// Sends a message from the page's composer.
pub async fn send(browser: &Browser, message: &str) -> Result<()> {
    browser.fill(COMPOSER, message).await?;
    browser
        .click(&format!("form:has({COMPOSER}) button[type=submit]"))
        .await
}

/// Loads the memories page until it shows `wanted`: learning is a background job.
pub async fn wait_until_remembered(browser: &Browser, locale: &str, wanted: &str) -> Result<()> {
    for _ in 0..100 {
        browser.goto(&format!("/{locale}/memories")).await?;
        if browser.whole_text("main").await?.contains(wanted) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("{wanted:?} did not appear among the memories")
}
