//! The way to a provider and back: a row, gone once, in one browser, within ten minutes.

use reqwest::Url;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::{
    providers::{Answer, Ask, Provider, Signed},
    rules::{FLOW_LIFE, Failure, Purpose, challenge, is_secret, new_secret, same_site_path},
    store::{self, Flow},
};
use crate::{
    app::App,
    features::sessions::Session,
    http::Error,
    secrets::{self, fingerprint},
};

/// Why a way ended early.
pub(super) enum Stopped {
    /// The person is told, and can try again.
    Told(Failure),
    /// Our own fault.
    Broken(Error),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Told(failure)
    }
}

impl<E: Into<Error>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

/// Somebody who wants to go to a provider.
pub(super) struct Start<'a> {
    pub(super) provider: &'a Provider,
    pub(super) purpose: Purpose,
    /// The session that a link belongs to.
    pub(super) session: Option<&'a Session>,
    /// The path of ours to which the provider sends the browser back.
    pub(super) callback: String,
    pub(super) redirect_to: Option<&'a str>,
    pub(super) locale: &'a str,
    /// The secret of this browser's cookie, from a way that it began before.
    pub(super) browser: Option<&'a str>,
}

/// What only this server must know of a way.
#[derive(Serialize, Deserialize)]
struct Secrets {
    verifier: String,
    nonce: String,
    callback: String,
}

/// Notes the way; says where the browser goes, and its secret.
pub(super) async fn start(app: &App, start: Start<'_>) -> Result<(Url, String), Stopped> {
    let state = new_secret();
    let known = start.browser.filter(|secret| is_secret(secret));
    // Several tabs of one browser share it.
    let browser = known.map_or_else(new_secret, str::to_owned);
    let secrets = Secrets {
        verifier: new_secret(),
        nonce: new_secret(),
        callback: start.callback,
    };
    let ask = Ask {
        redirect_uri: &format!("{}{}", app.config.public_url, secrets.callback),
        state: &state,
        challenge: challenge(&secrets.verifier),
        nonce: &secrets.nonce,
    };
    let now = app.clock.now();
    let url = app.oauth.authorize_url(start.provider, now, &ask).await?;
    let id = app.ids.next();
    let plain = serde_json::to_vec(&secrets).map_err(Error::internal)?;
    let flow = Flow {
        id,
        state_hash: fingerprint(state.as_bytes()).to_vec(),
        browser_hash: fingerprint(browser.as_bytes()).to_vec(),
        provider: start.provider.id.to_owned(),
        purpose: start.purpose.as_str().to_owned(),
        user_id: start.session.map(|session| session.user_id),
        session_id: start.session.map(|session| session.id),
        secrets: app.vault.seal(secrets::Purpose::Provider, id.as_bytes(), &plain),
        redirect_to: start
            .redirect_to
            .and_then(same_site_path)
            .unwrap_or_default()
            .to_owned(),
        locale: start.locale.to_owned(),
        created_at: now,
        expires_at: now + FLOW_LIFE,
        used_at: None,
    };
    store::insert_flow(app, flow).await?;
    Ok((url, browser))
}

/// What the provider put into the address.
#[derive(Default, Deserialize)]
pub(super) struct Returned {
    pub(super) code: Option<String>,
    pub(super) state: Option<String>,
    pub(super) error: Option<String>,
    pub(super) iss: Option<String>,
}

/// The way that this browser began and has not ended. `route` is the provider that the address names.
pub(super) async fn find(
    app: &App,
    returned: &Returned,
    browser: Option<&str>,
    route: Option<&str>,
) -> Result<Flow, Stopped> {
    let state = returned
        .state
        .as_deref()
        .filter(|state| is_secret(state))
        .ok_or(Failure::Unknown)?;
    let flow = store::find_flow(app, fingerprint(state.as_bytes())).await?;
    let flow = flow.ok_or(Failure::Unknown)?;
    let browser = fingerprint(browser.unwrap_or_default().as_bytes());
    // Before anything changes: a stranger who learned of the state cannot end the way either.
    if !bool::from(flow.browser_hash.ct_eq(&browser)) {
        return Err(Failure::OtherBrowser.into());
    }
    if flow.used_at.is_some() {
        return Err(Failure::Used.into());
    }
    if flow.expires_at <= app.clock.now() {
        return Err(Failure::Expired.into());
    }
    // The code of one provider must not be shown to another.
    if route.is_some_and(|route| route != flow.provider) {
        return Err(Failure::Rejected.into());
    }
    Ok(flow)
}

/// Ends the way: nobody goes it again. Then asks the provider who this is.
pub(super) async fn finish(app: &App, flow: &Flow, returned: &Returned) -> Result<Signed, Stopped> {
    if !store::use_flow(app, flow.id).await? {
        return Err(Failure::Used.into());
    }
    let now = app.clock.now();
    let provider = app.oauth.find(&flow.provider).ok_or(Failure::Rejected)?;
    app.oauth.check_issuer(provider, now, returned.iss.as_deref()).await?;
    if let Some(error) = &returned.error {
        let denied = matches!(
            error.as_str(),
            "access_denied" | "consent_required" | "interaction_required"
        );
        tracing::info!(
            provider = provider.id,
            denied,
            "a sign-in provider sent somebody back without a code"
        );
        return Err(if denied { Failure::Denied } else { Failure::Rejected }.into());
    }
    let code = returned
        .code
        .as_deref()
        .filter(|code| !code.is_empty() && code.len() <= 4096);
    let code = code.ok_or(Failure::Rejected)?;
    let plain = app
        .vault
        .unseal(secrets::Purpose::Provider, flow.id.as_bytes(), &flow.secrets)
        .await
        .map_err(Error::internal)?;
    let secrets: Secrets = serde_json::from_slice(&plain).map_err(Error::internal)?;
    let answer = Answer {
        redirect_uri: &format!("{}{}", app.config.public_url, secrets.callback),
        code,
        verifier: &secrets.verifier,
        nonce: &secrets.nonce,
        now,
    };
    Ok(app.oauth.redeem(provider, &answer).await?)
}
