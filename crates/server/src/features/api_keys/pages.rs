//! API keys, in the browser.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Router,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::{Zoned, tz::TimeZone};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    By, Made, NewKey, Row, Scope,
    api::{CreateApiKey, OVERLAP_HOURS},
    store,
    view::{self, Status},
    views::{ApiKeysView, DAYS, FormErrors, FormView, KeyView, NewKeyView},
};
use crate::{
    app::App,
    features::sessions::Device,
    http::{
        Code, FieldError, Form, Path, Result,
        auth::InSession,
        page::{Frame, go, show},
        pagination,
        step_up::StepUp,
    },
    ui::{ConfirmView, Page, dates::When},
};

pub fn pages() -> Router<App> {
    Router::new()
        .route("/{locale}/api-keys", get(list).post(create))
        .route("/{locale}/api-keys/{id}/rotate", post(rotate))
        .route("/{locale}/api-keys/{id}/revoke", post(revoke))
}

const ON_A_PAGE: u64 = 20;

#[derive(Default, Deserialize)]
pub struct ListQuery {
    cursor: Option<String>,
}

/// Asked for a fresh proof before the form is filled in, not after.
async fn list(
    State(app): State<App>,
    Frame(page): Frame,
    StepUp(who): StepUp,
    Query(query): Query<ListQuery>,
) -> Result<Response> {
    show(&list_view(&app, page, &who, (query.cursor, FormView::default())).await?)
}

async fn list_view(
    app: &App,
    page: Page,
    who: &InSession,
    (cursor, form): (Option<String>, FormView),
) -> Result<ApiKeysView> {
    let before = pagination::decode(cursor.as_deref())?;
    let rows = store::list(app, who.identity.owner(), before, ON_A_PAGE + 1).await?;
    let now = now(app);
    let listed = pagination::Page::from_rows(rows, ON_A_PAGE, |row| row.id, |row| key_view(app, &page, row, &now));
    let next_page = listed
        .next_cursor
        .map(|cursor| page.url(&format!("/api-keys?cursor={cursor}")));
    Ok(ApiKeysView {
        keys: listed.data,
        next_page,
        form,
        page,
    })
}

fn now(app: &App) -> Zoned {
    app.clock.now().to_jiff().to_zoned(TimeZone::UTC)
}

fn key_view(app: &App, page: &Page, row: Row, now: &Zoned) -> KeyView {
    let when = |at: parlor_db::Timestamp| When::new(page.text, at.to_jiff(), now);
    KeyView {
        id: row.id.to_string(),
        scopes: view::scopes(&row).iter().collect(),
        addresses: view::addresses(&row),
        created: when(row.created_at),
        used: row.last_used_at.map(when),
        expires: row.expires_at.map(when),
        status: view::status(&row, app.clock.now()),
        name: row.name,
        prefix: row.prefix,
        used_ip: row.last_used_ip,
    }
}

async fn create(
    State(app): State<App>,
    Frame(page): Frame,
    StepUp(who): StepUp,
    device: Device,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Result<Response> {
    let (form, new) = read(&app, &page, &fields);
    let made = match new {
        Ok(new) => super::create(&app, &By::new(&who, device), new, None).await,
        Err(errors) => return again(&app, page, &who, FormView { errors, ..form }).await,
    };
    match made {
        Ok(made) => show(&new_key_view(&app, page, made, None)),
        Err(error) if error.code() == Code::Conflict => {
            let errors = FormErrors {
                form: Some(page.t("api-keys-too-many")),
                ..FormErrors::default()
            };
            again(&app, page, &who, FormView { errors, ..form }).await
        }
        Err(error) => Err(error),
    }
}

async fn again(app: &App, page: Page, who: &InSession, form: FormView) -> Result<Response> {
    let view = list_view(app, page, who, (None, form)).await?;
    Ok((Code::ValidationFailed.status(), show(&view)?).into_response())
}

/// What was typed, and the key that it asks for.
fn read(app: &App, page: &Page, fields: &BTreeMap<String, String>) -> (FormView, Result<NewKey, FormErrors>) {
    let text = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let form = FormView {
        name: text("name"),
        scopes: Scope::ALL
            .iter()
            .copied()
            .filter(|scope| fields.contains_key(scope.as_str()))
            .collect(),
        days: text("days"),
        addresses: text("addresses"),
        errors: FormErrors::default(),
    };
    let now = app.clock.now();
    // Only what the page offers; anything else is the shortest life rather than an endless one.
    let days = match form.days.as_str() {
        "" => None,
        days => Some(
            DAYS.into_iter()
                .find(|choice| choice.to_string() == days)
                .unwrap_or(DAYS[0]),
        ),
    };
    let life = |days: usize| Duration::from_secs(u64::try_from(days).unwrap_or(0) * 86_400);
    let addresses = form
        .addresses
        .split([',', '\n', ' ', '\r'])
        .filter(|part| !part.is_empty());
    let asked = CreateApiKey {
        name: form.name.clone(),
        scopes: Some(form.scopes.clone()),
        expires_at: days.map(|days| now + life(days)),
        allowed_ips: Some(addresses.map(str::to_owned).collect()),
    };
    let new = asked.check(now).map_err(|wrong| form_errors(page, &wrong));
    (form, new)
}

fn form_errors(page: &Page, wrong: &[FieldError]) -> FormErrors {
    let of = |name: &str| wrong.iter().find(|field| field.field.starts_with(name));
    FormErrors {
        name: of("name").map(|field| match &*field.code {
            "too_long" => page.t("api-keys-name-long"),
            _ => page.t("api-keys-name-missing"),
        }),
        scopes: of("scopes").map(|_| page.t("api-keys-scopes-missing")),
        addresses: of("allowed_ips").map(|_| page.t("api-keys-addresses-wrong")),
        form: None,
    }
}

fn new_key_view(app: &App, page: Page, made: Made, old_until: Option<When>) -> NewKeyView {
    NewKeyView {
        name: made.row.name,
        key: made.key,
        public_url: app.config.public_url.clone(),
        old_until,
        page,
    }
}

#[derive(Deserialize)]
pub struct ConfirmForm {
    #[serde(default)]
    confirm: String,
}

async fn rotate(
    State(app): State<App>,
    Frame(page): Frame,
    StepUp(who): StepUp,
    device: Device,
    Path((_, id)): Path<(String, Uuid)>,
    Form(form): Form<ConfirmForm>,
) -> Result<Response> {
    let row = store::find(app.db.read(), who.identity.owner(), id).await?;
    if view::status(&row, app.clock.now()) != Status::Active {
        return Ok(go(&page, "/api-keys"));
    }
    if form.confirm != "yes" {
        return show(&ConfirmView {
            title: page.t("api-keys-rotate-title"),
            detail: page.t("api-keys-rotate-detail"),
            button: page.t("api-keys-rotate"),
            action: page.url(&format!("/api-keys/{id}/rotate")),
            back: page.url("/api-keys"),
            page,
        });
    }
    let overlap = Duration::from_secs(u64::from(OVERLAP_HOURS) * 3600);
    let made = super::rotate(&app, By::new(&who, device), id, overlap, None).await?;
    let until = When::new(page.text, (app.clock.now() + overlap).to_jiff(), &now(&app));
    show(&new_key_view(&app, page, made, Some(until)))
}

async fn revoke(
    State(app): State<App>,
    Frame(page): Frame,
    who: InSession,
    device: Device,
    Path((_, id)): Path<(String, Uuid)>,
    Form(form): Form<ConfirmForm>,
) -> Result<Response> {
    store::find(app.db.read(), who.identity.owner(), id).await?;
    if form.confirm != "yes" {
        return show(&ConfirmView {
            title: page.t("api-keys-revoke-title"),
            detail: page.t("api-keys-revoke-detail"),
            button: page.t("api-keys-revoke"),
            action: page.url(&format!("/api-keys/{id}/revoke")),
            back: page.url("/api-keys"),
            page,
        });
    }
    super::revoke(&app, By::new(&who, device), id).await?;
    Ok(go(&page, "/api-keys?notice=api-key-revoked"))
}
