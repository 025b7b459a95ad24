//! Routes that could give an account away ask for a proof of who is there, however long the session has lasted.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    auth::{InSession, accepts_html},
    csrf,
    error::{Code, Error},
    page,
};
use crate::{app::App, features::sessions};

/// A signed-in person who has proved within the last `sessions.step_up_minutes` who they are. Others get 403
/// `step_up_required`; a browser is sent to the page that asks, and comes back.
pub struct StepUp(pub InSession);

impl FromRequestParts<App> for StepUp {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let found = InSession::from_request_parts(parts, app).await;
        let found = found.map_err(IntoResponse::into_response)?;
        match sessions::is_fresh(app, &found.session).await {
            Ok(true) => Ok(Self(found)),
            Ok(false) => Err(refuse(app, parts)),
            Err(error) => Err(error.into_response()),
        }
    }
}

fn refuse(app: &App, parts: &Parts) -> Response {
    let path = parts.uri.path();
    if path.starts_with("/api/") || !accepts_html(&parts.headers) {
        let detail = "Send your password, or a code of your authenticator app, to /auth/step-up. Then try again.";
        return Error::new(Code::StepUpRequired, detail).into_response();
    }
    let locale = page::locale_of(path, &parts.headers);
    let query = serde_urlencoded::to_string([("next", way_back(app, parts))]).unwrap_or_default();
    Redirect::to(&format!("/{locale}/step-up?{query}")).into_response()
}

/// What a person was looking at: the page itself, or the one whose form they sent.
fn way_back(app: &App, parts: &Parts) -> String {
    if parts.method == Method::GET {
        return parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    }
    own_referer(app, &parts.headers).unwrap_or_default()
}

/// Path and query of the page that sent the form, when it is one of ours.
fn own_referer(app: &App, headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name)?.to_str().ok();
    let referer = url::Url::parse(text(header::REFERER)?).ok()?;
    let origin = referer.origin().ascii_serialization();
    let path = match referer.query() {
        Some(query) => format!("{}?{query}", referer.path()),
        None => referer.path().to_owned(),
    };
    csrf::is_own_origin(app, &origin, text(header::HOST)).then_some(path)
}
