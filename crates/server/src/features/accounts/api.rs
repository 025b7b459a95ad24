//! `/auth/register`, `/auth/login`, `/me`.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use garde::Validate;
use parlor_db::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Change, NewAccount, User, limits};
use crate::{
    app::App,
    features::sessions::{self, Device, Proof, SignIn},
    http::{Code, Error, FieldError, Json, Result, auth::Identity, extract, page},
    telemetry::metrics,
    ui,
};

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    #[garde(length(bytes, max = 254))]
    #[schema(format = "email", max_length = 254)]
    email: String,
    /// As typed; every character counts, also spaces.
    #[garde(skip)]
    #[schema(format = "password")]
    password: String,
    #[garde(length(chars, max = 120))]
    display_name: Option<String>,
    #[garde(length(chars, max = 120))]
    first_name: Option<String>,
    #[garde(length(chars, max = 120))]
    last_name: Option<String>,
    /// Instead of first and last name.
    #[garde(length(chars, max = 160))]
    full_name: Option<String>,
    /// The version of the terms that the person accepts; needed where the server has terms.
    #[garde(length(max = 60))]
    terms_version: Option<String>,
    /// Language of pages and mails: `en` or `de`.
    #[garde(length(max = 35))]
    locale: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Accepted {
    /// Always `accepted`, whether or not the address had an account.
    status: &'static str,
}

impl Accepted {
    pub(super) const ANSWER: (StatusCode, Json<Self>) = (StatusCode::ACCEPTED, Json(Self { status: "accepted" }));
}

/// Make an account.
#[utoipa::path(post, path = "/auth/register", tag = "Accounts", security(()), responses(
    (status = 202, body = Accepted), (status = 422, body = crate::http::error::Problem),
    (status = 429, description = "rate_limited", body = crate::http::error::Problem)))]
pub async fn register(
    State(app): State<App>,
    device: Device,
    headers: HeaderMap,
    Json(request): Json<RegisterRequest>,
) -> Result<(StatusCode, Json<Accepted>)> {
    let locale = known_locale(request.locale.as_deref())?.unwrap_or_else(|| page::locale_of("/", &headers));
    let names: Vec<String> = [request.first_name, request.last_name].into_iter().flatten().collect();
    let full_name = request.full_name.or_else(|| Some(names.join(" ")));
    let full_name = full_name.filter(|name| !name.trim().is_empty());
    let account = NewAccount {
        email: request.email,
        password: request.password,
        display_name: request.display_name.or_else(|| full_name.clone()),
        full_name,
        locale: locale.to_owned(),
        terms_version: request.terms_version,
    };
    account
        .check_terms(&app.config)
        .map_err(|wrong| Error::validation(vec![wrong]))?;
    account.check(&app.config).map_err(Error::validation)?;
    limits::registers(&app, &device)?;
    super::register(&app, account).await?;
    Ok(Accepted::ANSWER)
}

fn known_locale(locale: Option<&str>) -> Result<Option<&'static str>> {
    let Some(wanted) = locale else { return Ok(None) };
    let language = wanted.split(['-', '_']).next().unwrap_or_default();
    let message = || format!("Must be one of {}.", page::locale_codes().join(", "));
    let wrong = || Error::validation(vec![FieldError::new("locale", "invalid_value", message())]);
    ui::supported(language).map(Some).ok_or_else(wrong)
}

#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    #[garde(length(bytes, min = 1, max = 254))]
    #[schema(format = "email")]
    email: String,
    #[garde(length(bytes, min = 1, max = 4096))]
    #[schema(format = "password")]
    password: String,
    /// Keep the session longer.
    #[garde(skip)]
    #[serde(default)]
    remember_me: bool,
}

/// Log in. With the header `X-Session: cookie` the answer also sets the session cookie.
#[utoipa::path(post, path = "/auth/login", tag = "Accounts", security(()), responses(
    (status = 200, body = sessions::LoginResponse),
    (status = 401, description = "invalid_credentials", body = crate::http::error::Problem),
    (status = 403, description = "email_not_verified, account_disabled", body = crate::http::error::Problem),
    (status = 429, description = "rate_limited", body = crate::http::error::Problem)))]
pub async fn login(
    State(app): State<App>,
    device: Device,
    headers: HeaderMap,
    Json(request): Json<LoginRequest>,
) -> Result<Response> {
    let checked = super::log_in(&app, &request.email, request.password, &device).await;
    metrics::login(outcome_of(&checked));
    let user = checked?;
    let login = SignIn {
        remember: request.remember_me,
        ..SignIn::new(&user, &device, Proof::Password)
    };
    let outcome = sessions::sign_in(&app, login).await?;
    sessions::answer_json(&app, &headers, &user, outcome)
}

/// For the metric.
pub(super) fn outcome_of(checked: &Result<User>) -> &'static str {
    match checked {
        Ok(_) => "success",
        Err(error) if error.code() == Code::RateLimited => "limited",
        Err(_) => "failure",
    }
}

/// A person, as they see themselves.
#[derive(Serialize, ToSchema)]
pub struct UserView {
    id: Uuid,
    email: String,
    email_verified: bool,
    display_name: String,
    full_name: Option<String>,
    avatar_url: Option<String>,
    bio: Option<String>,
    locale: String,
    /// `admin` or `user`.
    role: String,
    plan: String,
    /// Whether a login from a new device is reported by mail.
    notify_new_device: bool,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    totals: Totals,
}

#[derive(Serialize, ToSchema)]
struct Totals {
    chats: i64,
    messages: i64,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.clone(),
            email_verified: user.email_verified_at.is_some(),
            display_name: user.display_name.clone(),
            full_name: user.full_name.clone(),
            avatar_url: user.avatar_url.clone(),
            bio: user.bio.clone(),
            locale: user.locale.clone(),
            role: user.role.clone(),
            plan: user.plan.clone(),
            notify_new_device: user.mail_new_device,
            created_at: user.created_at,
            totals: Totals {
                chats: user.chat_count,
                messages: user.message_count,
            },
        }
    }
}

/// The signed-in person.
#[utoipa::path(get, path = "/me", tag = "Account",
    security(("session_cookie" = []), ("access_token" = []), ("api_key" = ["account:read"])), responses((status = 200, body = UserView)))]
pub async fn me(identity: Identity) -> Json<UserView> {
    Json(UserView::from(&*identity.user))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMe {
    #[garde(length(chars, min = 1, max = 120))]
    display_name: Option<String>,
    #[garde(inner(length(chars, max = 160)))]
    #[serde(default, deserialize_with = "extract::present")]
    full_name: Option<Option<String>>,
    /// An https address.
    #[garde(inner(length(max = 2000), pattern(r"^https://")))]
    #[serde(default, deserialize_with = "extract::present")]
    avatar_url: Option<Option<String>>,
    #[garde(inner(length(chars, max = 1000)))]
    #[serde(default, deserialize_with = "extract::present")]
    bio: Option<Option<String>>,
    #[garde(length(max = 35))]
    locale: Option<String>,
    /// Whether a login from a new device is reported by mail.
    #[garde(skip)]
    notify_new_device: Option<bool>,
}

/// Change the signed-in person's account.
#[utoipa::path(patch, path = "/me", tag = "Account", responses(
    (status = 200, body = UserView), (status = 422, body = crate::http::error::Problem)))]
pub async fn update_me(
    State(app): State<App>,
    identity: Identity,
    Json(request): Json<UpdateMe>,
) -> Result<Json<UserView>> {
    let change = Change {
        display_name: request.display_name,
        full_name: request.full_name,
        avatar_url: request.avatar_url,
        bio: request.bio,
        locale: known_locale(request.locale.as_deref())?.map(str::to_owned),
        mail_new_device: request.notify_new_device,
    };
    super::change(&app, identity.user.id, change).await?;
    let user = super::find(&app, identity.user.id)
        .await?
        .ok_or_else(Error::not_found)?;
    Ok(Json(UserView::from(&*user)))
}
