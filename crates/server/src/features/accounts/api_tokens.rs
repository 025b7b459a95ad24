//! Verify, forgot and reset, change password and address.

use axum::{
    extract::State,
    http::StatusCode,
    response::{AppendHeaders, IntoResponse},
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    UserView,
    api::Accepted,
    changes::{self, NewPassword},
    email::Email,
    limits, recovery, register,
    tokens::{Redeemed, Refusal},
};
use crate::{
    app::App,
    coordination::throttle::Attempt,
    features::sessions::Device,
    http::{
        Error, Json, Result,
        auth::{Identity, InSession, MaybeIdentity},
    },
};

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressRequest {
    #[garde(length(bytes, min = 1, max = 254))]
    #[schema(format = "email")]
    email: String,
}

impl AddressRequest {
    fn email(&self) -> Result<Email> {
        Email::parse(&self.email).map_err(|wrong| Error::validation(vec![wrong]))
    }
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// As it stands in the link.
    #[garde(length(min = 1, max = 200))]
    token: String,
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetRequest {
    /// As it stands in the link.
    #[garde(length(min = 1, max = 200))]
    token: String,
    #[garde(skip)]
    #[schema(format = "password")]
    password: String,
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordRequest {
    #[garde(length(bytes, min = 1, max = 4096))]
    #[schema(format = "password")]
    current_password: String,
    #[garde(skip)]
    #[schema(format = "password")]
    new_password: String,
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmailRequest {
    #[garde(length(bytes, min = 1, max = 254))]
    #[schema(format = "email")]
    email: String,
    /// The current password.
    #[garde(length(bytes, min = 1, max = 4096))]
    #[schema(format = "password")]
    password: String,
}

#[derive(Serialize, ToSchema)]
pub struct UserAnswer {
    user: UserView,
}

#[derive(Serialize, ToSchema)]
pub struct ResetAnswer {
    /// Always `changed`: log in with the new password.
    status: &'static str,
}

/// Counts guesses: only a token that does not exist is one.
pub(super) fn settle<T>(attempt: Attempt, redeemed: &Redeemed<T>) {
    match redeemed {
        Ok(Err(Refusal::Unknown)) => attempt.failed(),
        _ => attempt.succeeded(),
    }
}

/// Confirm an e-mail address with the token of a mail.
#[utoipa::path(post, path = "/auth/verify-email", tag = "Accounts", security(()), responses(
    (status = 200, body = UserAnswer),
    (status = 400, description = "token_invalid (its `reason`: unknown, used, replaced) or token_expired",
     body = crate::http::error::Problem)))]
pub async fn verify_email(
    State(app): State<App>,
    device: Device,
    Json(request): Json<TokenRequest>,
) -> Result<Json<UserAnswer>> {
    let attempt = limits::email_token(&app, &device).await?;
    let redeemed = register::verify(&app, &request.token).await;
    settle(attempt, &redeemed);
    let user = UserView::from(&redeemed??);
    Ok(Json(UserAnswer { user }))
}

/// Send the mail that confirms an address again. The answer does not tell whether there is anything to confirm.
#[utoipa::path(post, path = "/auth/verify-email/resend", tag = "Accounts", security(()), responses(
    (status = 202, body = Accepted),
    (status = 429, description = "rate_limited: too many from this client", body = crate::http::error::Problem)))]
pub async fn resend(
    State(app): State<App>,
    device: Device,
    Json(request): Json<AddressRequest>,
) -> Result<(StatusCode, Json<Accepted>)> {
    let email = request.email()?;
    limits::causes_mail(&app, &device)?;
    register::resend(&app, &email);
    Ok(Accepted::ANSWER)
}

/// Send a link for a new password. The answer does not tell whether the address has an account.
#[utoipa::path(post, path = "/auth/forgot-password", tag = "Accounts", security(()), responses(
    (status = 202, body = Accepted),
    (status = 429, description = "rate_limited: too many from this client", body = crate::http::error::Problem)))]
pub async fn forgot_password(
    State(app): State<App>,
    device: Device,
    Json(request): Json<AddressRequest>,
) -> Result<(StatusCode, Json<Accepted>)> {
    let email = request.email()?;
    limits::causes_mail(&app, &device)?;
    recovery::forgot(&app, &email);
    Ok(Accepted::ANSWER)
}

/// Set a new password with the token of a mail. Every session of the account ends; log in anew.
#[utoipa::path(post, path = "/auth/reset-password", tag = "Accounts", security(()), responses(
    (status = 200, body = ResetAnswer),
    (status = 400, description = "token_invalid (its `reason`: unknown, used, replaced) or token_expired",
     body = crate::http::error::Problem),
    (status = 422, body = crate::http::error::Problem)))]
pub async fn reset_password(
    State(app): State<App>,
    device: Device,
    Json(request): Json<ResetRequest>,
) -> Result<impl IntoResponse> {
    let attempt = limits::email_token(&app, &device).await?;
    let redeemed = recovery::reset(&app, &device, &request.token, request.password).await;
    settle(attempt, &redeemed);
    let known = AppendHeaders(redeemed??.device);
    Ok((known, Json(ResetAnswer { status: "changed" })))
}

/// Change the password. The other sessions end.
#[utoipa::path(post, path = "/auth/change-password", tag = "Account", responses(
    (status = 204),
    (status = 401, description = "invalid_credentials: the current password is wrong",
     body = crate::http::error::Problem),
    (status = 422, body = crate::http::error::Problem)))]
pub async fn change_password(
    State(app): State<App>,
    device: Device,
    InSession { identity, session }: InSession,
    Json(request): Json<ChangePasswordRequest>,
) -> Result<StatusCode> {
    let change = NewPassword {
        session_id: session.id,
        current: request.current_password,
        new: request.new_password,
    };
    changes::change_password(&app, &identity.user, &device, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for another e-mail address: it gets a link to confirm, the old one a notice.
#[utoipa::path(post, path = "/auth/change-email", tag = "Account", responses(
    (status = 202, body = Accepted),
    (status = 401, description = "invalid_credentials: the password is wrong", body = crate::http::error::Problem),
    (status = 422, body = crate::http::error::Problem)))]
pub async fn change_email(
    State(app): State<App>,
    InSession { identity, .. }: InSession,
    Json(request): Json<ChangeEmailRequest>,
) -> Result<(StatusCode, Json<Accepted>)> {
    let email = Email::parse(&request.email).map_err(|wrong| Error::validation(vec![wrong]))?;
    changes::ask_for_email(&app, &identity.user, &email, request.password).await?;
    Ok(Accepted::ANSWER)
}

/// Confirm the new e-mail address with the token that was mailed to it. The other sessions end.
#[utoipa::path(post, path = "/auth/change-email/confirm", tag = "Accounts", security(()), responses(
    (status = 200, body = UserAnswer),
    (status = 400, description = "token_invalid (its `reason`: unknown, used, replaced) or token_expired",
     body = crate::http::error::Problem),
    (status = 409, description = "conflict: the address has another account by now",
     body = crate::http::error::Problem)))]
pub async fn confirm_email(
    State(app): State<App>,
    device: Device,
    MaybeIdentity(identity): MaybeIdentity,
    Json(request): Json<TokenRequest>,
) -> Result<Json<UserAnswer>> {
    let attempt = limits::email_token(&app, &device).await?;
    let redeemed = changes::confirm_email(&app, &request.token, own_session(identity.as_ref())).await;
    settle(attempt, &redeemed);
    let user = UserView::from(&redeemed??);
    Ok(Json(UserAnswer { user }))
}

/// Person and session of the browser that opened the link.
pub(super) fn own_session(identity: Option<&Identity>) -> Option<(uuid::Uuid, uuid::Uuid)> {
    let identity = identity?;
    identity.session_id().map(|session_id| (identity.user.id, session_id))
}
