//! The page that asks again.

use axum::{
    Router,
    extract::{Query, State},
    http::HeaderMap,
    response::{AppendHeaders, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{Proof, view::StepUpView};
use crate::{
    app::App,
    features::second_factors,
    http::{
        Code, Form, Result,
        auth::InSession,
        page::{Frame, safe_next, show},
    },
    ui::Page,
};

pub fn pages() -> Router<App> {
    Router::new()
        .route("/{locale}/step-up", get(page).post(prove))
        .route("/{locale}/step-up/email", post(email))
}

#[derive(Deserialize)]
struct Asked {
    next: Option<String>,
    /// There when a code has just been mailed.
    sent: Option<String>,
}

async fn page(
    State(app): State<App>,
    Frame(page): Frame,
    person: InSession,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    if super::is_fresh(&app, &person.session).await? {
        return Ok(Redirect::to(&safe_next(&page, asked.next.as_deref())).into_response());
    }
    show(&view(&app, page, &person, asked).await?)
}

async fn view(app: &App, page: Page, person: &InSession, asked: Asked) -> Result<StepUpView> {
    let user = &person.identity.user;
    Ok(StepUpView {
        email: user.email.clone(),
        has_password: user.password_hash.is_some(),
        has_code: second_factors::is_on(app, user.id).await?,
        code_sent: asked.sent.is_some(),
        minutes: app.config.sessions.step_up_minutes as usize,
        next: asked.next,
        error: None,
        page,
    })
}

#[derive(Deserialize)]
struct ProofForm {
    password: Option<String>,
    code: Option<String>,
    email_code: Option<String>,
    next: Option<String>,
}

async fn prove(
    State(app): State<App>,
    Frame(page): Frame,
    person: InSession,
    headers: HeaderMap,
    Form(form): Form<ProofForm>,
) -> Result<Response> {
    let mailed = form.email_code.map(Proof::EmailCode);
    let sent = mailed.is_some().then(String::new);
    let proof = mailed
        .or(form.code.map(Proof::Code))
        .unwrap_or_else(|| Proof::Password(form.password.unwrap_or_default()));
    let failed = match &proof {
        Proof::Password(_) => page.t("step-up-password-wrong"),
        Proof::Code(_) | Proof::EmailCode(_) => page.t("step-up-code-wrong"),
    };
    match super::prove(&app, &headers, &person, proof).await {
        Ok(cookie) => {
            let next = Redirect::to(&safe_next(&page, form.next.as_deref()));
            Ok((AppendHeaders(cookie), next).into_response())
        }
        Err(error) if error.code() == Code::InvalidCredentials => {
            let asked = Asked { next: form.next, sent };
            let view = StepUpView {
                error: Some(failed),
                ..view(&app, page, &person, asked).await?
            };
            Ok((error.code().status(), show(&view)?).into_response())
        }
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
struct EmailForm {
    next: Option<String>,
}

async fn email(
    State(app): State<App>,
    Frame(page): Frame,
    person: InSession,
    Form(form): Form<EmailForm>,
) -> Result<Response> {
    super::send_code(&app, &person).await?;
    let next = form.next.unwrap_or_default();
    let query = serde_urlencoded::to_string([("sent", "1"), ("next", &next)]).unwrap_or_default();
    Ok(Redirect::to(&format!("{}?{query}", page.url("/step-up"))).into_response())
}
