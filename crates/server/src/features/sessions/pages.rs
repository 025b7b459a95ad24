//! The devices one is logged in on, in the browser.

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use jiff::tz::TimeZone;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Client, Device, ending, store,
    views::{DeviceView, SessionsView},
};
use crate::{
    app::App,
    features::accounts::{self, Change},
    http::{
        Error, Form, Path, Result,
        auth::InSession,
        page::{Frame, go, show},
    },
    ui::{ConfirmView, Page},
};

pub fn pages() -> Router<App> {
    Router::new()
        .route("/{locale}/sessions", get(sessions))
        .route("/{locale}/sessions/settings", post(settings))
        .route("/{locale}/sessions/revoke-others", post(revoke_others))
        .route("/{locale}/sessions/{id}/revoke", post(revoke))
}

/// Nobody has more devices; programs that log in again and again may have more sessions.
const SHOWN: u64 = 100;

async fn sessions(State(app): State<App>, Frame(page): Frame, by: InSession) -> Result<Response> {
    let seen = app.clock.now();
    let now = seen.to_jiff().to_zoned(TimeZone::UTC);
    let mut rows = store::list(&app, by.identity.user.id, None, SHOWN + 1).await?;
    let more = rows.len() > usize::try_from(SHOWN).unwrap_or(usize::MAX);
    rows.retain(|session| session.id != by.session.id);
    let view = SessionsView {
        current: DeviceView::new(page.text, &by.session, &now),
        others: rows
            .iter()
            .map(|session| DeviceView::new(page.text, session, &now))
            .collect(),
        more,
        mail_new_device: by.identity.user.mail_new_device,
        seen: seen.as_micros(),
        page,
    };
    show(&view)
}

#[derive(Deserialize)]
pub struct ConfirmForm {
    #[serde(default)]
    confirm: String,
}

async fn revoke(
    State(app): State<App>,
    Frame(page): Frame,
    by: InSession,
    device: Device,
    Path((_, id)): Path<(String, Uuid)>,
    Form(form): Form<ConfirmForm>,
) -> Result<Response> {
    if form.confirm == "yes" {
        ending::revoke(&app, &by, device, id).await?;
        return Ok(go(&page, "/sessions?notice=device-logged-out"));
    }
    let session = store::find(&app, id).await?;
    let session = session
        .filter(|session| session.user_id == by.identity.user.id)
        .ok_or_else(Error::not_found)?;
    let name = Client::parse(session.user_agent.as_deref()).name(page.text);
    show(&ConfirmView {
        title: page.t("session-revoke-title"),
        detail: page.with("session-revoke-detail", &name),
        button: page.t("session-revoke"),
        action: page.url(&format!("/sessions/{id}/revoke")),
        back: page.url("/sessions"),
        page,
    })
}

async fn revoke_others(
    State(app): State<App>,
    Frame(page): Frame,
    by: InSession,
    device: Device,
    Form(form): Form<ConfirmForm>,
) -> Result<Response> {
    if form.confirm == "yes" {
        ending::revoke_others(&app, &by, device).await?;
        return Ok(go(&page, "/sessions?notice=devices-logged-out"));
    }
    show(&confirm_others(page))
}

fn confirm_others(page: Page) -> ConfirmView {
    ConfirmView {
        title: page.t("sessions-revoke-title"),
        detail: page.t("sessions-revoke-detail"),
        button: page.t("sessions-revoke"),
        action: page.url("/sessions/revoke-others"),
        back: page.url("/sessions"),
        page,
    }
}

#[derive(Deserialize)]
pub struct SettingsForm {
    /// A box that is not ticked is not sent.
    mail_new_device: Option<String>,
}

async fn settings(
    State(app): State<App>,
    Frame(page): Frame,
    by: InSession,
    Form(form): Form<SettingsForm>,
) -> Result<Response> {
    let change = Change {
        mail_new_device: Some(form.mail_new_device.is_some()),
        ..Change::default()
    };
    accounts::change(&app, by.identity.user.id, change).await?;
    Ok(go(&page, "/sessions?notice=sessions-saved"))
}
