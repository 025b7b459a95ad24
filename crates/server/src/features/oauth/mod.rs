//! Sign-in at GitHub, Google, Microsoft and any OpenID Connect issuer.
//!
//! An identity is its issuer and subject, never an address: an address that has an account opens nothing, whoever vouches
//! for it. A person links a provider while they are signed in.

mod api;
mod connections;
mod flow;
mod pages;
mod providers;
mod rules;
mod store;
mod views;

use axum::{Router, routing::get};
use parlor_db::Tx;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub use providers::Providers;
pub use rules::notice_kind;
pub use views::Button;

use crate::{app::App, http::Result, ui::Page};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::providers))
        .routes(routes!(api::start))
        .routes(routes!(api::callback))
        .routes(routes!(api::connections))
        .routes(routes!(api::unlink))
}

/// The page of connections, and addresses without the API's base path.
pub fn pages() -> Router<App> {
    pages::pages()
        .route("/api/auth/github", get(api::start_github))
        .route("/api/auth/github/callback", get(api::callback_github))
        .route("/auth/callback", get(api::callback_anywhere))
}

/// The buttons below a login: one for each provider, keeping where the person wants to go.
#[must_use]
pub fn buttons(app: &App, page: &Page, next: Option<&str>) -> Vec<Button> {
    let next = crate::http::page::safe_next(page, next);
    let all = app.oauth.all().iter();
    all.map(|provider| Button::new(provider.id, &provider.name, &next))
        .collect()
}

/// Cuts every connection of an account as part of `tx`, when its address turns out to belong to somebody else than those
/// who linked them; call `app.jobs.wake()` after the commit.
///
/// # Errors
/// When the database fails.
pub async fn cut_all(app: &App, tx: &Tx, user_id: Uuid) -> Result<()> {
    let identities = store::of_user(tx, user_id).await?;
    connections::cut(app, tx, &identities).await
}

/// The body of a job: tells the provider to forget a token.
///
/// # Errors
/// When the provider cannot be reached or refuses.
pub async fn revoke(app: &App, identity_id: Uuid, provider: &str, field: &str, sealed: &str) -> anyhow::Result<()> {
    connections::revoke(app, provider, &store::context(identity_id, field), sealed).await
}
