//! `/auth/step-up`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{AppendHeaders, IntoResponse},
};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Proof;
use crate::{
    app::App,
    http::{Error, FieldError, Json, Result, auth::InSession},
};

/// One proof of who is there.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepUpRequest {
    #[garde(inner(length(bytes, min = 1, max = 4096)))]
    #[schema(format = "password")]
    password: Option<String>,
    /// Of the authenticator app, or a recovery code.
    #[garde(inner(length(bytes, min = 1, max = 100)))]
    code: Option<String>,
    /// Of the mail that `/auth/step-up/email` sent.
    #[garde(inner(length(bytes, min = 1, max = 100)))]
    email_code: Option<String>,
}

impl StepUpRequest {
    fn proof(self) -> Result<Proof> {
        let proofs = [
            self.password.map(Proof::Password),
            self.code.map(Proof::Code),
            self.email_code.map(Proof::EmailCode),
        ];
        let mut given = proofs.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(proof), None) => Ok(proof),
            _ => {
                let message = "Send exactly one of password, code and email_code.";
                Err(Error::validation(vec![FieldError::new(
                    "password",
                    "one_required",
                    message,
                )]))
            }
        }
    }
}

/// Prove again who is there. For `sessions.step_up_minutes` the session may then change what protects the account. With
/// the session cookie the answer sets a new one; the old one is dead.
#[utoipa::path(post, path = "/auth/step-up", tag = "Accounts", responses(
    (status = 204),
    (status = 401, description = "invalid_credentials", body = crate::http::error::Problem)))]
pub async fn step_up(
    State(app): State<App>,
    person: InSession,
    headers: HeaderMap,
    Json(request): Json<StepUpRequest>,
) -> Result<impl IntoResponse> {
    let cookie = super::prove(&app, &headers, &person, request.proof()?).await?;
    Ok((StatusCode::NO_CONTENT, AppendHeaders(cookie)))
}

/// Mail a code for `/auth/step-up` to somebody who has no password. Asked again within a minute, the first one stays.
#[utoipa::path(post, path = "/auth/step-up/email", tag = "Accounts", responses(
    (status = 202, description = "On its way."),
    (status = 409, description = "The account has a password", body = crate::http::error::Problem)))]
pub async fn email(State(app): State<App>, person: InSession) -> Result<StatusCode> {
    super::send_code(&app, &person).await?;
    Ok(StatusCode::ACCEPTED)
}
