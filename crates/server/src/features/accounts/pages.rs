//! Log in, make an account, set it up.

use axum::{
    Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    Change, NewAccount, User, api, limits,
    views::{AccountView, LoginView, RegisterErrors, RegisterView},
    views_tokens::{Flow, State as FlowState, StateView},
};
use crate::{
    app::App,
    features::sessions::{self, Device, Proof, SignIn},
    http::{
        Code, Error, FieldError, Form, Result,
        auth::{Identity, InSession, MaybeIdentity},
        headers::page_csp,
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
    Frame(page): Frame,
    MaybeIdentity(identity): MaybeIdentity,
    Query(query): Query<Next>,
) -> Result<Response> {
    if identity.is_some() {
        return Ok(Redirect::to(&safe_next(&page, query.next.as_deref())).into_response());
    }
    show(&LoginView {
        page,
        email: String::new(),
        next: query.next,
        remember: true,
        error: None,
        unverified: false,
    })
}

#[derive(Deserialize)]
pub struct LoginForm {
    email: String,
    password: String,
    next: Option<String>,
    /// A box that is not ticked is not sent.
    remember: Option<String>,
}

async fn login(
    State(app): State<App>,
    Frame(page): Frame,
    device: Device,
    Form(form): Form<LoginForm>,
) -> Result<Response> {
    let checked = super::log_in(&app, &form.email, form.password.clone(), &device).await;
    metrics::login(api::outcome_of(&checked));
    let outcome = match checked {
        Ok(user) => {
            let remember = form.remember.is_some();
            let sign_in = SignIn {
                remember,
                ..SignIn::new(&user, &device, Proof::Password)
            };
            sessions::sign_in(&app, sign_in).await
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(outcome) => Ok(sessions::answer_page(&app, &page, outcome, form.next.as_deref())),
        Err(error) => login_again(page, form, error),
    }
}

/// The page once more, with why it did not work and what to do about it.
fn login_again(page: Page, form: LoginForm, error: Error) -> Result<Response> {
    let reason = match error.code() {
        Code::InvalidCredentials => page.t("login-failed"),
        Code::AccountDisabled => page.t("login-disabled"),
        Code::EmailNotVerified => page.t("login-unverified"),
        Code::RateLimited => limited(&page, &error),
        _ => return Err(error),
    };
    let view = LoginView {
        page,
        email: form.email,
        next: form.next,
        remember: form.remember.is_some(),
        error: Some(reason),
        unverified: error.code() == Code::EmailNotVerified,
    };
    let retry = error
        .retry_after_s()
        .map(|seconds| ("retry-after", seconds.to_string()));
    let retry = axum::response::AppendHeaders(retry);
    Ok((error.code().status(), retry, show(&view)?).into_response())
}

/// How long to wait, in words.
pub(super) fn limited(page: &Page, error: &Error) -> String {
    let seconds = usize::try_from(error.retry_after_s().unwrap_or(60)).unwrap_or(60);
    if seconds < 90 {
        page.count("limited-seconds", seconds)
    } else {
        page.count("limited-minutes", seconds.div_ceil(60))
    }
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
    terms_version: Option<String>,
    next: Option<String>,
}

async fn register_view(app: &App, page: Page, form: RegisterForm, errors: RegisterErrors) -> Result<RegisterView> {
    Ok(RegisterView {
        page,
        email: form.email,
        display_name: form.display_name,
        next: form.next,
        first_account: super::none_yet(app).await?,
        password_min: app.config.passwords.min_length,
        terms_version: Some(app.config.accounts.terms_version.clone()).filter(|version| !version.is_empty()),
        errors,
        error: None,
    })
}

/// Makes the account. Where there is mail, the answer is the same for an address that has one already, and its owner gets
/// a mail. Where there is none, it signs in: an address that has an account only by its own password; with another it
/// ends at the login page, as a person would who forgot that they were here before.
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
        terms_version: form.terms_version.clone(),
    };
    if let Some(errors) = register_errors(&app, &page, &account) {
        let view = register_view(&app, page, form, errors).await?;
        return Ok((Code::ValidationFailed.status(), show(&view)?).into_response());
    }
    if limits::registers(&app, &device).is_err() {
        return state(page, Flow::Register, FlowState::Limited);
    }
    super::register(&app, account).await?;
    if app.config.mail.is_on() {
        return state(page, Flow::Register, FlowState::Sent);
    }
    match super::log_in(&app, &form.email, form.password, &device).await {
        Ok(user) => {
            let outcome = sessions::sign_in(&app, SignIn::new(&user, &device, Proof::Password)).await?;
            Ok(sessions::answer_page(&app, &page, outcome, form.next.as_deref()))
        }
        Err(_) => Ok(go(&page, "/login?notice=register-done")),
    }
}

/// Where a flow stands, as a page.
pub(super) fn state(page: Page, flow: Flow, state: FlowState) -> Result<Response> {
    let status = match state {
        FlowState::Sent | FlowState::Done => StatusCode::OK,
        FlowState::Limited => Code::RateLimited.status(),
        FlowState::Taken => Code::Conflict.status(),
        FlowState::Expired | FlowState::Used | FlowState::Replaced | FlowState::Invalid => {
            Code::EmailTokenInvalid.status()
        }
    };
    Ok((status, show(&StateView { page, flow, state })?).into_response())
}

fn register_errors(app: &App, page: &Page, account: &NewAccount) -> Option<RegisterErrors> {
    let name = account.display_name.as_deref().unwrap_or_default();
    let long = (name.chars().count() > 120).then(|| page.t("field-display-name-long"));
    let terms = account
        .check_terms(&app.config)
        .is_err()
        .then(|| page.t("field-terms-missing"));
    let wrong = account.check(&app.config).err().unwrap_or_default();
    (long.is_some() || terms.is_some() || !wrong.is_empty()).then(|| RegisterErrors {
        display_name: long,
        terms,
        ..field_errors(app, page, &wrong)
    })
}

fn field_errors(app: &App, page: &Page, wrong: &[FieldError]) -> RegisterErrors {
    let of = |name: &str| wrong.iter().find(|field| field.field == name);
    RegisterErrors {
        email: of("email").map(|_| page.t("field-email-invalid")),
        password: of("password").map(|field| password_error(app, page, field)),
        ..RegisterErrors::default()
    }
}

/// What is wrong with a new password, in the page's language.
pub(super) fn password_error(app: &App, page: &Page, wrong: &FieldError) -> String {
    match &*wrong.code {
        "too_long" => page.t("field-password-long"),
        "breached" => page.t("field-password-breached"),
        "too_similar" => page.t("field-password-similar"),
        _ => page.count("field-password-short", app.config.passwords.min_length),
    }
}

async fn account_page(Frame(page): Frame, identity: Identity) -> Result<Response> {
    let view = AccountView {
        display_name: identity.user.display_name.clone(),
        locale: identity.user.locale.clone(),
        theme: page.theme,
        full_name: identity.user.full_name.clone().unwrap_or_default(),
        avatar_url: identity.user.avatar_url.clone().unwrap_or_default(),
        bio: identity.user.bio.clone().unwrap_or_default(),
        ..account_view(page, &identity.user)
    };
    show_account(&view)
}

/// The page without what can be typed.
fn account_view(page: Page, user: &User) -> AccountView {
    AccountView {
        email: user.email.clone(),
        email_verified: user.email_verified_at.is_some(),
        display_name: String::new(),
        display_name_error: None,
        full_name: String::new(),
        avatar_url: String::new(),
        avatar_error: None,
        bio: String::new(),
        locale: String::new(),
        theme: page.theme,
        page,
    }
}

/// The one page that shows a picture from elsewhere: the person's own, and only from there.
fn show_account(view: &AccountView) -> Result<Response> {
    let origin = avatar_origin(&view.avatar_url).unwrap_or_default();
    let policy = (header::CONTENT_SECURITY_POLICY, page_csp(&view.page.nonce, &origin));
    Ok(([policy], show(view)?).into_response())
}

fn avatar_origin(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok().filter(|url| url.scheme() == "https")?;
    Some(url.origin().ascii_serialization())
}

#[derive(Deserialize)]
pub struct AccountForm {
    #[serde(default)]
    display_name: String,
    full_name: Option<String>,
    avatar_url: Option<String>,
    bio: Option<String>,
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
    let text = |field: &Option<String>| field.as_deref().map(str::trim).map(str::to_owned);
    let (display_name, full_name, bio) = (
        form.display_name.trim().to_owned(),
        text(&form.full_name),
        text(&form.bio),
    );
    let avatar_url = text(&form.avatar_url);
    let name_error = (display_name.chars().count() > 120).then(|| page.t("field-display-name-long"));
    let wrong_avatar = avatar_url
        .as_deref()
        .is_some_and(|url| !url.is_empty() && !is_avatar(url));
    let avatar_error = wrong_avatar.then(|| page.t("field-avatar-invalid"));
    let long = |field: &Option<String>, most| field.as_ref().is_some_and(|text| text.chars().count() > most);
    if name_error.is_some() || avatar_error.is_some() || long(&full_name, 160) || long(&bio, 1000) {
        let view = AccountView {
            display_name,
            display_name_error: name_error,
            full_name: full_name.unwrap_or_default(),
            avatar_url: avatar_url.unwrap_or_default(),
            avatar_error,
            bio: bio.unwrap_or_default(),
            locale: locale.to_owned(),
            theme,
            ..account_view(page, &identity.user)
        };
        return Ok((Code::ValidationFailed.status(), show_account(&view)?).into_response());
    }
    // A field that the form does not have is left alone; an empty one is emptied.
    let filled = |field: Option<String>| field.map(|text| Some(text).filter(|text| !text.is_empty()));
    let change = Change {
        display_name: Some(display_name),
        full_name: filled(full_name),
        avatar_url: filled(avatar_url),
        bio: filled(bio),
        locale: Some(locale.to_owned()),
        ..Change::default()
    };
    super::change(&app, identity.user.id, change).await?;
    let next = Redirect::to(&format!("/{locale}/account?notice=account-saved"));
    Ok(([theme_cookie(&app, theme)], next).into_response())
}

fn is_avatar(url: &str) -> bool {
    url.len() <= 2000 && avatar_origin(url).is_some()
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
    Ok((sessions::cookie::forget(&app), go(&page, "/login?notice=logged-out")).into_response())
}
