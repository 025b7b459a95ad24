//! Who asks. Every route needs a signed-in person unless it stands on the short list here, with its reason.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{Extensions, HeaderMap, HeaderName, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use parlor_db::Owner;
use utoipa::openapi::OpenApi;
use uuid::Uuid;

use super::{
    credentials::{Accepted, Credentials},
    csrf, edge,
    error::{Code, Error, Result},
};
use crate::{
    app::App,
    features::{
        accounts::User,
        api_keys, second_factors,
        sessions::{self, Device},
    },
};

/// Routes that answer without a person. Everything else is private.
const PUBLIC: &[(&str, &str)] = &[
    ("/", "sends people to their language"),
    ("/live", "probes have no account"),
    ("/ready", "probes have no account"),
    ("/health", "probes have no account"),
    ("/metrics", "has its own guard: the peer's address or a token"),
    ("/docs", "documentation"),
    ("/docs/", "documentation"),
    ("/docs/{*rest}", "documentation"),
    ("/api/v1/openapi.json", "documentation"),
    ("/.well-known/jwks.json", "public keys, by their nature"),
    ("/assets/{hash}/{*path}", "style sheets and scripts of public pages"),
    ("/favicon.ico", "browsers ask before anybody signs in"),
    ("/api/v1/auth/register", "makes the account"),
    ("/api/v1/auth/login", "makes the session"),
    ("/api/v1/auth/refresh", "the refresh token is the credential"),
    ("/api/v1/auth/verify-email", "the mailed token is the credential"),
    ("/api/v1/auth/verify-email/resend", "for people who cannot log in yet"),
    ("/api/v1/auth/forgot-password", "for people who cannot log in"),
    ("/api/v1/auth/reset-password", "the mailed token is the credential"),
    (
        "/api/v1/auth/change-email/confirm",
        "the mailed token is the credential",
    ),
    ("/api/v1/auth/providers", "the login page shows them"),
    ("/api/v1/auth/oauth/{provider}", "begins a login"),
    ("/api/v1/auth/oauth/{provider}/callback", "ends a login"),
    ("/api/auth/github", "alias: begins a login"),
    ("/api/auth/github/callback", "alias: ends a login"),
    ("/auth/callback", "alias: ends a login"),
    (
        "/api/v1/auth/second-factor",
        "ends a login; the challenge is the credential",
    ),
    ("/api/v1/auth/passkey/options", "begins a login"),
    ("/api/v1/auth/passkey", "ends a login"),
    ("/{locale}/", "sends people to the right page"),
    ("/{locale}", "sends people to the right page"),
    ("/{locale}/login", "makes the session"),
    ("/{locale}/register", "makes the account"),
    (
        "/{locale}/login/second-factor",
        "ends a login; the challenge is the credential",
    ),
    ("/{locale}/forgot", "for people who cannot log in"),
    ("/{locale}/reset", "the mailed token is the credential"),
    ("/reset", "sends people to the page in their language"),
    ("/{locale}/verify", "the mailed token is the credential"),
    ("/verify", "sends people to the page in their language"),
    ("/{locale}/change-email", "the mailed token is the credential"),
    ("/change-email", "sends people to the page in their language"),
];

#[must_use]
pub fn is_public(route: &str) -> bool {
    PUBLIC.iter().any(|(public, _)| *public == route)
}

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// How a request proved who it is from.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The browser sent it by itself, so writes also need proof that our own page asked.
    Cookie(Arc<sessions::Session>),
    AccessToken(Arc<sessions::Session>),
    ApiKey(Arc<api_keys::ApiKey>),
}

/// A signed-in person.
#[derive(Clone, Debug)]
pub struct Identity {
    pub user: Arc<User>,
    pub credential: Credential,
}

impl Identity {
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::new(self.user.id)
    }

    /// None for an API key, which lives without one.
    #[must_use]
    pub fn session(&self) -> Option<&Arc<sessions::Session>> {
        match &self.credential {
            Credential::Cookie(session) | Credential::AccessToken(session) => Some(session),
            Credential::ApiKey(_) => None,
        }
    }

    #[must_use]
    pub fn session_id(&self) -> Option<Uuid> {
        self.session().map(|session| session.id)
    }

    /// Only what a browser sends by itself needs a token against forged requests.
    #[must_use]
    pub fn cookie_session_id(&self) -> Option<Uuid> {
        match &self.credential {
            Credential::Cookie(session) => Some(session.id),
            _ => None,
        }
    }
}

/// A signed-in person with the session they are in: for what an API key may not do.
pub struct InSession {
    pub identity: Identity,
    pub session: Arc<sessions::Session>,
}

impl<S: Send + Sync> FromRequestParts<S> for InSession {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let identity = Identity::from_request_parts(parts, state).await?;
        let session = identity.session().cloned();
        let session = session.ok_or_else(|| Error::new(Code::Forbidden, "An API key cannot do this. Log in."))?;
        Ok(Self { identity, session })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Identity {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(Error::unauthenticated)
    }
}

/// The person, where there is one: for public pages.
pub struct MaybeIdentity(pub Option<Identity>);

impl<S: Send + Sync> FromRequestParts<S> for MaybeIdentity {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get::<Identity>().cloned()))
    }
}

/// What [`authenticate`] needs: the app, and what each route takes.
#[derive(Clone)]
pub struct Guard {
    app: App,
    credentials: Arc<Credentials>,
}

impl Guard {
    #[must_use]
    pub fn new(app: App, document: &OpenApi) -> Self {
        Self {
            app,
            credentials: Arc::new(Credentials::of(document)),
        }
    }

    /// Whether the request's route answers nobody, and what it takes otherwise.
    fn route(&self, request: &Request) -> (bool, Accepted) {
        match request.extensions().get::<MatchedPath>() {
            Some(route) => {
                let accepted = self.credentials.for_route(route.as_str(), request.method());
                (is_public(route.as_str()), accepted)
            }
            None => (true, Accepted::default()),
        }
    }
}

/// Finds out who asks, refuses private routes to nobody, credentials that a route does not take, and cross-site writes
/// to everybody.
pub async fn authenticate(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    match admit(&guard, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(refusal) => edge::refuse_body(request, refusal).await,
    }
}

async fn admit(guard: &Guard, request: &mut Request) -> std::result::Result<(), Response> {
    let app = &guard.app;
    refuse_key_in_address(request).map_err(IntoResponse::into_response)?;
    let (public, accepted) = guard.route(request);
    let identity = match identify(app, request.headers(), request.extensions()).await {
        Ok(identity) => identity,
        // A stale cookie must not keep anybody from the login page.
        Err(_) if public => None,
        Err(error) => return Err(refuse(app, request, error)),
    };
    let by_header = identity
        .as_ref()
        .is_some_and(|identity| identity.cookie_session_id().is_none());
    if !csrf::is_safe(request.method()) && !by_header {
        check_write(app, request, identity.as_ref()).map_err(IntoResponse::into_response)?;
    }
    match identity {
        // Public routes serve whoever is logged in as themselves; a key is nothing to them.
        Some(identity) if public && identity.session().is_none() => Ok(()),
        Some(identity) => {
            if !public {
                accepted
                    .check(&identity.credential)
                    .map_err(IntoResponse::into_response)?;
            }
            if let Some(gate) = second_factors::gate(app, request, &identity)
                && let Some(refusal) = gate.refusal(app).await
            {
                return Err(refusal);
            }
            sessions::touch(app, &identity);
            request.extensions_mut().insert(identity);
            Ok(())
        }
        None if public => Ok(()),
        None => Err(refuse(app, request, Error::unauthenticated())),
    }
}

/// Pages send people to the login page and back; the API says 401.
fn refuse(app: &App, request: &Request, error: Error) -> Response {
    let path = request.uri().path();
    let is_page = !path.starts_with("/api/") && request.method() == Method::GET && accepts_html(request.headers());
    if !is_page {
        return error.into_response();
    }
    let locale = super::page::locale_of(path, request.headers());
    let back = request.uri().path_and_query().map_or(path, |whole| whole.as_str());
    // Whoever brings a cookie was here, and wonders why they are asked again.
    let was_here = sessions::cookie::read(app, request.headers()).is_some();
    let notice = was_here.then_some(("notice", "session-ended"));
    let query: Vec<_> = notice.into_iter().chain([("next", back)]).collect();
    let query = serde_urlencoded::to_string(query).unwrap_or_default();
    Redirect::to(&format!("/{locale}/login?{query}")).into_response()
}

#[must_use]
pub fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

fn check_write(app: &App, request: &Request, identity: Option<&Identity>) -> Result<()> {
    csrf::check_origin(app, request.headers())?;
    let Some(session_id) = identity.and_then(Identity::cookie_session_id) else {
        return Ok(());
    };
    match request.headers().get(csrf::CSRF_TOKEN) {
        Some(token) => csrf::check_token(app, session_id, token.to_str().unwrap_or_default()),
        // The form extractor checks the token that stands among the fields.
        None if is_form(request) => Ok(()),
        None => csrf::check_token(app, session_id, ""),
    }
}

fn is_form(request: &Request) -> bool {
    let declared = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    !request.uri().path().starts_with("/api/")
        && declared.is_some_and(|declared| declared.starts_with("application/x-www-form-urlencoded"))
}

/// Addresses end up in the logs of proxies and in histories: a key that was in one is as good as public.
fn refuse_key_in_address(request: &Request) -> Result<()> {
    let query = request.uri().query().unwrap_or_default();
    if !query.contains(api_keys::MARK) || !api_keys::is_within(query) {
        return Ok(());
    }
    Err(Error::new(
        Code::MalformedRequest,
        "Send an API key in a header, never in an address. Revoke this one: proxies may have logged it.",
    ))
}

async fn identify(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Result<Option<Identity>> {
    let in_authorization = bearer(headers);
    if let Some(token) = in_authorization.filter(|token| !token.starts_with(api_keys::MARK)) {
        return sessions::by_access_token(app, token).await.map(Some);
    }
    let alone = || headers.get(X_API_KEY).map(|value| value.to_str().unwrap_or_default());
    if let Some(key) = in_authorization.or_else(alone) {
        let ip = Device::address(app, headers, extensions);
        return api_keys::by_key(app, key, ip).await.map(Some);
    }
    match sessions::cookie::read(app, headers) {
        Some(secret) => sessions::by_cookie(app, secret).await,
        None => Ok(None),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
