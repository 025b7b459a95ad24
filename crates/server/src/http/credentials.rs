//! Which credentials a route takes. The OpenAPI document says it, and the same words are what is enforced.

use std::collections::HashMap;

use axum::http::Method;
use serde_json::Value;
use utoipa::openapi::OpenApi;

use super::{
    auth::Credential,
    error::{Code, Error, Result},
};
use crate::features::api_keys::{Scope, Scopes};

/// What one operation takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Needs no credential at all.
    pub nobody: bool,
    pub cookie: bool,
    pub access_token: bool,
    /// The scopes that a key needs; none: no key is taken.
    pub api_key: Option<Scopes>,
}

/// What stands in no document is a page: for browsers.
const PAGE: Accepted = Accepted {
    nobody: false,
    cookie: true,
    access_token: false,
    api_key: None,
};

const WRONG_METHOD: Accepted = Accepted {
    nobody: false,
    cookie: true,
    access_token: true,
    api_key: Some(Scopes::NONE),
};

impl Accepted {
    /// # Errors
    /// `forbidden`, with what to use instead.
    pub fn check(&self, credential: &Credential) -> Result<()> {
        let taken = match credential {
            Credential::Cookie(_) => self.cookie,
            Credential::AccessToken(_) => self.access_token,
            Credential::ApiKey(key) => return self.check_scopes(key.scopes),
        };
        if taken {
            return Ok(());
        }
        let instead = match (self.cookie, self.api_key) {
            (true, _) => "This address is for browsers: it takes the session cookie alone.",
            (false, Some(_)) => "This needs an API key. Make one in the settings.",
            (false, None) => "This needs an access token in the Authorization header.",
        };
        Err(Error::new(Code::Forbidden, instead))
    }

    fn check_scopes(&self, scopes: Scopes) -> Result<()> {
        let Some(needed) = self.api_key else {
            return Err(Error::new(Code::Forbidden, "An API key cannot do this. Log in."));
        };
        match scopes.lacks(needed) {
            None => Ok(()),
            Some(scope) => Err(Error::new(
                Code::Forbidden,
                format!(
                    "This API key lacks the scope {}. Its owner can add it in the settings.",
                    scope.as_str()
                ),
            )),
        }
    }
}

/// What each documented operation takes.
pub struct Credentials(HashMap<String, Vec<(Method, Accepted)>>);

impl Credentials {
    /// What the document says. What it says and we do not know is taken from nobody.
    #[must_use]
    pub fn of(document: &OpenApi) -> Self {
        let document = serde_json::to_value(document).unwrap_or_default();
        let routes = document["paths"].as_object().into_iter().flatten();
        let operations = |operations: &Value| {
            let operations = operations.as_object().into_iter().flatten();
            let parsed = operations.filter_map(|(method, operation)| {
                let method = method.to_uppercase().parse().ok()?;
                let own = operation.get("security").unwrap_or(&document["security"]);
                Some((method, accepted(own)))
            });
            parsed.collect()
        };
        Self(routes.map(|(path, item)| (path.clone(), operations(item))).collect())
    }

    /// What this route takes. Pages take cookies; a method that a route does not have takes everything, to be told so.
    #[must_use]
    pub fn for_route(&self, route: &str, method: &Method) -> Accepted {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let Some(operations) = self.0.get(route) else {
            return PAGE;
        };
        let found = operations.iter().find(|(known, _)| known == method);
        found.map_or(WRONG_METHOD, |(_, accepted)| *accepted)
    }

    /// Every documented operation.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Method, Accepted)> {
        self.0.iter().flat_map(|(path, operations)| {
            let each = operations.iter();
            each.map(move |(method, accepted)| (path.as_str(), method, *accepted))
        })
    }
}

/// A list of alternatives, each one scheme with what it must be allowed.
fn accepted(alternatives: &Value) -> Accepted {
    let mut accepted = Accepted::default();
    for alternative in alternatives.as_array().into_iter().flatten() {
        let Some(schemes) = alternative.as_object() else {
            continue;
        };
        let mut schemes = schemes.iter();
        match (schemes.next(), schemes.next()) {
            (None, _) => accepted.nobody = true,
            (Some((name, scopes)), None) => match name.as_str() {
                "session_cookie" => accepted.cookie = true,
                "access_token" => accepted.access_token = true,
                "api_key" => accepted.api_key = needed(scopes),
                _ => {}
            },
            // Two schemes at once are nothing that we enforce.
            _ => {}
        }
    }
    accepted
}

/// None when one of them is unknown, or there is none: a key for everything is not meant.
fn needed(scopes: &Value) -> Option<Scopes> {
    let names = scopes.as_array()?.iter();
    let scopes: Option<Scopes> = names.map(|name| Scope::parse(name.as_str()?)).collect();
    scopes.filter(|scopes| !scopes.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{http::auth::is_public, router::document};

    #[test]
    fn ses_9_what_is_public_is_declared_so_and_nothing_else_is() {
        let credentials = Credentials::of(&document());
        let mut public = 0;
        for (path, method, accepted) in credentials.iter() {
            assert_eq!(
                accepted.nobody,
                is_public(path),
                "{method} {path}: the list PUBLIC in http/auth.rs and `security(())` of the handler disagree"
            );
            public += usize::from(accepted.nobody);
        }
        assert!(public >= 8, "{public}");
    }

    #[test]
    fn ses_9_every_declared_scheme_and_scope_is_enforced() {
        let document = serde_json::to_value(document()).unwrap();
        let schemes = document["components"]["securitySchemes"].as_object().unwrap();
        let operations = document["paths"].as_object().unwrap().values();
        for operation in operations.flat_map(|item| item.as_object().unwrap().values()) {
            let Some(alternatives) = operation.get("security").and_then(Value::as_array) else {
                continue;
            };
            for alternative in alternatives {
                let named = alternative.as_object().unwrap();
                assert!(
                    named.len() < 2,
                    "{alternative}: only alternatives of one scheme are enforced"
                );
                for (name, scopes) in named {
                    assert!(schemes.contains_key(name), "{name} is no scheme of the document");
                    assert_eq!(name == "api_key", needed(scopes).is_some(), "{alternative}");
                }
            }
        }
    }

    #[test]
    fn ses_10_no_key_reaches_what_protects_the_account() {
        let protected = [
            "/sessions",
            "/api-keys",
            "/password",
            "/email",
            "/factor",
            "/totp",
            "/passkey",
            "/connections",
            "/admin",
            "/auth/",
            "/recovery",
            "/step-up",
        ];
        let credentials = Credentials::of(&document());
        let with_keys: Vec<_> = credentials
            .iter()
            .filter(|(_, _, accepted)| accepted.api_key.is_some())
            .collect();
        assert!(with_keys.len() >= 15, "{}", with_keys.len());
        for (path, method, _) in with_keys {
            assert!(!protected.iter().any(|part| path.contains(part)), "{method} {path}");
        }
    }

    #[test]
    fn what_is_not_understood_is_taken_from_nobody() {
        assert_eq!(accepted(&json!([{ "api_key": ["everything"] }])), Accepted::default());
        assert_eq!(accepted(&json!([{ "api_key": [] }])), Accepted::default());
        assert_eq!(accepted(&json!([{ "cookie_of_old": [] }])), Accepted::default());
        assert_eq!(
            accepted(&json!([{ "session_cookie": [], "access_token": [] }])),
            Accepted::default()
        );
        assert!(accepted(&json!([{}])).nobody);
    }
}
