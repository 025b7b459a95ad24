//! The one way into a session: whoever proved something comes through here.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{IntoResponse, Redirect, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Begun, Device, Login, Tokens, begin, cookie};
use crate::{
    app::App,
    features::{
        accounts::{self, User, UserView},
        second_factors::{self, Challenge},
    },
    http::{Code, Error, Json, Result, csrf, page::safe_next},
    ui::Page,
};

/// What somebody has proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    Password,
    /// Something they have and something they are or know, in one: no further factor is asked for.
    Passkey,
    /// Sign-in at the provider of that id.
    Provider(String),
    /// The challenge of an earlier proof, answered; holds the method of the first proof and of the second.
    SecondFactor(String),
}

impl Proof {
    /// As the session's row has it.
    #[must_use]
    pub fn method(&self) -> String {
        match self {
            Self::Password => "password".to_owned(),
            Self::Passkey => "passkey".to_owned(),
            Self::Provider(id) => format!("provider:{id}"),
            Self::SecondFactor(method) => method.clone(),
        }
    }

    fn is_enough(&self) -> bool {
        matches!(self, Self::Passkey | Self::SecondFactor(_))
    }
}

/// Somebody at the door.
pub struct SignIn<'a> {
    pub user: &'a User,
    pub device: &'a Device,
    pub proof: Proof,
    /// Whether the session outlives the browser window.
    pub remember: bool,
}

impl<'a> SignIn<'a> {
    /// On one's own device one stays signed in; the idle limit ends it everywhere else.
    #[must_use]
    pub fn new(user: &'a User, device: &'a Device, proof: Proof) -> Self {
        Self {
            user,
            device,
            proof,
            remember: true,
        }
    }
}

/// Where a proof leads.
pub enum Outcome {
    Begun(Box<Begun>),
    /// The account asks for a second factor.
    Challenged(Challenge),
}

/// Begins a session, or asks for the second factor.
///
/// # Errors
/// `account_disabled`, `email_not_verified`, or when the database fails.
pub async fn sign_in(app: &App, sign_in: SignIn<'_>) -> Result<Outcome> {
    accounts::may_sign_in(app, sign_in.user)?;
    if !sign_in.proof.is_enough() && second_factors::is_on(app, sign_in.user.id).await? {
        let challenge = second_factors::challenge(app, &sign_in).await?;
        return Ok(Outcome::Challenged(challenge));
    }
    let login = Login {
        user: sign_in.user,
        device: sign_in.device,
        remember: sign_in.remember,
        method: sign_in.proof.method(),
    };
    Ok(Outcome::Begun(Box::new(begin(app, login).await?)))
}

#[derive(Serialize, ToSchema)]
pub struct LoginResponse {
    user: UserView,
    #[serde(flatten)]
    tokens: Tokens,
    /// Send it as `X-CSRF-Token` with every write that the cookie authenticates.
    csrf_token: String,
}

/// The API's answer to a login. With the header `X-Session: cookie` it also sets the session cookie.
///
/// # Errors
/// `second_factor_required`, with the challenge to answer.
pub fn answer_json(app: &App, headers: &HeaderMap, user: &User, outcome: Outcome) -> Result<Response> {
    let begun = match outcome {
        Outcome::Begun(begun) => begun,
        Outcome::Challenged(challenge) => {
            let value = serde_json::to_value(&challenge).map_err(Error::internal)?;
            let detail = "Send a code of your authenticator app, or a recovery code, to /auth/second-factor.";
            return Err(Error::new(Code::SecondFactorRequired, detail).with("challenge", value));
        }
    };
    let body = LoginResponse {
        user: UserView::from(user),
        csrf_token: csrf::token(app, begun.session_id),
        tokens: begun.tokens.clone(),
    };
    let wants_cookie = headers.get("x-session").is_some_and(|value| value == "cookie");
    let session = wants_cookie.then(|| cookie::set(app, &begun.secret, begun.remember));
    Ok((lines(session.into_iter().chain(device(app, &begun))), Json(body)).into_response())
}

/// The page's answer to a login: on to where the person wanted to go, or to the second factor.
#[must_use]
pub fn answer_page(app: &App, page: &Page, outcome: Outcome, next: Option<&str>) -> Response {
    match outcome {
        Outcome::Begun(begun) => {
            let session = cookie::set(app, &begun.secret, begun.remember);
            let to = Redirect::to(&safe_next(page, next));
            (lines(std::iter::once(session).chain(device(app, &begun))), to).into_response()
        }
        Outcome::Challenged(challenge) => second_factors::ask(app, page, &challenge, next),
    }
}

/// Known from now on.
fn device(app: &App, begun: &Begun) -> Option<(HeaderName, HeaderValue)> {
    begun
        .new_device
        .as_deref()
        .map(|secret| cookie::set_device(app, secret))
}

/// Several cookies in one answer: a plain array of headers would keep the last one only.
fn lines(
    cookies: impl Iterator<Item = (HeaderName, HeaderValue)>,
) -> axum::response::AppendHeaders<Vec<(HeaderName, HeaderValue)>> {
    axum::response::AppendHeaders(cookies.collect())
}
