//! Sign-in at GitHub, Google, Microsoft and any OpenID Connect issuer.

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}

/// The page of connections, and addresses without the API's base path.
pub fn pages() -> Router<App> {
    Router::new()
}
