//! `/me/api-keys`.

use std::time::Duration;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use garde::Validate;
use parlor_db::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    By, Change, Made, NewKey, Scope, Scopes, rules, store,
    view::{ApiKeyView, CreatedApiKey},
};
use crate::{
    app::App,
    features::sessions::Device,
    http::{
        Create, Error, FieldError, Json, Page, PageQuery, Path, Query, Result, auth::InSession, create::Once,
        error::Problem, step_up::StepUp,
    },
};

/// The person's API keys, newest first, also those that no longer work.
#[utoipa::path(get, path = "/me/api-keys", tag = "API keys", params(PageQuery),
    responses((status = 200, body = Page<ApiKeyView>)))]
pub async fn list(
    State(app): State<App>,
    InSession { identity, .. }: InSession,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<ApiKeyView>>> {
    let rows = store::list(&app, identity.owner(), query.after()?, query.limit() + 1).await?;
    let now = app.clock.now();
    Ok(Json(Page::from_rows(
        rows,
        query.limit(),
        |row| row.id,
        |row| ApiKeyView::new(row, now),
    )))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiKey {
    /// What it is for.
    #[garde(skip)]
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: String,
    /// What it may do; all of it if not given. No key reaches what protects the account.
    #[garde(skip)]
    pub(super) scopes: Option<Vec<Scope>>,
    /// When it ends; never if not given.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub(super) expires_at: Option<Timestamp>,
    /// Addresses and networks that it works from, as `203.0.113.7` or `10.0.0.0/8`; from anywhere if not given.
    #[garde(skip)]
    pub(super) allowed_ips: Option<Vec<String>>,
}

impl CreateApiKey {
    /// Every field that is wrong, at once.
    pub(super) fn check(self, now: Timestamp) -> Result<NewKey, Vec<FieldError>> {
        let name = rules::check_name(&self.name);
        let scopes = self.scopes.map_or(Ok(Scopes::all()), rules::check_scopes);
        let addresses = rules::check_addresses(self.allowed_ips.unwrap_or_default());
        let past = self.expires_at.filter(|end| *end <= now);
        let past = past.map(|_| FieldError::new("expires_at", "in_the_past", "Must be in the future."));
        match (name, scopes, addresses, past) {
            (Ok(name), Ok(scopes), Ok(allowed_ips), None) => Ok(NewKey {
                name,
                scopes,
                expires_at: self.expires_at,
                allowed_ips,
            }),
            (name, scopes, addresses, past) => {
                let wrong = [name.err(), scopes.err(), addresses.err(), past];
                Err(wrong.into_iter().flatten().collect())
            }
        }
    }
}

/// Make an API key. The answer shows it for the only time.
#[utoipa::path(post, path = "/me/api-keys", tag = "API keys", request_body = CreateApiKey,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = CreatedApiKey), (status = 409, description = "50 keys work already", body = Problem),
        (status = 422, body = Problem)))]
pub async fn create(
    State(app): State<App>,
    StepUp(who): StepUp,
    device: Device,
    input: Create<CreateApiKey>,
) -> Result<Response> {
    let new = input.body.check(app.clock.now()).map_err(Error::validation)?;
    let made = super::create(&app, &By::new(&who, device), new, Some(&input.once)).await;
    answer(&app, &input.once, made).await
}

async fn answer(app: &App, once: &Once, made: Result<Made>) -> Result<Response> {
    match made {
        Ok(made) => {
            let body = CreatedApiKey::new(&made, app.clock.now());
            Ok((StatusCode::CREATED, Json(body)).into_response())
        }
        Err(failure) => Ok(once.earlier(app, failure).await?.into_response()),
    }
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateApiKey {
    #[garde(skip)]
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    #[garde(skip)]
    scopes: Option<Vec<Scope>>,
    #[garde(skip)]
    allowed_ips: Option<Vec<String>>,
}

/// Change a key's name, scopes or addresses; it holds from the next request on.
#[utoipa::path(patch, path = "/me/api-keys/{id}", tag = "API keys", params(("id" = Uuid, Path)),
    responses((status = 200, body = ApiKeyView), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn update(
    State(app): State<App>,
    StepUp(who): StepUp,
    device: Device,
    Path(id): Path<Uuid>,
    Json(body): Json<UpdateApiKey>,
) -> Result<Json<ApiKeyView>> {
    let wrong = |field| Error::validation(vec![field]);
    let change = Change {
        name: body
            .name
            .map(|name| rules::check_name(&name))
            .transpose()
            .map_err(wrong)?,
        scopes: body.scopes.map(rules::check_scopes).transpose().map_err(wrong)?,
        allowed_ips: body
            .allowed_ips
            .map(rules::check_addresses)
            .transpose()
            .map_err(wrong)?,
    };
    let row = super::change(&app, By::new(&who, device), id, change).await?;
    Ok(Json(ApiKeyView::new(row, app.clock.now())))
}

/// End a key: it is dead at once, and so are the streams that it opened.
#[utoipa::path(delete, path = "/me/api-keys/{id}", tag = "API keys", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub async fn revoke(
    State(app): State<App>,
    who: InSession,
    device: Device,
    Path(id): Path<Uuid>,
) -> Result<StatusCode> {
    super::revoke(&app, By::new(&who, device), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateApiKey {
    /// Hours in which the old key still works; 24 if not given, 0: it ends at once.
    #[garde(range(max = 168))]
    #[schema(maximum = 168)]
    overlap_hours: Option<u32>,
}

pub(super) const OVERLAP_HOURS: u32 = 24;

/// Replace a key by a new one with the same settings. The old one works on for a while, so that whoever uses it can
/// change over.
#[utoipa::path(post, path = "/me/api-keys/{id}/rotate", tag = "API keys", request_body = RotateApiKey,
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = CreatedApiKey), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn rotate(
    State(app): State<App>,
    StepUp(who): StepUp,
    device: Device,
    Path(id): Path<Uuid>,
    input: Create<RotateApiKey>,
) -> Result<Response> {
    let hours = input.body.overlap_hours.unwrap_or(OVERLAP_HOURS);
    let overlap = Duration::from_secs(u64::from(hours) * 3600);
    let made = super::rotate(&app, By::new(&who, device), id, overlap, Some(input.once.clone())).await;
    answer(&app, &input.once, made).await
}
