//! Which routes there are: those of the OpenAPI document, and those of the pages.

use std::{fmt, fs, path::Path};

use parlor_server::http::auth::is_public;
use reqwest::Method;
use serde_json::Value;

#[derive(Debug)]
pub struct Route {
    pub method: Method,
    pub path: String,
    pub nobody: bool,
    pub cookie: bool,
    pub access_token: bool,
    /// The scopes that a key needs.
    pub api_key: Option<Vec<String>>,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// What the OpenAPI document says, read again here and not by the code under test.
pub fn documented() -> Vec<Route> {
    let document = serde_json::to_value(parlor_server::router::document()).unwrap();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let security = operation.get("security").unwrap_or(&document["security"]);
            routes.push(declared(method, path, security.as_array().unwrap()));
        }
    }
    routes
}

fn declared(method: &str, path: &str, alternatives: &[Value]) -> Route {
    let scheme = |name: &str| alternatives.iter().find_map(|alternative| alternative.get(name));
    let scopes = |scopes: &Value| serde_json::from_value(scopes.clone()).unwrap();
    Route {
        method: method.to_uppercase().parse().unwrap(),
        path: path.to_owned(),
        nobody: alternatives
            .iter()
            .any(|alternative| alternative == &serde_json::json!({})),
        cookie: scheme("session_cookie").is_some(),
        access_token: scheme("access_token").is_some(),
        api_key: scheme("api_key").map(scopes),
    }
}

/// The routes of the pages, read from the sources: no table lists them.
pub fn page_routes() -> Vec<Route> {
    let mut routes = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut routes);
    routes
}

fn collect(folder: &Path, routes: &mut Vec<Route>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, routes);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            for call in source.split(".route(").skip(1) {
                routes.extend(page(call).into_iter().flatten());
            }
        }
    }
}

/// The methods of one `.route("/{locale}/…", get(a).post(b))`.
fn page(call: &str) -> Option<Vec<Route>> {
    let path = call.trim_start().strip_prefix("\"/{locale}/")?.split('"').next()?;
    let path = format!("/{{locale}}/{path}");
    let mut depth = 1;
    let end = call.find(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    })?;
    let methods = [("get(", Method::GET), ("post(", Method::POST)];
    let used = methods.into_iter().filter(|(name, _)| call[..end].contains(name));
    let route = |method| Route {
        method,
        nobody: is_public(&path),
        path: path.clone(),
        cookie: true,
        access_token: false,
        api_key: None,
    };
    Some(used.map(|(_, method)| route(method)).collect())
}
