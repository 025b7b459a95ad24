//! API keys: many for each person, with scopes, an end, and addresses they work from.

use axum::Router;
pub use parlor_db::entities::api_keys::Model as ApiKey;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}

pub fn pages() -> Router<App> {
    Router::new()
}
