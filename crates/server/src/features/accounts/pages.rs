//! Log in, make an account, set it up.

use axum::{
    Router,
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    Change, NewAccount, Registered,
    views::{AccountView, LoginView, RegisterErrors, RegisterView},
};
use crate::{
    app::App,
    features::{
        oauth,
        sessions::{self, Device, Proof, SignIn},
    },
    http::{
        Code, FieldError, Form, Result,
        auth::{Identity, InSession, MaybeIdentity},
        page::{Frame, go, safe_next, show, theme_cookie},
    },
    telemetry::metrics,
    ui::{Page, Theme, supported},
};

pub fn pages() -> Router<App> {
    Router::new()
        .route("/{locale}/login", get(login_page).post(login))
        .route("/{locale}/register", get(register_page).post(register))
        .route("/{locale}/account", get(account_page).post(account))
        .route("/{locale}/logout", post(logout))
}

#[derive(Deserialize)]
pub struct Next {
    next: Option<String>,
}

async fn login_page(
    State(app): State<App>,
    Frame(page): Frame,
    MaybeIdentity(identity): MaybeIdentity,
    Query(query): Query<Next>,
) -> Result<Response> {
    if identity.is_some() {
        return Ok(Redirect::to(&safe_next(&page, query.next.as_deref())).into_response());
    }
    show(&LoginView {
        providers: oauth::buttons(&app, &page, query.next.as_deref()),
        page,
        email: String::new(),
        next: query.next,
        error: None,
    })
}

#[derive(Deserialize)]
pub struct LoginForm {
    email: String,
    password: String,
    next: Option<String>,
}

async fn login(
    State(app): State<App>,
    Frame(page): Frame,
    device: Device,
    Form(form): Form<LoginForm>,
) -> Result<Response> {
    let checked = super::check_password(&app, &form.email, form.password).await;
    metrics::login(if checked.is_ok() { "success" } else { "failure" });
    let user = match checked {
        Ok(user) => user,
        Err(error) => {
            let reason = match error.code() {
                Code::InvalidCredentials => page.t("login-failed"),
                Code::AccountDisabled => page.t("login-disabled"),
                _ => return Err(error),
            };
            let view = LoginView {
                providers: oauth::buttons(&app, &page, form.next.as_deref()),
                page,
                email: form.email,
                next: form.next,
                error: Some(reason),
            };
            return Ok((error.code().status(), show(&view)?).into_response());
        }
    };
    let outcome = sessions::sign_in(&app, SignIn::new(&user, &device, Proof::Password)).await?;
    Ok(sessions::answer_page(&app, &page, outcome, form.next.as_deref()))
}

async fn register_page(
    State(app): State<App>,
    Frame(page): Frame,
    MaybeIdentity(identity): MaybeIdentity,
    Query(query): Query<Next>,
) -> Result<Response> {
    if identity.is_some() {
        return Ok(Redirect::to(&safe_next(&page, query.next.as_deref())).into_response());
    }
    let form = RegisterForm {
        next: query.next,
        ..RegisterForm::default()
    };
    show(&register_view(&app, page, form, RegisterErrors::default()).await?)
}

#[derive(Default, Deserialize)]
pub struct RegisterForm {
    email: String,
    password: String,
    #[serde(default)]
    display_name: String,
    next: Option<String>,
}

async fn register_view(app: &App, page: Page, form: RegisterForm, errors: RegisterErrors) -> Result<RegisterView> {
    Ok(RegisterView {
        providers: oauth::buttons(app, &page, form.next.as_deref()),
        page,
        email: form.email,
        display_name: form.display_name,
        next: form.next,
        first_account: super::none_yet(app).await?,
        password_min: app.config.passwords.min_length,
        errors,
        error: None,
    })
}

/// Makes the account and signs in with it. An address that has one is signed in only by its own password; with another
/// it ends at the login page, as a person would who forgot that they were here before.
async fn register(
    State(app): State<App>,
    Frame(page): Frame,
    device: Device,
    Form(form): Form<RegisterForm>,
) -> Result<Response> {
    let account = NewAccount {
        email: form.email.clone(),
        password: form.password.clone(),
        display_name: Some(form.display_name.clone()),
        full_name: None,
        locale: page.locale().code.to_owned(),
    };
    let too_long = form.display_name.chars().count() > 120;
    let name = too_long.then(|| page.t("field-display-name-long"));
    let wrong = account.check(app.config.passwords.min_length).err().unwrap_or_default();
    if name.is_some() || !wrong.is_empty() {
        let errors = RegisterErrors {
            display_name: name,
            ..field_errors(&app, &page, &wrong)
        };
        let view = register_view(&app, page, form, errors).await?;
        return Ok((Code::ValidationFailed.status(), show(&view)?).into_response());
    }
    let registered = super::register(&app, account).await?;
    let user = super::check_password(&app, &form.email, form.password).await;
    match (registered, user) {
        (_, Ok(user)) => {
            let outcome = sessions::sign_in(&app, SignIn::new(&user, &device, Proof::Password)).await?;
            Ok(sessions::answer_page(&app, &page, outcome, form.next.as_deref()))
        }
        (Registered::New(_) | Registered::Known, Err(_)) => Ok(go(&page, "/login?notice=register-done")),
    }
}

fn field_errors(app: &App, page: &Page, wrong: &[FieldError]) -> RegisterErrors {
    let of = |name: &str| wrong.iter().find(|field| field.field == name);
    let password = |field: &FieldError| match &*field.code {
        "too_long" => page.t("field-password-long"),
        _ => page.count("field-password-short", app.config.passwords.min_length),
    };
    RegisterErrors {
        email: of("email").map(|_| page.t("field-email-invalid")),
        password: of("password").map(password),
        display_name: None,
    }
}

async fn account_page(Frame(page): Frame, identity: Identity) -> Result<Response> {
    let view = AccountView {
        email: identity.user.email.clone(),
        display_name: identity.user.display_name.clone(),
        display_name_error: None,
        locale: identity.user.locale.clone(),
        theme: page.theme,
        page,
    };
    show(&view)
}

#[derive(Deserialize)]
pub struct AccountForm {
    #[serde(default)]
    display_name: String,
    locale: String,
    #[serde(default)]
    theme: String,
}

async fn account(
    State(app): State<App>,
    Frame(page): Frame,
    identity: Identity,
    Form(form): Form<AccountForm>,
) -> Result<Response> {
    let theme = Theme::from_id(&form.theme);
    let locale = supported(&form.locale).unwrap_or(page.locale().code);
    let display_name = form.display_name.trim().to_owned();
    if display_name.chars().count() > 120 {
        let view = AccountView {
            email: identity.user.email.clone(),
            display_name,
            display_name_error: Some(page.t("field-display-name-long")),
            locale: locale.to_owned(),
            theme,
            page,
        };
        return Ok((Code::ValidationFailed.status(), show(&view)?).into_response());
    }
    let change = Change {
        display_name: Some(display_name),
        locale: Some(locale.to_owned()),
        ..Change::default()
    };
    super::change(&app, identity.user.id, change).await?;
    let next = Redirect::to(&format!("/{locale}/account?notice=account-saved"));
    Ok(([theme_cookie(&app, theme)], next).into_response())
}

#[derive(Deserialize)]
pub struct Nothing {}

async fn logout(
    State(app): State<App>,
    Frame(page): Frame,
    InSession { session, .. }: InSession,
    _: Form<Nothing>,
) -> Result<Response> {
    sessions::end(&app, session.id, "logout").await?;
    Ok(([sessions::cookie::clear(&app)], go(&page, "/login?notice=logged-out")).into_response())
}
