//! The pages that mails lead to. A GET changes nothing: mail scanners and previews open links too.

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, Uri},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use super::{
    Email, api_tokens, changes, limits,
    pages::{password_error, state},
    recovery, register, store,
    tokens::{self, Purpose, Redeemed, Refusal},
    views_tokens::{ConfirmView, Flow, ForgotView, ResetView, State as FlowState},
};
use crate::{
    app::App,
    features::sessions::Device,
    http::{
        Code, Error, Form, Result,
        auth::MaybeIdentity,
        page::{Frame, locale_of, show},
    },
    ui::{Page, supported},
};

pub fn pages() -> Router<App> {
    Router::new()
        .route("/{locale}/forgot", get(forgot_page).post(forgot))
        .route("/{locale}/reset", get(reset_page).post(reset))
        .route("/{locale}/verify", get(verify_page).post(verify))
        .route("/{locale}/change-email", get(change_email_page).post(change_email))
        .route("/reset", get(to_locale))
        .route("/verify", get(to_locale))
        .route("/change-email", get(to_locale))
}

#[derive(Default, Deserialize)]
pub struct TokenQuery {
    #[serde(default)]
    token: String,
}

/// Links in mails have no language: they lead to that of the person whose token it is, else of who is signed in, else
/// of the browser.
async fn to_locale(
    State(app): State<App>,
    MaybeIdentity(identity): MaybeIdentity,
    Query(query): Query<TokenQuery>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Redirect> {
    let owner = match tokens::owner(&app, &query.token).await? {
        Some(id) => store::find(app.db.read(), id).await?.map(|user| user.locale),
        None => identity.map(|identity| identity.user.locale.clone()),
    };
    let chosen = owner.as_deref().and_then(supported);
    let locale = chosen.unwrap_or_else(|| locale_of("/", &headers));
    let rest = uri.path_and_query().map_or_else(|| uri.path(), |whole| whole.as_str());
    Ok(Redirect::to(&format!("/{locale}{rest}")))
}

fn stands(refusal: Refusal) -> FlowState {
    match refusal {
        Refusal::Unknown => FlowState::Invalid,
        Refusal::Expired => FlowState::Expired,
        Refusal::Used => FlowState::Used,
        Refusal::Replaced => FlowState::Replaced,
    }
}

/// The language switch must not lose the token.
fn keep_token(page: Page, token: &str) -> Page {
    let query = serde_urlencoded::to_string([("token", token)]).unwrap_or_default();
    Page {
        path: format!("{}?{query}", page.path),
        ..page
    }
}

async fn forgot_page(Frame(page): Frame) -> Result<Response> {
    show(&ForgotView {
        page,
        email: String::new(),
        error: None,
    })
}

#[derive(Deserialize)]
pub struct ForgotForm {
    #[serde(default)]
    email: String,
}

async fn forgot(
    State(app): State<App>,
    Frame(page): Frame,
    device: Device,
    Form(form): Form<ForgotForm>,
) -> Result<Response> {
    let Ok(email) = Email::parse(&form.email) else {
        let view = ForgotView {
            error: Some(page.t("field-email-invalid")),
            email: form.email,
            page,
        };
        return Ok((Code::ValidationFailed.status(), show(&view)?).into_response());
    };
    if limits::causes_mail(&app, &device).is_err() {
        return state(page, Flow::Forgot, FlowState::Limited);
    }
    recovery::forgot(&app, &email);
    state(page, Flow::Forgot, FlowState::Sent)
}

async fn reset_page(State(app): State<App>, Frame(page): Frame, Query(query): Query<TokenQuery>) -> Result<Response> {
    let page = keep_token(page, &query.token);
    match recovery::look(&app, &query.token).await? {
        Ok((_, user)) => show(&ResetView {
            page,
            token: query.token,
            email: user.email,
            password_min: app.config.passwords.min_length,
            error: None,
        }),
        Err(refusal) => state(page, Flow::Reset, stands(refusal)),
    }
}

#[derive(Deserialize)]
pub struct ResetForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    password: String,
}

async fn reset(
    State(app): State<App>,
    Frame(page): Frame,
    device: Device,
    Form(form): Form<ResetForm>,
) -> Result<Response> {
    let Ok(attempt) = limits::email_token(&app, &device).await else {
        return state(page, Flow::Reset, FlowState::Limited);
    };
    let redeemed = recovery::reset(&app, &device, &form.token, form.password).await;
    api_tokens::settle(attempt, &redeemed);
    match redeemed {
        Ok(Ok(reset)) => {
            let known = AppendHeaders(reset.device);
            Ok((known, state(page, Flow::Reset, FlowState::Done)?).into_response())
        }
        Ok(Err(refusal)) => state(page, Flow::Reset, stands(refusal)),
        Err(error) if error.code() == Code::ValidationFailed => reset_again(&app, page, &form.token, &error).await,
        Err(error) => Err(error),
    }
}

/// The form once more: the token is still good.
async fn reset_again(app: &App, page: Page, token: &str, error: &Error) -> Result<Response> {
    let (_, user) = match recovery::look(app, token).await? {
        Ok(found) => found,
        Err(refusal) => return state(page, Flow::Reset, stands(refusal)),
    };
    let view = ResetView {
        token: token.to_owned(),
        email: user.email,
        password_min: app.config.passwords.min_length,
        error: error.fields().first().map(|wrong| password_error(app, &page, wrong)),
        page: keep_token(page, token),
    };
    Ok((error.code().status(), show(&view)?).into_response())
}

async fn verify_page(State(app): State<App>, Frame(page): Frame, Query(query): Query<TokenQuery>) -> Result<Response> {
    confirm_page(&app, page, Flow::Verify, query.token).await
}

async fn change_email_page(
    State(app): State<App>,
    Frame(page): Frame,
    Query(query): Query<TokenQuery>,
) -> Result<Response> {
    confirm_page(&app, page, Flow::ChangeEmail, query.token).await
}

async fn confirm_page(app: &App, page: Page, flow: Flow, token: String) -> Result<Response> {
    let purpose = match flow {
        Flow::ChangeEmail => Purpose::ChangeEmail,
        _ => Purpose::VerifyEmail,
    };
    let page = keep_token(page, &token);
    match tokens::look(app, app.db.read(), purpose, &token).await? {
        Ok(found) => show(&ConfirmView {
            page,
            flow,
            token,
            email: found.email,
        }),
        Err(refusal) => state(page, flow, stands(refusal)),
    }
}

/// Either the button of the link, or an address that asks for another mail.
#[derive(Deserialize)]
pub struct VerifyForm {
    token: Option<String>,
    #[serde(default)]
    email: String,
}

async fn verify(
    State(app): State<App>,
    Frame(page): Frame,
    device: Device,
    Form(form): Form<VerifyForm>,
) -> Result<Response> {
    let Some(token) = form.token else {
        return resend(&app, page, &device, &form.email);
    };
    let Ok(attempt) = limits::email_token(&app, &device).await else {
        return state(page, Flow::Verify, FlowState::Limited);
    };
    let redeemed = register::verify(&app, &token).await;
    api_tokens::settle(attempt, &redeemed);
    ended(page, Flow::Verify, redeemed)
}

fn resend(app: &App, page: Page, device: &Device, email: &str) -> Result<Response> {
    let Ok(email) = Email::parse(email) else {
        return state(page, Flow::Verify, FlowState::Invalid);
    };
    if limits::causes_mail(app, device).is_err() {
        return state(page, Flow::Verify, FlowState::Limited);
    }
    register::resend(app, &email);
    state(page, Flow::Verify, FlowState::Sent)
}

#[derive(Deserialize)]
pub struct TokenForm {
    #[serde(default)]
    token: String,
}

async fn change_email(
    State(app): State<App>,
    Frame(page): Frame,
    device: Device,
    MaybeIdentity(identity): MaybeIdentity,
    Form(form): Form<TokenForm>,
) -> Result<Response> {
    let Ok(attempt) = limits::email_token(&app, &device).await else {
        return state(page, Flow::ChangeEmail, FlowState::Limited);
    };
    let session = api_tokens::own_session(identity.as_ref());
    let redeemed = changes::confirm_email(&app, &form.token, session).await;
    api_tokens::settle(attempt, &redeemed);
    ended(page, Flow::ChangeEmail, redeemed)
}

fn ended<T>(page: Page, flow: Flow, redeemed: Redeemed<T>) -> Result<Response> {
    match redeemed {
        Ok(Ok(_)) => state(page, flow, FlowState::Done),
        Ok(Err(refusal)) => state(page, flow, stands(refusal)),
        Err(error) if error.code() == Code::Conflict => state(page, flow, FlowState::Taken),
        Err(error) => Err(error),
    }
}
