//! The outbox in the browser, for administrators.

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use jiff::tz::TimeZone;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    api, store,
    views::{MailRow, MailView, OutboxView, StatusChip},
};
use crate::{
    app::App,
    http::{
        Error, Form, Path, Result,
        auth::InSession,
        page::{Frame, go, show},
        pagination,
    },
    ui::{Page, dates::When},
};

pub fn pages() -> Router<App> {
    Router::new()
        .route("/{locale}/admin/mail", get(outbox))
        .route("/{locale}/admin/mail/{id}", get(one))
        .route("/{locale}/admin/mail/{id}/html", get(html))
        .route("/{locale}/admin/mail/{id}/retry", post(retry))
}

const ON_A_PAGE: u64 = 50;

#[derive(Deserialize)]
struct OutboxQuery {
    #[serde(default)]
    status: String,
    cursor: Option<String>,
}

async fn outbox(
    State(app): State<App>,
    Frame(page): Frame,
    session: InSession,
    Query(query): Query<OutboxQuery>,
) -> Result<Response> {
    api::check_admin(&session)?;
    let status = api::known_status(&query.status);
    let before = pagination::decode(query.cursor.as_deref())?;
    let rows = store::list(&app, status, before, ON_A_PAGE + 1).await?;
    let listed = pagination::Page::from_rows(rows, ON_A_PAGE, |row| row.id, |row| shown(&app, &page, row));
    let next_page = listed.next_cursor.map(|cursor| {
        let status = status.unwrap_or_default();
        page.url(&format!("/admin/mail?status={status}&cursor={cursor}"))
    });
    let chip = |id: &'static str| StatusChip {
        id,
        active: status.unwrap_or_default() == id,
    };
    show(&OutboxView {
        statuses: ["", store::QUEUED, store::SENT, store::DEAD].map(chip),
        mails: listed.data,
        next_page,
        has_server: app.config.mail.is_on(),
        page,
    })
}

fn shown(app: &App, page: &Page, row: parlor_db::entities::mails::Model) -> MailRow {
    let now = app.clock.now().to_jiff().to_zoned(TimeZone::UTC);
    let when = |at: parlor_db::Timestamp| When::new(page.text, at.to_jiff(), &now);
    MailRow {
        id: row.id.to_string(),
        created: when(row.created_at),
        next: (row.status == store::QUEUED && row.attempts > 0).then(|| when(row.run_at)),
        sent: row.sent_at.map(when),
        kind: row.kind,
        recipient: row.recipient,
        attempts: usize::try_from(row.attempts).unwrap_or_default(),
        last_error: row.last_error,
        status: api::known_status(&row.status).unwrap_or(store::DEAD),
    }
}

async fn one(
    State(app): State<App>,
    Frame(page): Frame,
    session: InSession,
    Path((_, id)): Path<(String, Uuid)>,
) -> Result<Response> {
    api::check_admin(&session)?;
    let (row, said) = api::open(&app, id).await?;
    show(&MailView {
        mail: shown(&app, &page, row),
        subject: said.as_ref().map(|said| said.subject.clone()),
        text: said.map(|said| said.text),
        redacted: !app.mailer.transport.keeps_contents(),
        page,
    })
}

/// The mail as its reader sees it: on an address of its own, in a sandbox where nothing runs and nothing is fetched.
async fn html(State(app): State<App>, session: InSession, Path((_, id)): Path<(String, Uuid)>) -> Result<Response> {
    const CSP: HeaderValue = HeaderValue::from_static(
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         sandbox",
    );
    api::check_admin(&session)?;
    let (_, said) = api::open(&app, id).await?;
    let said = said.ok_or_else(Error::not_found)?;
    Ok(([(header::CONTENT_SECURITY_POLICY, CSP)], Html(said.html)).into_response())
}

#[derive(Deserialize)]
struct NoFields {}

async fn retry(
    State(app): State<App>,
    Frame(page): Frame,
    session: InSession,
    Path((_, id)): Path<(String, Uuid)>,
    Form(NoFields {}): Form<NoFields>,
) -> Result<Response> {
    api::check_admin(&session)?;
    api::again(&app, &session, id).await?;
    Ok(go(&page, &format!("/admin/mail/{id}?notice=outbox-retried")))
}
