//! The OpenAPI document: what the handlers say of themselves, and what holds for all of them.

use utoipa::{
    Modify, OpenApi,
    openapi::{
        SecurityRequirement,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parlor",
        description = "Multi-user AI chat that remembers. Errors are RFC 9457 problem details: decide by `code`. \
            Every answer carries `X-Request-Id`. POSTs that create something take an `Idempotency-Key`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    modifiers(&Security),
    tags(
        (name = "Accounts", description = "Make an account, log in and out."),
        (name = "Account", description = "The signed-in person."),
        (name = "API keys", description = "Keys for programs, with scopes and an end."),
        (name = "Second factor", description = "Authenticator apps, recovery codes and passkeys."),
        (name = "Chats", description = "Conversations, and answers as streams that can be joined and resumed."),
        (name = "Memory", description = "What people said, kept and recalled."),
        (name = "Operations", description = "Health, readiness and metrics."),
    )
)]
pub struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
            "parlor_session",
            "`__Host-parlor_session` over https. Writes also need the header `X-CSRF-Token`.",
        ));
        let components = document.components.get_or_insert_default();
        let api_key = ApiKey::Header(ApiKeyValue::with_description(
            "X-API-Key",
            "`prl_…`, also taken as `Authorization: Bearer prl_…`. An operation names the scopes it needs; one that does \
             not name `api_key` takes none.",
        ));
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(api_key));
        components.add_security_scheme("access_token", SecurityScheme::Http(bearer));
        components.add_security_scheme("session_cookie", SecurityScheme::ApiKey(cookie));
        let none: [&str; 0] = [];
        document.security = Some(vec![
            SecurityRequirement::new("access_token", none),
            SecurityRequirement::new("session_cookie", none),
        ]);
    }
}
