//! Change the password, change the address.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    Email, User,
    changes::{self, NewPassword},
    pages::{limited, password_error},
    views::{SecurityErrors, SecurityView},
};
use crate::{
    app::App,
    features::sessions::Device,
    http::{
        Code, Error, Form, Result,
        auth::InSession,
        page::{Frame, go, show},
    },
    ui::Page,
};

pub fn pages() -> Router<App> {
    Router::new()
        .route("/{locale}/security", get(security_page))
        .route("/{locale}/security/password", post(change_password))
        .route("/{locale}/security/email", post(change_email))
}

async fn security_page(
    State(app): State<App>,
    Frame(page): Frame,
    InSession { identity, .. }: InSession,
) -> Result<Response> {
    show(&view(&app, page, &identity.user))
}

fn view(app: &App, page: Page, user: &User) -> SecurityView {
    SecurityView {
        page: Page {
            path: "/security".to_owned(),
            ..page
        },
        email: user.email.clone(),
        has_password: user.password_hash.is_some(),
        mail_is_on: app.config.mail.is_on(),
        password_min: app.config.passwords.min_length,
        new_email: String::new(),
        errors: SecurityErrors::default(),
    }
}

fn again(view: SecurityView, error: &Error) -> Result<Response> {
    Ok((error.code().status(), show(&view)?).into_response())
}

/// What a wrong or too often tried current password says.
fn confirm_error(page: &Page, error: &Error) -> Option<String> {
    match error.code() {
        Code::InvalidCredentials => Some(page.t("field-password-wrong")),
        Code::RateLimited => Some(limited(page, error)),
        _ => None,
    }
}

#[derive(Deserialize)]
pub struct PasswordForm {
    #[serde(default)]
    current_password: String,
    #[serde(default)]
    new_password: String,
}

async fn change_password(
    State(app): State<App>,
    Frame(page): Frame,
    device: Device,
    InSession { identity, session }: InSession,
    Form(form): Form<PasswordForm>,
) -> Result<Response> {
    let change = NewPassword {
        session_id: session.id,
        current: form.current_password,
        new: form.new_password,
    };
    let Err(error) = changes::change_password(&app, &identity.user, &device, change).await else {
        return Ok(go(&page, "/security?notice=password-changed"));
    };
    let errors = SecurityErrors {
        current: confirm_error(&page, &error),
        new: error.fields().first().map(|wrong| password_error(&app, &page, wrong)),
        ..SecurityErrors::default()
    };
    if errors.current.is_none() && errors.new.is_none() {
        return Err(error);
    }
    let view = SecurityView {
        errors,
        ..view(&app, page, &identity.user)
    };
    again(view, &error)
}

#[derive(Deserialize)]
pub struct EmailForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

async fn change_email(
    State(app): State<App>,
    Frame(page): Frame,
    InSession { identity, .. }: InSession,
    Form(form): Form<EmailForm>,
) -> Result<Response> {
    let outcome = match Email::parse(&form.email) {
        Ok(email) => changes::ask_for_email(&app, &identity.user, &email, form.password).await,
        Err(wrong) => Err(Error::validation(vec![wrong])),
    };
    let Err(error) = outcome else {
        return Ok(go(&page, "/security?notice=email-change-sent"));
    };
    let email = error.fields().first().map(|wrong| match &*wrong.code {
        "unchanged" => page.t("field-email-unchanged"),
        _ => page.t("field-email-invalid"),
    });
    let password = confirm_error(&page, &error);
    if email.is_none() && password.is_none() {
        return Err(error);
    }
    let view = SecurityView {
        errors: SecurityErrors {
            email,
            password,
            ..SecurityErrors::default()
        },
        new_email: form.email,
        ..view(&app, page, &identity.user)
    };
    again(view, &error)
}
