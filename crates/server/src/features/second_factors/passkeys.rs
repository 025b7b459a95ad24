//! Passkeys (WebAuthn): registration, and the two ways in, as a second factor and without a password.

use axum::http::{HeaderMap, Uri, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use url::{Host, Url};
use uuid::Uuid;
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, Passkey as Credential, PasskeyAuthentication,
    PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Webauthn, WebauthnBuilder, WebauthnError,
};

use super::store::{self, Passkey, challenges};
use crate::{
    app::App,
    config::Environment,
    features::{
        accounts::{self, User},
        audit,
        sessions::Device,
    },
    http::{Code, Error, FieldError, Result},
};

/// Passkeys that one account may have.
pub(super) const MOST: usize = 25;

/// What the server is to passkeys: the host of its address. None when that is an IP address, for which browsers make no
/// passkeys; on one's own machine `localhost` stands in for it.
fn relying_party(app: &App) -> Option<Webauthn> {
    let development = app.config.env == Environment::Development;
    let mut origin = Url::parse(&app.config.public_url).ok()?;
    let id = match origin.host()? {
        Host::Domain(domain) => domain.to_owned(),
        Host::Ipv4(ip) if development && ip.is_loopback() => "localhost".to_owned(),
        Host::Ipv6(ip) if development && ip.is_loopback() => "localhost".to_owned(),
        _ => return None,
    };
    origin.set_host(Some(&id)).ok()?;
    let builder = WebauthnBuilder::new(&id, &origin).ok()?.rp_name("Parlor");
    // On one's own machine a container or a tunnel may show another port.
    builder.allow_any_port(development && id == "localhost").build().ok()
}

/// The address to open instead of one made of numbers.
pub(super) fn name_to_open(app: &App) -> String {
    let url = Url::parse(&app.config.public_url).ok();
    let port = url.as_ref().and_then(Url::port_or_known_default).unwrap_or(8080);
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(_)) => app.config.public_url.clone(),
        _ => format!("http://localhost:{port}"),
    }
}

/// The server as the browser of this request can use it.
fn reached_by_name(app: &App, headers: &HeaderMap) -> Result<Webauthn> {
    let refuse = || {
        let shown = name_to_open(app);
        let detail = format!("Browsers make no passkeys for an IP address: open Parlor under a name such as {shown}.");
        Error::new(Code::Conflict, detail)
    };
    if is_by_number(headers) {
        return Err(refuse());
    }
    relying_party(app).ok_or_else(refuse)
}

/// Whether the browser asked by an IP address.
fn is_by_number(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let authority = host.and_then(|host| host.parse::<Uri>().ok());
    let name = authority.as_ref().and_then(Uri::host).unwrap_or_default();
    name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
}

/// Whether this server can have passkeys, and this browser reach them.
pub(super) fn are_possible(app: &App, headers: &HeaderMap) -> bool {
    reached_by_name(app, headers).is_ok()
}

fn failed(error: WebauthnError) -> Error {
    Error::internal(anyhow::anyhow!("passkeys: {error}"))
}

fn to_json(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(Error::internal)
}

/// What the browser sent, of the shape that the standard gives it.
pub(super) fn parse<T: DeserializeOwned>(credential: Value) -> Result<T> {
    serde_json::from_value(credential).map_err(|_| {
        let message = "Send what navigator.credentials gave, as its toJSON() writes it.";
        Error::validation(vec![FieldError::new("credential", "invalid", message)])
    })
}

pub(super) fn expired() -> Error {
    Error::new(
        Code::ChallengeExpired,
        "This took longer than five minutes, or was answered before. Begin again.",
    )
}

fn credential_of(row: &Passkey) -> Result<Credential> {
    serde_json::from_str(&row.credential).map_err(Error::internal)
}

fn credentials(rows: &[Passkey]) -> Result<Vec<Credential>> {
    rows.iter().map(credential_of).collect()
}

/// Begins a registration: the challenge's token, and the options for `navigator.credentials.create`.
pub(super) async fn begin_registration(app: &App, headers: &HeaderMap, user: &User) -> Result<(String, Value)> {
    let server = reached_by_name(app, headers)?;
    let rows = store::passkeys_of(app.db.read(), user.id).await?;
    if rows.len() >= MOST {
        let detail = format!("{MOST} passkeys are the most. Remove one that you no longer use.");
        return Err(Error::new(Code::Conflict, detail));
    }
    let known = credentials(&rows)?.iter().map(|key| key.cred_id().clone()).collect();
    let (options, state) = server
        .start_passkey_registration(user.id, &user.email, &user.display_name, Some(known))
        .map_err(failed)?;
    let mut options = to_json(&options)?["publicKey"].take();
    // Where the authenticator can, it keeps the key so that it is found without an address: login without a password.
    options["authenticatorSelection"]["residentKey"] = "preferred".into();
    let token = challenges::open(app, challenges::PASSKEY_REGISTRATION, Some(user.id), &state).await?;
    Ok((token, options))
}

/// Checks a registration, and makes the row that the caller stores.
pub(super) async fn end_registration(
    app: &App,
    user_id: Uuid,
    token: &str,
    credential: &RegisterPublicKeyCredential,
    name: &str,
) -> Result<Passkey> {
    let server = relying_party(app).ok_or_else(expired)?;
    let row = challenges::take_once(app, challenges::PASSKEY_REGISTRATION, token).await?;
    let row = row.filter(|row| row.user_id == Some(user_id)).ok_or_else(expired)?;
    let state: PasskeyRegistration = challenges::state(app, &row).await?;
    let key = server
        .finish_passkey_registration(credential, &state)
        .map_err(|error| {
            tracing::info!(%error, "a passkey could not be registered");
            let message = "The passkey could not be checked. Try again, or use another one.";
            Error::validation(vec![FieldError::new("credential", "invalid", message)])
        })?;
    Ok(Passkey {
        id: app.ids.next(),
        user_id,
        credential_id: key.cred_id().to_vec(),
        name: name.trim().to_owned(),
        credential: serde_json::to_string(&key).map_err(Error::internal)?,
        created_at: app.clock.now(),
        last_used_at: None,
    })
}

/// What the second step of a login keeps of its passkey half.
#[derive(Serialize, Deserialize)]
pub(super) struct Asked {
    state: PasskeyAuthentication,
    /// The options for `navigator.credentials.get`.
    pub options: Value,
}

/// Asks for one of these passkeys; none when there is none, or this server cannot have them.
pub(super) fn ask(app: &App, rows: &[Passkey]) -> Result<Option<Asked>> {
    let Some(server) = relying_party(app).filter(|_| !rows.is_empty()) else {
        return Ok(None);
    };
    let (options, state) = server
        .start_passkey_authentication(&credentials(rows)?)
        .map_err(failed)?;
    Ok(Some(Asked {
        state,
        options: to_json(&options)?["publicKey"].take(),
    }))
}

/// A passkey that signed, and what is to be kept of it.
pub(super) struct Signed {
    pub row: Passkey,
    pub credential: String,
}

/// Checks the answer to [`ask`]. None when it is wrong.
pub(super) async fn check(
    app: &App,
    user_id: Uuid,
    asked: &Asked,
    answer: &PublicKeyCredential,
    device: &Device,
) -> Result<Option<Signed>> {
    let Some(server) = relying_party(app) else {
        return Ok(None);
    };
    let Some(row) = store::find_passkey(app, user_id, answer.get_credential_id()).await? else {
        return Ok(None);
    };
    let checked = server.finish_passkey_authentication(answer, &asked.state);
    signed(app, row, checked, device).await
}

/// Begins a login without a password: the challenge's token, and the options for `navigator.credentials.get`.
pub(super) async fn begin_login(app: &App, headers: &HeaderMap) -> Result<(String, Value)> {
    let server = reached_by_name(app, headers)?;
    let (options, state) = server.start_discoverable_authentication().map_err(failed)?;
    let token = challenges::open(app, challenges::PASSKEY_LOGIN, None, &state).await?;
    Ok((token, to_json(&options)?["publicKey"].take()))
}

/// The person whose passkey signed. The same answer for an unknown key and for a wrong signature.
pub(super) async fn end_login(app: &App, token: &str, answer: &PublicKeyCredential, device: &Device) -> Result<User> {
    let refused = || {
        Error::new(
            Code::InvalidCredentials,
            "This passkey is not known here. Use another way to log in.",
        )
    };
    let row = challenges::take_once(app, challenges::PASSKEY_LOGIN, token).await?;
    let row = row.ok_or_else(expired)?;
    let state: DiscoverableAuthentication = challenges::state(app, &row).await?;
    let server = relying_party(app).ok_or_else(refused)?;
    let (user_id, credential_id) = server
        .identify_discoverable_authentication(answer)
        .map_err(|_| refused())?;
    let row = store::find_passkey(app, user_id, credential_id).await?;
    let row = row.ok_or_else(refused)?;
    let checked = server.finish_discoverable_authentication_v2(answer, state, &credential_of(&row)?);
    let signed = signed(app, row, checked, device).await?.ok_or_else(refused)?;
    let tx = app.db.begin().await?;
    if !store::use_passkey(&tx, &signed.row, &signed.credential, app.clock.now()).await? {
        return Err(refused());
    }
    tx.commit().await?;
    let user = accounts::find(app, user_id).await?.ok_or_else(refused)?;
    Ok(User::clone(&user))
}

/// A counter that did not rise says that the key was copied: refused, and written down.
async fn signed(
    app: &App,
    row: Passkey,
    checked: Result<AuthenticationResult, WebauthnError>,
    device: &Device,
) -> Result<Option<Signed>> {
    let result = match checked {
        Ok(result) if result.user_verified() => result,
        Err(WebauthnError::CredentialPossibleCompromise) => {
            report_copy(app, &row, device).await?;
            return Ok(None);
        }
        Ok(_) => return Ok(None),
        Err(error) => {
            tracing::info!(%error, "a passkey was refused");
            return Ok(None);
        }
    };
    let mut credential = credential_of(&row)?;
    credential.update_credential(&result);
    let credential = serde_json::to_string(&credential).map_err(Error::internal)?;
    Ok(Some(Signed { row, credential }))
}

async fn report_copy(app: &App, row: &Passkey, device: &Device) -> Result<()> {
    tracing::warn!(passkey_id = %row.id, "a passkey's counter went back: it may have been copied, and was refused");
    let tx = app.db.begin().await?;
    let event = audit::Event {
        device: Some(device),
        data: serde_json::json!({ "passkey_id": row.id, "reason": "counter_went_back" }),
        ..audit::Event::own(row.user_id, "passkey.refused")
    };
    audit::record(app, &tx, event).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_numbers_is_told_from_a_name() {
        let host = |text: &str| HeaderMap::from_iter([(header::HOST, text.parse().unwrap())]);
        for number in ["127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "192.168.1.4:80"] {
            assert!(is_by_number(&host(number)), "{number}");
        }
        for name in [
            "localhost",
            "localhost:8080",
            "parlor.example.org",
            "127.0.0.1.example.org",
        ] {
            assert!(!is_by_number(&host(name)), "{name}");
        }
        assert!(!is_by_number(&HeaderMap::new()));
    }
}
