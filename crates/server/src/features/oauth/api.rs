//! `/auth/providers`, `/auth/oauth/…`, `/me/connections`.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use parlor_db::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    connections::{self, At},
    flow::{self, Returned, Start, Stopped},
    providers::Provider,
    rules::{Failure, Purpose},
    store::{self, Flow},
};
use crate::{
    app::App,
    features::{
        accounts::User,
        sessions::{self, Device, Proof, SignIn, cookie},
    },
    http::{
        Code, Error, Json, Path, Result, StepUp,
        auth::{Identity, InSession, MaybeIdentity},
        cookies,
        page::locale_of,
    },
    telemetry::metrics,
    ui::{Page, Text, Theme},
};

#[derive(Serialize, ToSchema)]
pub struct ProviderView {
    /// As it stands in `/auth/oauth/{provider}`.
    id: &'static str,
    /// For a button.
    name: String,
}

#[derive(Serialize, ToSchema)]
pub struct ProviderList {
    data: Vec<ProviderView>,
}

/// Where people can sign in besides here.
#[utoipa::path(get, path = "/auth/providers", tag = "Accounts", security(()), responses((status = 200, body = ProviderList)))]
pub async fn providers(State(app): State<App>) -> Json<ProviderList> {
    let view = |provider: &Provider| ProviderView {
        id: provider.id,
        name: provider.name.clone(),
    };
    Json(ProviderList {
        data: app.oauth.all().iter().map(view).collect(),
    })
}

#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StartQuery {
    /// A path of this site to go to afterwards; anything else leads home.
    redirect_to: Option<String>,
}

/// Sign in at a provider. For browsers: it sets a cookie, and the way back works in the same browser within ten minutes.
#[utoipa::path(get, path = "/auth/oauth/{provider}", tag = "Accounts", security(()),
    params(("provider" = String, Path, description = "An id of /auth/providers"), StartQuery),
    responses((status = 303, description = "On to the provider"),
        (status = 404, description = "not_found", body = crate::http::error::Problem)))]
pub async fn start(
    State(app): State<App>,
    Path(provider): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let callback = format!("/api/v1/auth/oauth/{provider}/callback");
    sign_in_at(&app, &provider, callback, query, &headers).await
}

/// The address of other plans for [`start`] with GitHub.
pub async fn start_github(State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap) -> Result<Response> {
    sign_in_at(&app, "github", "/api/auth/github/callback".to_owned(), query, &headers).await
}

async fn sign_in_at(
    app: &App,
    provider: &str,
    callback: String,
    query: Option<String>,
    headers: &HeaderMap,
) -> Result<Response> {
    let provider = app.oauth.find(provider).ok_or_else(Error::not_found)?;
    let query: StartQuery = serde_urlencoded::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
    let locale = locale_of(query.redirect_to.as_deref().unwrap_or("/"), headers);
    let start = Start {
        provider,
        purpose: Purpose::SignIn,
        session: None,
        callback,
        redirect_to: query.redirect_to.as_deref(),
        locale,
        browser: browser(app, headers),
    };
    match flow::start(app, start).await {
        Ok((url, browser)) => Ok(([remember(app, &browser)], Redirect::to(url.as_str())).into_response()),
        Err(Stopped::Told(failure)) => {
            metrics::provider_sign_in(provider.id, failure.key());
            Ok(tell(locale, false, failure, query.redirect_to.as_deref()))
        }
        Err(Stopped::Broken(error)) => Err(error),
    }
}

fn cookie_name(app: &App) -> &'static str {
    cookie::prefixed(app, "parlor_oauth", "__Host-parlor_oauth")
}

/// The secret of this browser's ways to providers.
pub(super) fn browser<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    cookies::get(headers, cookie_name(app))
}

pub(super) fn remember(app: &App, secret: &str) -> (HeaderName, HeaderValue) {
    cookie::line(app, cookie_name(app), secret, "; Max-Age=600")
}

/// The way back from a provider: the browser is signed in, and sent on.
#[utoipa::path(get, path = "/auth/oauth/{provider}/callback", tag = "Accounts", security(()),
    params(("provider" = String, Path, description = "The provider that answers"),
        ("code" = Option<String>, Query, description = "What the provider gave"),
        ("state" = Option<String>, Query, description = "What this server gave"),
        ("iss" = Option<String>, Query, description = "Who answers (RFC 9207)"),
        ("error" = Option<String>, Query, description = "Why there is no code")),
    responses((status = 303, description = "On to where the person wanted to go, with a session cookie; or to the login page, which says why not")))]
pub async fn callback(
    State(app): State<App>,
    Path(provider): Path<String>,
    MaybeIdentity(identity): MaybeIdentity,
    device: Device,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let back = Back::new(&app, identity, device, headers);
    back.answer(query, Some(&provider)).await
}

/// The way back that began at [`start_github`].
pub async fn callback_github(
    State(app): State<App>,
    MaybeIdentity(identity): MaybeIdentity,
    device: Device,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let back = Back::new(&app, identity, device, headers);
    back.answer(query, Some("github")).await
}

/// A way back whose address names no provider: what we noted when it began does.
pub async fn callback_anywhere(
    State(app): State<App>,
    MaybeIdentity(identity): MaybeIdentity,
    device: Device,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let back = Back::new(&app, identity, device, headers);
    back.answer(query, None).await
}

/// Somebody who comes back from a provider.
struct Back<'a> {
    app: &'a App,
    identity: Option<Identity>,
    device: Device,
    headers: HeaderMap,
}

impl<'a> Back<'a> {
    fn new(app: &'a App, identity: Option<Identity>, device: Device, headers: HeaderMap) -> Self {
        Self {
            app,
            identity,
            device,
            headers,
        }
    }

    async fn answer(&self, query: Option<String>, route: Option<&str>) -> Result<Response> {
        // A parameter that stands there twice is nothing of a provider's.
        let returned: Returned = serde_urlencoded::from_str(query.as_deref().unwrap_or_default()).unwrap_or_default();
        let browser = browser(self.app, &self.headers);
        let signed_in = self.identity.is_some();
        let flow = match flow::find(self.app, &returned, browser, route).await {
            Ok(flow) => flow,
            Err(Stopped::Broken(error)) => return Err(error),
            Err(Stopped::Told(failure)) => {
                metrics::provider_sign_in("unknown", failure.key());
                return Ok(tell(locale_of("/", &self.headers), signed_in, failure, None));
            }
        };
        let provider = self
            .app
            .oauth
            .find(&flow.provider)
            .map_or("unknown", |provider| provider.id);
        match self.complete(&flow, &returned).await {
            Ok(response) => {
                metrics::provider_sign_in(provider, "success");
                Ok(response)
            }
            Err(Stopped::Broken(error)) => Err(error),
            Err(Stopped::Told(failure)) => {
                metrics::provider_sign_in(provider, failure.key());
                tracing::info!(
                    provider,
                    reason = failure.key(),
                    "a way through a sign-in provider ended early"
                );
                let next = Some(flow.redirect_to.as_str()).filter(|path| !path.is_empty());
                Ok(tell(&flow.locale, signed_in, failure, next))
            }
        }
    }

    async fn complete(&self, flow: &Flow, returned: &Returned) -> Result<Response, Stopped> {
        let purpose = Purpose::from_name(&flow.purpose).ok_or(Failure::Unknown)?;
        // Before the code is exchanged: a link that cannot end well need not begin.
        let linking = match purpose {
            Purpose::Link => Some(self.linking(flow)?),
            Purpose::SignIn => None,
        };
        let signed = flow::finish(self.app, flow, returned).await?;
        let provider = self.app.oauth.find(&flow.provider).ok_or(Failure::Rejected)?;
        if let Some(user) = linking {
            connections::link(self.app, provider, &signed, user, &self.device).await?;
            let to = format!("/{}/security/connections?notice=oauth-linked", flow.locale);
            return Ok(Redirect::to(&to).into_response());
        }
        let at = At {
            device: &self.device,
            locale: &flow.locale,
        };
        let user = connections::account_of(self.app, provider, &signed, at).await?;
        self.sign_in(flow, &user).await
    }

    /// A link ends in the session that began it: with another one it would join a stranger's identity to this account.
    fn linking(&self, flow: &Flow) -> Result<&User, Failure> {
        let here = self
            .identity
            .as_ref()
            .filter(|identity| identity.session_id() == flow.session_id && Some(identity.user.id) == flow.user_id);
        here.map(|identity| &*identity.user).ok_or(Failure::OtherSession)
    }

    async fn sign_in(&self, flow: &Flow, user: &User) -> Result<Response, Stopped> {
        let proof = Proof::Provider(flow.provider.clone());
        let outcome = match sessions::sign_in(self.app, SignIn::new(user, &self.device, proof)).await {
            Ok(outcome) => outcome,
            Err(error) if error.code() == Code::EmailNotVerified => return Err(Failure::CheckMail.into()),
            Err(error) if error.code() == Code::AccountDisabled => return Err(Failure::Disabled.into()),
            Err(error) => return Err(error.into()),
        };
        metrics::login("success");
        let next = Some(flow.redirect_to.as_str()).filter(|path| !path.is_empty());
        Ok(sessions::answer_page(self.app, &bare_page(&flow.locale), outcome, next))
    }
}

/// The frame of an answer that is no page itself, only sends to one.
fn bare_page(locale: &str) -> Page {
    Page {
        text: Text::for_locale(locale),
        nonce: String::new(),
        csrf: String::new(),
        viewer: None,
        path: "/login".to_owned(),
        theme: Theme::Auto,
        notice: None,
        banners: Vec::new(),
    }
}

/// On to a page that says what happened and what to do next.
pub(super) fn tell(locale: &str, signed_in: bool, failure: Failure, next: Option<&str>) -> Response {
    let connections = format!("/{locale}/security/connections");
    let next = match failure {
        Failure::LinkFirst => Some(connections.as_str()),
        _ => next.and_then(super::rules::same_site_path),
    };
    let page = if signed_in {
        connections.clone()
    } else {
        format!("/{locale}/login")
    };
    let next = next.filter(|_| !signed_in).map(|next| ("next", next));
    let query = std::iter::once(("notice", failure.key())).chain(next);
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    Redirect::to(&format!("{page}?{query}")).into_response()
}

/// A provider that is linked to the account. Its tokens stay sealed.
#[derive(Serialize, ToSchema)]
pub struct ConnectionView {
    /// Its id.
    provider: String,
    /// Its name.
    name: String,
    username: Option<String>,
    email: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    linked_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    last_used_at: Timestamp,
}

#[derive(Serialize, ToSchema)]
pub struct ConnectionList {
    data: Vec<ConnectionView>,
}

/// The providers that are linked to this account.
#[utoipa::path(get, path = "/me/connections", tag = "Account", responses((status = 200, body = ConnectionList)))]
pub async fn connections(State(app): State<App>, identity: Identity) -> Result<Json<ConnectionList>> {
    let found = store::of_user(app.db.read(), identity.user.id).await?;
    let view = |row: store::Identity| ConnectionView {
        name: name_of(&app, &row.provider),
        provider: row.provider,
        username: row.username,
        email: row.email,
        linked_at: row.created_at,
        last_used_at: row.last_used_at,
    };
    Ok(Json(ConnectionList {
        data: found.into_iter().map(view).collect(),
    }))
}

/// What to call a provider, also one that the operator has turned off since.
pub(super) fn name_of(app: &App, id: &str) -> String {
    let configured = app.oauth.find(id).map(|provider| provider.name.clone());
    configured.unwrap_or_else(|| match id {
        "github" => "GitHub".to_owned(),
        "google" => "Google".to_owned(),
        "microsoft" => "Microsoft".to_owned(),
        _ => app.config.oauth.oidc.name.clone(),
    })
}

/// Cut the connection to a provider, and take back there what was granted to this server.
#[utoipa::path(delete, path = "/me/connections/{provider}", tag = "Account",
    params(("provider" = String, Path, description = "Its id")),
    responses((status = 204),
        (status = 404, description = "not_found", body = crate::http::error::Problem),
        (status = 409, description = "conflict: it is the only way into the account", body = crate::http::error::Problem)))]
pub async fn unlink(
    State(app): State<App>,
    StepUp(InSession { identity, .. }): StepUp,
    device: Device,
    Path(provider): Path<String>,
) -> Result<StatusCode> {
    connections::unlink(&app, &identity.user, &device, &provider).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leads a browser on after it has shown a page: a form's own redirect may not leave this site.
pub(super) fn refresh(url: &str) -> (HeaderName, HeaderValue) {
    let line = HeaderValue::from_str(&format!("0; url={url}"));
    (header::REFRESH, line.unwrap_or(HeaderValue::from_static("")))
}
