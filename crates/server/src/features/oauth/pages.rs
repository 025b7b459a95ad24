//! Connections, in the browser.

use axum::{
    Router,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{
    api, connections,
    flow::{self, Start, Stopped},
    rules::Purpose,
    store,
    views::{ConnectionView, ConnectionsView, LeaveView, OfferView},
};
use crate::{
    app::App,
    features::sessions::Device,
    http::{
        Code, Error, Form, Path, Result, StepUp,
        auth::{Identity, InSession},
        page::{Frame, go, show},
    },
    telemetry::metrics,
    ui::dates::When,
};

pub(super) fn pages() -> Router<App> {
    Router::new()
        .route("/{locale}/security/connections", get(connections_page))
        .route("/{locale}/security/connections/{provider}", post(link))
        .route("/{locale}/security/connections/{provider}/delete", post(unlink))
}

async fn connections_page(State(app): State<App>, Frame(page): Frame, identity: Identity) -> Result<Response> {
    let rows = store::of_user(app.db.read(), identity.user.id).await?;
    let only_way_in = identity.user.password_hash.is_none() && rows.len() == 1;
    let offers = app.oauth.all().iter();
    let offers = offers.filter(|provider| rows.iter().all(|row| row.provider != provider.id));
    let offers = offers.map(|provider| OfferView {
        id: provider.id.to_owned(),
        name: provider.name.clone(),
    });
    let now = app.clock.now().to_jiff().to_zoned(TimeZone::UTC);
    let connection = |row: &store::Identity| ConnectionView {
        id: row.provider.clone(),
        name: api::name_of(&app, &row.provider),
        who: row.username.clone().or_else(|| row.email.clone()),
        last_used: When::new(page.text, row.last_used_at.to_jiff(), &now),
        only_way_in,
    };
    let (connections, offers) = (rows.iter().map(connection).collect(), offers.collect());
    let view = ConnectionsView {
        connections,
        offers,
        page,
    };
    show(&view)
}

#[derive(Deserialize)]
pub struct Nothing {}

/// Notes who asked, then shows the page that leads on to the provider.
async fn link(
    State(app): State<App>,
    Frame(page): Frame,
    StepUp(InSession { session, .. }): StepUp,
    Path((_, provider)): Path<(String, String)>,
    headers: HeaderMap,
    _: Form<Nothing>,
) -> Result<Response> {
    let provider = app.oauth.find(&provider).ok_or_else(Error::not_found)?;
    let start = Start {
        provider,
        purpose: Purpose::Link,
        session: Some(&session),
        callback: format!("/api/v1/auth/oauth/{}/callback", provider.id),
        redirect_to: None,
        locale: page.locale().code,
        browser: api::browser(&app, &headers),
    };
    match flow::start(&app, start).await {
        Ok((url, browser)) => {
            let onward = api::refresh(url.as_str());
            let view = LeaveView {
                name: provider.name.clone(),
                url: url.to_string(),
                page,
            };
            Ok(([api::remember(&app, &browser)], [onward], show(&view)?).into_response())
        }
        Err(Stopped::Told(failure)) => {
            metrics::provider_sign_in(provider.id, failure.key());
            Ok(api::tell(page.locale().code, true, failure, None))
        }
        Err(Stopped::Broken(error)) => Err(error),
    }
}

async fn unlink(
    State(app): State<App>,
    Frame(page): Frame,
    StepUp(InSession { identity, .. }): StepUp,
    device: Device,
    Path((_, provider)): Path<(String, String)>,
    _: Form<Nothing>,
) -> Result<Response> {
    let notice = match connections::unlink(&app, &identity.user, &device, &provider).await {
        Ok(()) => "oauth-unlinked",
        // Pressed twice: it is gone, as asked.
        Err(error) if error.code() == Code::NotFound => "oauth-unlinked",
        Err(error) if error.code() == Code::Conflict => "oauth-only-way-in",
        Err(error) => return Err(error),
    };
    Ok(go(&page, &format!("/security/connections?notice={notice}")))
}
