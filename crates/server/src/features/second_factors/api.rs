//! `/me/second-factors`, `/me/totp`, `/me/recovery-codes`, `/me/passkeys`, and the logins they are part of.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use garde::Validate;
use parlor_db::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    challenge::{self, Answer},
    change::{self, By},
    passkeys, store,
};
use crate::{
    app::App,
    features::sessions::{self, Device, LoginResponse, Proof, SignIn},
    http::{Code, Error, FieldError, Json, Path, Result, StepUp, auth::InSession, error::Problem},
    telemetry::metrics,
    ui::Text,
};

#[derive(Serialize, ToSchema)]
pub struct SecondFactorsView {
    /// Whether an authenticator app is set up.
    totp: bool,
    recovery_codes_left: u64,
    passkeys: Vec<PasskeyView>,
}

#[derive(Serialize, ToSchema)]
pub struct PasskeyView {
    id: Uuid,
    name: String,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    last_used_at: Option<Timestamp>,
}

impl From<&store::Passkey> for PasskeyView {
    fn from(row: &store::Passkey) -> Self {
        Self {
            id: row.id,
            name: row.name.clone(),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// The second factors of the signed-in person.
#[utoipa::path(get, path = "/me/second-factors", tag = "Second factor",
    responses((status = 200, body = SecondFactorsView)))]
pub async fn list(State(app): State<App>, session: InSession) -> Result<Json<SecondFactorsView>> {
    let factors = store::factors(app.db.read(), session.identity.user.id).await?;
    Ok(Json(SecondFactorsView {
        totp: factors.totp,
        recovery_codes_left: factors.recovery_codes_left,
        passkeys: factors.passkeys.iter().map(PasskeyView::from).collect(),
    }))
}

#[derive(Serialize, ToSchema)]
pub struct TotpSetup {
    /// The key in base 32, for typing it.
    secret: String,
    otpauth_url: String,
    /// The same as an image: an `<svg>` element.
    qr_svg: String,
}

/// Begin to set up an authenticator app. It counts from its first code on, sent to `/me/totp/confirm`.
#[utoipa::path(post, path = "/me/totp", tag = "Second factor", responses(
    (status = 200, body = TotpSetup),
    (status = 409, description = "conflict: one is set up already", body = Problem)))]
pub async fn begin_totp(State(app): State<App>, StepUp(session): StepUp) -> Result<Json<TotpSetup>> {
    let user = &session.identity.user;
    let label = Text::for_locale(&user.locale).t("factors-totp-qr");
    let setup = change::begin_totp(&app, user, &label).await?;
    Ok(Json(TotpSetup {
        secret: setup.key,
        otpauth_url: setup.otpauth_url,
        qr_svg: setup.qr_svg,
    }))
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmTotp {
    /// The six digits that the app shows.
    #[garde(length(chars, min = 1, max = 40))]
    code: String,
}

/// Codes that stand in for a lost factor, each once. They are not shown again.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

/// Turn the authenticator app on with its first code. Other sessions end. The answer is shown once, so this takes no
/// `Idempotency-Key`: nothing keeps it.
#[utoipa::path(post, path = "/me/totp/confirm", tag = "Second factor", responses(
    (status = 200, body = RecoveryCodes),
    (status = 409, description = "conflict: nothing waits for a code", body = Problem),
    (status = 422, description = "validation_failed, with wrong_code", body = Problem)))]
pub async fn confirm_totp(
    State(app): State<App>,
    StepUp(session): StepUp,
    device: Device,
    Json(request): Json<ConfirmTotp>,
) -> Result<Json<RecoveryCodes>> {
    let recovery_codes = change::confirm_totp(&app, &By::new(&session, &device), &request.code).await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}

/// Remove the authenticator app. Other sessions end; the last factor takes the recovery codes along.
#[utoipa::path(delete, path = "/me/totp", tag = "Second factor", responses(
    (status = 204), (status = 404, body = Problem)))]
pub async fn remove_totp(State(app): State<App>, StepUp(session): StepUp, device: Device) -> Result<StatusCode> {
    change::remove_totp(&app, &By::new(&session, &device)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a new set of recovery codes; the old ones are void.
#[utoipa::path(post, path = "/me/recovery-codes", tag = "Second factor", responses(
    (status = 200, body = RecoveryCodes),
    (status = 409, description = "conflict: there is no second factor", body = Problem)))]
pub async fn renew_recovery_codes(
    State(app): State<App>,
    StepUp(session): StepUp,
    device: Device,
) -> Result<Json<RecoveryCodes>> {
    let recovery_codes = change::renew_recovery_codes(&app, &By::new(&session, &device)).await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}

#[derive(Serialize, ToSchema)]
pub struct PasskeyOptions {
    /// Send it back with the credential, within five minutes.
    challenge: String,
    /// Options for `navigator.credentials`.
    #[serde(rename = "publicKey")]
    #[schema(value_type = Object)]
    public_key: Value,
}

impl From<(String, Value)> for PasskeyOptions {
    fn from((challenge, public_key): (String, Value)) -> Self {
        Self { challenge, public_key }
    }
}

/// Begin to add a passkey: options for `navigator.credentials.create`.
#[utoipa::path(post, path = "/me/passkeys/options", tag = "Second factor", responses(
    (status = 200, body = PasskeyOptions),
    (status = 409, description = "conflict: too many, or Parlor was reached by an IP address", body = Problem)))]
pub async fn passkey_options(
    State(app): State<App>,
    StepUp(session): StepUp,
    headers: HeaderMap,
) -> Result<Json<PasskeyOptions>> {
    let begun = passkeys::begin_registration(&app, &headers, &session.identity.user).await?;
    Ok(Json(begun.into()))
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddPasskey {
    #[garde(length(bytes, min = 1, max = 100))]
    challenge: String,
    /// What `navigator.credentials.create` gave.
    #[garde(skip)]
    #[schema(value_type = Object)]
    credential: Value,
    #[garde(length(chars, min = 1, max = 80), custom(not_blank))]
    name: String,
}

fn not_blank(name: &str, _: &()) -> garde::Result {
    if name.trim().is_empty() {
        return Err(garde::Error::new("must not be blank"));
    }
    Ok(())
}

#[derive(Serialize, ToSchema)]
pub struct PasskeyAdded {
    #[serde(flatten)]
    passkey: PasskeyView,
    /// With the first second factor of an account: shown once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recovery_codes: Vec<String>,
}

/// Add a passkey. Other sessions end. A challenge counts once, so this takes no `Idempotency-Key`.
#[utoipa::path(post, path = "/me/passkeys", tag = "Second factor", responses(
    (status = 201, body = PasskeyAdded),
    (status = 401, description = "challenge_expired", body = Problem),
    (status = 409, description = "conflict: known already", body = Problem),
    (status = 422, body = Problem)))]
pub async fn add_passkey(
    State(app): State<App>,
    StepUp(session): StepUp,
    device: Device,
    Json(request): Json<AddPasskey>,
) -> Result<Response> {
    let credential = passkeys::parse(request.credential)?;
    let by = By::new(&session, &device);
    let (row, recovery_codes) = change::add_passkey(&app, &by, &request.challenge, &credential, &request.name).await?;
    let added = PasskeyAdded {
        passkey: PasskeyView::from(&row),
        recovery_codes,
    };
    Ok((StatusCode::CREATED, Json(added)).into_response())
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenamePasskey {
    #[garde(length(chars, min = 1, max = 80), custom(not_blank))]
    name: String,
}

/// Rename a passkey.
#[utoipa::path(patch, path = "/me/passkeys/{id}", tag = "Second factor", params(("id" = Uuid, Path)), responses(
    (status = 200, body = PasskeyView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn rename_passkey(
    State(app): State<App>,
    session: InSession,
    Path(id): Path<Uuid>,
    Json(request): Json<RenamePasskey>,
) -> Result<Json<PasskeyView>> {
    let row = store::rename_passkey(&app, session.identity.user.id, id, request.name.trim()).await?;
    row.map(|row| Json(PasskeyView::from(&row)))
        .ok_or_else(Error::not_found)
}

/// Remove a passkey. Other sessions end; the last factor takes the recovery codes along.
#[utoipa::path(delete, path = "/me/passkeys/{id}", tag = "Second factor", params(("id" = Uuid, Path)), responses(
    (status = 204), (status = 404, body = Problem)))]
pub async fn remove_passkey(
    State(app): State<App>,
    StepUp(session): StepUp,
    device: Device,
    Path(id): Path<Uuid>,
) -> Result<StatusCode> {
    change::remove_passkey(&app, &By::new(&session, &device), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One of `code`, `recovery_code` and `credential`.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerChallenge {
    /// The `challenge.token` of the refused login.
    #[garde(length(bytes, min = 1, max = 100))]
    challenge: String,
    /// The six digits that the authenticator app shows.
    #[garde(inner(length(chars, min = 1, max = 40)))]
    code: Option<String>,
    #[garde(inner(length(chars, min = 1, max = 80)))]
    recovery_code: Option<String>,
    /// What `navigator.credentials.get` gave.
    #[garde(skip)]
    #[schema(value_type = Option<Object>)]
    credential: Option<Value>,
}

/// End a login with the second factor. The answer is that of the login. At most five answers count.
#[utoipa::path(post, path = "/auth/second-factor", tag = "Second factor", security(()), responses(
    (status = 200, body = LoginResponse),
    (status = 401, description = "second_factor_invalid, challenge_expired or challenge_void", body = Problem),
    (status = 422, body = Problem), (status = 429, body = Problem)))]
pub async fn answer(
    State(app): State<App>,
    device: Device,
    headers: HeaderMap,
    Json(request): Json<AnswerChallenge>,
) -> Result<Response> {
    let answer = match (request.code, request.recovery_code, request.credential) {
        (Some(code), None, None) => Answer::Totp(code),
        (None, Some(code), None) => Answer::RecoveryCode(code),
        (None, None, Some(credential)) => Answer::Passkey(Box::new(passkeys::parse(credential)?)),
        _ => {
            let message = "Send exactly one of code, recovery_code and credential.";
            return Err(Error::validation(vec![FieldError::new("code", "required", message)]));
        }
    };
    let (user, outcome) = challenge::answer(&app, &device, &request.challenge, answer).await?;
    sessions::answer_json(&app, &headers, &user, outcome)
}

/// Begin a login without a password: options for `navigator.credentials.get`.
#[utoipa::path(post, path = "/auth/passkey/options", tag = "Second factor", security(()), responses(
    (status = 200, body = PasskeyOptions),
    (status = 409, description = "conflict: Parlor was reached by an IP address", body = Problem)))]
pub async fn login_options(State(app): State<App>, headers: HeaderMap) -> Result<Json<PasskeyOptions>> {
    Ok(Json(passkeys::begin_login(&app, &headers).await?.into()))
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyLogin {
    #[garde(length(bytes, min = 1, max = 100))]
    challenge: String,
    /// What `navigator.credentials.get` gave.
    #[garde(skip)]
    #[schema(value_type = Object)]
    credential: Value,
}

/// Log in with a passkey alone. The answer is that of the login.
#[utoipa::path(post, path = "/auth/passkey", tag = "Second factor", security(()), responses(
    (status = 200, body = LoginResponse),
    (status = 401, description = "invalid_credentials or challenge_expired", body = Problem),
    (status = 422, body = Problem)))]
pub async fn login(
    State(app): State<App>,
    device: Device,
    headers: HeaderMap,
    Json(request): Json<PasskeyLogin>,
) -> Result<Response> {
    let credential = passkeys::parse(request.credential)?;
    let checked = passkeys::end_login(&app, &request.challenge, &credential, &device).await;
    let refused = checked
        .as_ref()
        .is_err_and(|error| error.code() == Code::InvalidCredentials);
    if checked.is_ok() || refused {
        metrics::login(if checked.is_ok() { "success" } else { "failure" });
    }
    let user = checked?;
    let outcome = sessions::sign_in(&app, SignIn::new(&user, &device, Proof::Passkey)).await?;
    sessions::answer_json(&app, &headers, &user, outcome)
}
