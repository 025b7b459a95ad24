//! One error type, one envelope (RFC 9457), logged once at the edge.

use std::{borrow::Cow, sync::Arc};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($name:ident = $status:ident, $code:literal, $title:literal;)*) => {
        /// Every way in which a request can fail, as clients see it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($name),* }

        impl Code {
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),* }
            }

            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }
        }
    };
}

codes! {
    MalformedRequest = BAD_REQUEST, "malformed_request", "The request could not be read";
    EmailTokenInvalid = BAD_REQUEST, "token_invalid", "This link does not work";
    EmailTokenExpired = BAD_REQUEST, "token_expired", "This link has expired";
    Unauthenticated = UNAUTHORIZED, "unauthenticated", "Sign in to do this";
    InvalidCredentials = UNAUTHORIZED, "invalid_credentials", "E-mail address or password is wrong";
    SessionRevoked = UNAUTHORIZED, "session_revoked", "This session has ended";
    TokenExpired = UNAUTHORIZED, "token_expired", "This token has expired";
    RefreshTokenReused = UNAUTHORIZED, "refresh_token_reused", "This refresh token was used before";
    SecondFactorRequired = UNAUTHORIZED, "second_factor_required", "One more step to log in";
    Forbidden = FORBIDDEN, "forbidden", "This is not allowed";
    CsrfFailed = FORBIDDEN, "csrf_failed", "The request did not come from this site";
    EmailNotVerified = FORBIDDEN, "email_not_verified", "Confirm your e-mail address first";
    StepUpRequired = FORBIDDEN, "step_up_required", "Prove that it is you";
    AccountDisabled = FORBIDDEN, "account_disabled", "This account is disabled";
    NotFound = NOT_FOUND, "not_found", "There is nothing here";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method_not_allowed", "This method is not supported here";
    Conflict = CONFLICT, "conflict", "This conflicts with the current state";
    IdempotencyKeyReused = CONFLICT, "idempotency_key_reused", "This idempotency key was used for another request";
    VersionConflict = PRECONDITION_FAILED, "version_conflict", "Somebody changed this in the meantime";
    PayloadTooLarge = PAYLOAD_TOO_LARGE, "payload_too_large", "The request is too large";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "This kind of content is not supported";
    ValidationFailed = UNPROCESSABLE_ENTITY, "validation_failed", "Some fields need another look";
    RateLimited = TOO_MANY_REQUESTS, "rate_limited", "Too many attempts";
    Internal = INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side";
    ProviderFailed = BAD_GATEWAY, "provider_failed", "The model provider failed";
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "This is not available right now";
    Interrupted = SERVICE_UNAVAILABLE, "interrupted", "The answer was interrupted";
    ProviderTimeout = GATEWAY_TIMEOUT, "provider_timeout", "The model provider took too long";
}

/// What is wrong with one field of the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Path of the field, as `items[0].content`.
    pub field: String,
    /// Short stable name of the problem.
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub message: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code: code.into(),
            message: message.into(),
        }
    }
}

/// A failed request: what the client is told, and the cause for the log.
#[derive(Clone, Debug)]
pub struct Error {
    code: Code,
    detail: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after_s: Option<u64>,
    extension: Option<Box<(&'static str, serde_json::Value)>>,
    cause: Option<Arc<anyhow::Error>>,
}

impl Error {
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after_s: None,
            extension: None,
            cause: None,
        }
    }

    /// Also the answer for what belongs to another person: existence is never revealed.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "It does not exist, or it is not yours.")
    }

    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(
            Code::Unauthenticated,
            "Log in, or send an access token in the Authorization header.",
        )
    }

    #[must_use]
    pub fn validation(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [one] => format!("{}: {}", one.field, one.message),
            _ => "See `errors` for each field.".to_owned(),
        };
        Self {
            fields,
            ..Self::new(Code::ValidationFailed, detail)
        }
    }

    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(
            Code::Internal,
            "Try again. If it happens again, tell the operator the request id.",
        )
        .caused_by(cause)
    }

    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(Arc::new(cause.into()));
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Adds a member of its own to the problem, as RFC 9457 allows.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: serde_json::Value) -> Self {
        self.extension = Some(Box::new((name, value)));
        self
    }

    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    #[must_use]
    pub fn cause(&self) -> Option<&anyhow::Error> {
        self.cause.as_deref()
    }

    #[must_use]
    pub fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_s
    }

    /// The envelope that clients get.
    #[must_use]
    pub fn problem(&self, request_id: &str) -> Problem {
        Problem {
            kind: format!("urn:parlor:problem:{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            detail: self.detail.to_string(),
            code: self.code.as_str().to_owned(),
            request_id: request_id.to_owned(),
            errors: self.fields.clone(),
            extensions: self
                .extension
                .iter()
                .map(|named| (named.0.to_owned(), named.1.clone()))
                .collect(),
        }
    }
}

/// RFC 9457 problem details.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:parlor:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// Short stable name of the problem; decide by this one.
    pub code: String,
    /// Quote it when asking for help.
    pub request_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// What this problem says beyond the rest, as `challenge` or `limit`.
    #[serde(flatten)]
    #[schema(additional_properties, value_type = Object)]
    pub extensions: std::collections::BTreeMap<String, serde_json::Value>,
}

/// Only the status and the error itself: the edge writes the body, as JSON or as a page, because it knows the request id
/// and what the client accepts.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<parlor_db::Error> for Error {
    fn from(error: parlor_db::Error) -> Self {
        match &error {
            parlor_db::Error::Database(parlor_db::sea_orm::DbErr::ConnectionAcquire(_)) => {
                Self::new(Code::Unavailable, "The database is busy. Try again in a moment.")
                    .retry_after(1)
                    .caused_by(error)
            }
            _ => Self::internal(error),
        }
    }
}

impl From<parlor_db::sea_orm::DbErr> for Error {
    fn from(error: parlor_db::sea_orm::DbErr) -> Self {
        parlor_db::Error::from(error).into()
    }
}
