//! Addresses that stand in mails: from the configured origin alone, never from what a request says.

use crate::app::App;

/// A page of this server. It is in no language yet: it forwards to the person's.
pub(super) fn page(app: &App, path: &str) -> String {
    format!("{}{path}", app.config.public_url.trim_end_matches('/'))
}

/// The page that takes a token.
pub(super) fn with_token(app: &App, path: &str, token: &str) -> String {
    format!("{}?token={token}", page(app, path))
}
