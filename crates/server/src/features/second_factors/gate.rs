//! Where the operator demands it: an administrator without a second factor gets no further than its set-up.

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    response::{IntoResponse, Redirect, Response},
};
use uuid::Uuid;

use crate::{
    app::App,
    features::accounts,
    http::{
        Code, Error, Result,
        auth::{Identity, accepts_html, is_public},
        page::locale_of,
    },
};

/// What remains open: the set-up itself, what the set-up asks for, and the way out.
const OPEN: [&str; 8] = [
    "/api/v1/me/second-factors",
    "/api/v1/me/totp",
    "/api/v1/me/recovery-codes",
    "/api/v1/me/passkeys",
    "/api/v1/auth/logout",
    "/api/v1/auth/step-up",
    "/{locale}/security/factors",
    "/{locale}/logout",
];

/// The step-up's page, under whatever name it is reached.
const STEP_UP_PAGES: [&str; 2] = ["/{locale}/step-up", "/{locale}/confirm"];

fn is_open(route: &str, method: &Method) -> bool {
    let below = |open: &str| {
        route
            .strip_prefix(open)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    // Scripts ask who is signed in; nothing else of the account.
    let who = route == "/api/v1/me" && *method == Method::GET;
    who || is_public(route) || OPEN.iter().any(|open| below(open)) || STEP_UP_PAGES.iter().any(|open| below(open))
}

/// What an administrator asks for and may have with a second factor only.
pub struct Gate {
    user_id: Uuid,
    /// Where a page leads instead; an API answers with an error.
    instead: Option<String>,
}

/// Whether this request must wait for a second factor; none for everybody else, and for the set-up itself.
#[must_use]
pub fn gate(app: &App, request: &Request, identity: &Identity) -> Option<Gate> {
    if !app.config.second_factor.required_for_admins || !accounts::is_admin(&identity.user) {
        return None;
    }
    let route = request.extensions().get::<MatchedPath>()?;
    let path = request.uri().path();
    let is_page = !path.starts_with("/api/") && *request.method() == Method::GET && accepts_html(request.headers());
    let factors = || format!("/{}/security/factors", locale_of(path, request.headers()));
    (!is_open(route.as_str(), request.method())).then(|| Gate {
        user_id: identity.user.id,
        instead: is_page.then(factors),
    })
}

impl Gate {
    /// The refusal, when there is no factor yet.
    pub async fn refusal(self, app: &App) -> Option<Response> {
        match has_factor(app, self.user_id).await {
            Ok(true) => None,
            Ok(false) => Some(self.refuse()),
            Err(error) => Some(error.into_response()),
        }
    }

    fn refuse(self) -> Response {
        if let Some(path) = self.instead {
            return Redirect::to(&path).into_response();
        }
        let detail = "Administrators of this server need a second factor: set one up at /security/factors, or with \
                      POST /me/totp.";
        Error::new(Code::SecondFactorSetupRequired, detail).into_response()
    }
}

/// Whether this person must set up a factor before anything else.
pub(super) async fn is_due(app: &App, identity: &Identity) -> Result<bool> {
    let demanded = app.config.second_factor.required_for_admins && accounts::is_admin(&identity.user);
    Ok(demanded && !has_factor(app, identity.user.id).await?)
}

async fn has_factor(app: &App, user_id: Uuid) -> Result<bool> {
    let load = async { Ok::<_, Error>(Some(super::is_on(app, user_id).await?)) };
    let known = app.second_factors.known.get_or_load(user_id, load).await?;
    Ok(known.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_set_up_and_the_way_out_are_open() {
        for open in [
            "/api/v1/me/totp",
            "/api/v1/me/totp/confirm",
            "/api/v1/me/passkeys/{id}",
            "/{locale}/security/factors/totp",
            "/{locale}/logout",
            "/api/v1/auth/login",
            "/assets/{hash}/{*path}",
        ] {
            assert!(is_open(open, &Method::POST), "{open}");
        }
        for closed in [
            "/api/v1/chats",
            "/api/v1/me",
            "/{locale}/chats",
            "/api/v1/me/totpish",
            "/{locale}/security",
        ] {
            assert!(!is_open(closed, &Method::POST), "{closed}");
        }
        assert!(is_open("/api/v1/me", &Method::GET));
    }
}
