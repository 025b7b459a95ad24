//! The table of contents: one line per feature, then the layers in order, each with its reason.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use tower::ServiceBuilder;
use utoipa::{OpenApi, openapi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use crate::{
    app::App,
    features,
    http::{Code, Error, auth, edge, openapi::Document, page},
};

/// All routes and layers.
pub fn router(app: &App) -> Router {
    let (routes, document) = described().split_for_parts();
    let guard = auth::Guard::new(app.clone(), &document);
    let body_limit = app.config.http.max_body_bytes;
    let layers = ServiceBuilder::new()
        // Outermost, so that every answer, also a refusal or a panic, has its id, headers and log line.
        .layer(from_fn_with_state(app.clone(), edge::edge))
        // Before any handler: private by default.
        .layer(from_fn_with_state(guard, auth::authenticate))
        // What a handler reads at most.
        .layer(DefaultBodyLimit::max(body_limit));
    routes
        .merge(page::routes())
        .merge(features::accounts::pages())
        .merge(features::sessions::pages())
        .merge(features::notices::pages())
        .merge(features::second_factors::pages())
        .merge(features::oauth::pages())
        .merge(features::api_keys::pages())
        .merge(crate::mail::pages())
        .merge(features::chats::pages())
        .merge(features::memories::pages())
        .merge(docs(document))
        .fallback(nothing_here)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(layers)
        .with_state(app.clone())
}

/// The OpenAPI document that `/api/v1/openapi.json` serves and `parlor openapi` prints.
#[must_use]
pub fn document() -> openapi::OpenApi {
    described().split_for_parts().1
}

/// Routes that describe themselves.
fn described() -> OpenApiRouter<App> {
    let api = OpenApiRouter::new()
        .merge(features::accounts::routes())
        .merge(features::sessions::routes())
        .merge(features::second_factors::routes())
        .merge(features::oauth::routes())
        .merge(features::api_keys::routes())
        .merge(features::audit::routes())
        .merge(features::notices::routes())
        .merge(features::chats::routes())
        .merge(features::generations::routes())
        .merge(features::memories::routes())
        .merge(crate::mail::routes());
    OpenApiRouter::with_openapi(Document::openapi())
        .nest("/api/v1", api)
        .merge(features::sessions::well_known())
        .merge(features::health::routes())
}

/// The document and its interactive page, which brings its scripts with it.
fn docs(document: openapi::OpenApi) -> Router<App> {
    const CSP: HeaderValue = HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    let page = SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/api/v1/openapi.json"));
    let page: Router<App> = page.into();
    let page = page.layer(from_fn(async |request, next: axum::middleware::Next| {
        let mut response = next.run(request).await;
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, CSP);
        response
    }));
    page.route("/api/v1/openapi.json", get(async move || Json(document)))
}

async fn nothing_here(request: Request) -> Response {
    edge::refuse_body(request, Error::not_found().into_response()).await
}

async fn method_not_allowed(request: Request) -> Response {
    let error = Error::new(Code::MethodNotAllowed, "See /docs for what this address takes.");
    edge::refuse_body(request, error.into_response()).await
}
