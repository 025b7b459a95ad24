//! A passkey is added in the settings and logs in; a recovery code helps where the passkey is not.

use anyhow::{Context, Result, ensure};

use crate::browser::Window;
use crate::pages::{log_in, sign_up};
use crate::stage::play;

#[tokio::test]
async fn a_passkey_is_added_and_logs_in_without_a_password() -> Result<()> {
    play("passkey", &[], async |stage| {
        let by_number = stage.window(Window::default()).await?;
        let account = sign_up(&by_number, "en", "Ada").await?;
        by_number.goto("/en/security/factors").await?;
        ensure!(
            !by_number.has("[data-passkey-add]").await?,
            "passkeys are offered under an IP address"
        );

        let ada = stage.window(Window::default()).await?.by_name();
        ada.give_authenticator().await?;
        log_in(&ada, "en", &account).await?;
        ada.goto("/en/security/factors").await?;
        ada.fill("#passkey-name", "My phone").await?;
        ada.click("[data-passkey-add] button[type=submit]").await?;
        let codes = ada.wait_for_text(".codes").await?;
        let code = codes.lines().next().context("no recovery codes")?.to_owned();
        ada.goto("/en/security/factors").await?;
        ada.wait_until_shown(".factor__name", "My phone").await?;

        ada.goto("/en/account").await?;
        ada.click(".sheet form[action='/en/logout'] button").await?;
        ada.wait_for_path(|path| path == "/en/login").await?;
        // The browser may offer the passkey by itself, and be faster than the finger.
        ada.click("[data-passkey-login] button").await.ok();
        ada.wait_for_path(|path| path.starts_with("/en/chats")).await?;

        let elsewhere = stage.window(Window::default()).await?;
        elsewhere.goto("/en/login").await?;
        elsewhere.fill("#email", &account.email).await?;
        elsewhere.fill("#password", &account.password).await?;
        elsewhere.click("[data-login] button[type=submit]").await?;
        elsewhere
            .wait_for_path(|path| path == "/en/login/second-factor")
            .await?;
        elsewhere.click(".other-way summary").await?;
        elsewhere.fill("#recovery_code", &code).await?;
        elsewhere.click(".other-way button[type=submit]").await?;
        elsewhere.wait_for_path(|path| path.starts_with("/en/chats")).await?;
        Ok(())
    })
    .await
}
