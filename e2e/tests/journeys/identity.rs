//! Into an account and back into it: by the mailed link, after a forgotten password, and through a provider.

use anyhow::{Result, ensure};
use parlor_e2e::{github::GitHub, mailbox::Mailbox, process::fresh_name};

use crate::browser::{Browser, Window};
use crate::pages::{Account, COMPOSER, log_in};
use crate::stage::play;

/// Opens a mailed link and presses the one button of its page: opening alone does nothing.
async fn follow(browser: &Browser, link: &str) -> Result<()> {
    browser.goto_address(link).await?;
    browser.wait_for_text("main form button[type=submit]").await?;
    Ok(())
}

#[tokio::test]
async fn acc_7_and_4_an_address_is_confirmed_by_mail_and_a_forgotten_password_is_replaced() -> Result<()> {
    play("identity", &[], async |stage| {
        let mailbox = Mailbox::start()?;
        stage.parlor.configure(&mailbox.settings());
        stage.parlor.kill().await?;
        stage.parlor.restart().await?;
        let ada = stage.window(Window::default()).await?;
        let account = Account {
            email: format!("ada-{}@example.com", fresh_name()),
            password: format!("correct horse {}", fresh_name()),
        };
        ada.goto("/en/register").await?;
        ada.fill("[name=email]", &account.email).await?;
        ada.fill("[name=password]", &account.password).await?;
        ada.click("form:has([name=password]) button[type=submit]").await?;

        // Before the link: not in, and told why.
        let link = mailbox.link(&account.email, "/verify?token=").await?;
        ada.goto("/en/login").await?;
        ada.fill("[name=email]", &account.email).await?;
        ada.fill("[name=password]", &account.password).await?;
        ada.click("form[data-login] [type=submit]").await?;
        ada.wait_until_shown(".card__lead + .notice--error", "confirm").await?;

        follow(&ada, &link).await?;
        ada.click("main form button[type=submit]").await?;
        ada.wait_until_shown("main h1", "Welcome in").await?;
        log_in(&ada, "en", &account).await?;
        // A second click on the link says that it was used.
        let other = stage.window(Window::default()).await?;
        other.goto_address(&link).await?;
        other.wait_until_shown("main h1", "confirmed already").await?;

        // Forgotten on the other device.
        other.goto("/en/login").await?;
        other.click("a[href^='/en/forgot']").await?;
        other.wait_for_path(|path| path == "/en/forgot").await?;
        other.fill("[name=email]", &account.email).await?;
        other.click("form:has([name=email]) button[type=submit]").await?;
        let link = mailbox.link(&account.email, "/reset?token=").await?;
        follow(&other, &link).await?;
        let renewed = Account {
            email: account.email.clone(),
            password: format!("another horse {}", fresh_name()),
        };
        other.fill("[name=password]", &renewed.password).await?;
        other
            .click("main form:has([name=password]) button[type=submit]")
            .await?;
        other.wait_until_shown("main h1", "Your password is changed").await?;
        log_in(&other, "en", &renewed).await?;
        // The first device was logged out by it.
        ada.goto("/en/chats").await?;
        ada.wait_for_path(|path| path == "/en/login").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn oau_1_a_person_comes_in_through_github_and_finds_their_name() -> Result<()> {
    play("social", &[], async |stage| {
        let github = GitHub::start(&stage.parlor.url()).await?;
        stage.parlor.configure(&github.settings());
        stage.parlor.kill().await?;
        stage.parlor.restart().await?;
        let octo = stage.window(Window::default()).await?;
        octo.goto("/en/login").await?;
        octo.click("a[href*='/auth/oauth/github']").await?;
        octo.wait_for_text("form:has([value=octocat]) button").await?;
        octo.click("form:has([value=octocat]) button").await?;
        octo.wait_for_path(|path| path == "/en/chats").await?;
        ensure!(octo.has(COMPOSER).await?, "no place to write");
        octo.goto("/en/security/connections").await?;
        let connections = octo.whole_text("main").await?;
        ensure!(connections.contains("octocat"), "{connections}");
        octo.goto("/en/account").await?;
        ensure!(octo.attribute("[name=display_name]", "value").await?.as_deref() == Some("Octo Cat"));
        Ok(())
    })
    .await
}
