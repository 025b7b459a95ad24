//! `/admin/mails`: the outbox, for administrators.

use axum::extract::State;
use garde::Validate;
use parlor_db::{Timestamp, entities::mails};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    Rendered, contents, render,
    store::{self, DEAD, QUEUED, SENT},
};
use crate::{
    app::App,
    features::{accounts, audit},
    http::{Code, Error, FieldError, Json, Page, Path, Query, Result, auth::InSession, error::Problem, pagination},
};

/// A mail on its way, or where it ended.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MailView {
    pub id: Uuid,
    /// The name of its templates, as `reset_password`.
    pub kind: String,
    pub recipient: String,
    pub locale: String,
    /// `queued`, `sent` or `dead`.
    pub status: String,
    pub attempts: i64,
    /// What the mail server said last, shortened.
    pub last_error: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Timestamp,
    /// When it is tried next; null unless it is queued.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub next_attempt_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = "date-time")]
    pub sent_at: Option<Timestamp>,
}

impl From<&mails::Model> for MailView {
    fn from(row: &mails::Model) -> Self {
        Self {
            id: row.id,
            kind: row.kind.clone(),
            recipient: row.recipient.clone(),
            locale: row.locale.clone(),
            status: row.status.clone(),
            attempts: row.attempts,
            last_error: row.last_error.clone(),
            created_at: row.created_at,
            next_attempt_at: (row.status == QUEUED).then_some(row.run_at),
            sent_at: row.sent_at,
        }
    }
}

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListMails {
    /// Only these: `queued`, `sent` or `dead`.
    #[garde(length(max = 20))]
    status: Option<String>,
    #[garde(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
    #[garde(length(max = 500))]
    cursor: Option<String>,
}

/// The outbox, newest first. For administrators.
#[utoipa::path(get, path = "/admin/mails", tag = "Administration", params(ListMails),
    responses((status = 200, body = Page<MailView>), (status = 404, description = "Not an administrator", body = Problem)))]
pub async fn list(
    State(app): State<App>,
    session: InSession,
    Query(query): Query<ListMails>,
) -> Result<Json<Page<MailView>>> {
    check_admin(&session)?;
    let status = parse_status(query.status.as_deref())?;
    let limit = query.limit.unwrap_or(pagination::DEFAULT_LIMIT);
    let before = pagination::decode(query.cursor.as_deref())?;
    let rows = store::list(&app, status, before, limit + 1).await?;
    Ok(Json(Page::from_rows(
        rows,
        limit,
        |row| row.id,
        |row| MailView::from(&row),
    )))
}

fn parse_status(text: Option<&str>) -> Result<Option<&'static str>> {
    let Some(text) = text else { return Ok(None) };
    let known = known_status(text).map(Some);
    known.ok_or_else(|| {
        let message = "Write queued, sent or dead.";
        Error::validation(vec![FieldError::new("status", "invalid_value", message)])
    })
}

pub(super) fn known_status(text: &str) -> Option<&'static str> {
    [QUEUED, SENT, DEAD].into_iter().find(|status| *status == text)
}

/// One mail, and what it says.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OneMail {
    #[serde(flatten)]
    pub mail: MailView,
    /// Null once a mail server has it: then nothing of it is kept.
    pub subject: Option<String>,
    pub text: Option<String>,
    pub html: Option<String>,
    /// Links and codes that open accounts are left out, because a mail server delivers this mail.
    pub redacted: bool,
}

/// One mail. Without a mail server, this is where its reader finds it. For administrators.
#[utoipa::path(get, path = "/admin/mails/{id}", tag = "Administration", params(("id" = Uuid, Path)),
    responses((status = 200, body = OneMail), (status = 404, body = Problem)))]
pub async fn get(State(app): State<App>, session: InSession, Path(id): Path<Uuid>) -> Result<Json<OneMail>> {
    check_admin(&session)?;
    let (row, said) = open(&app, id).await?;
    let (subject, text, html) = said.map_or((None, None, None), |said| {
        (Some(said.subject), Some(said.text), Some(said.html))
    });
    Ok(Json(OneMail {
        mail: MailView::from(&row),
        subject,
        text,
        html,
        redacted: !app.mailer.transport.keeps_contents(),
    }))
}

/// Put a dead mail back into the queue. For administrators.
#[utoipa::path(post, path = "/admin/mails/{id}/retry", tag = "Administration", params(("id" = Uuid, Path)),
    responses((status = 200, body = MailView), (status = 404, body = Problem),
        (status = 409, description = "It is not dead", body = Problem)))]
pub async fn retry(State(app): State<App>, session: InSession, Path(id): Path<Uuid>) -> Result<Json<MailView>> {
    check_admin(&session)?;
    again(&app, &session, id).await?;
    let row = store::find(&app, id).await?.ok_or_else(Error::not_found)?;
    Ok(Json(MailView::from(&row)))
}

/// For anybody else there is no outbox. An API key is not enough: mails open accounts.
pub(super) fn check_admin(session: &InSession) -> Result<()> {
    if accounts::is_admin(&session.identity.user) {
        Ok(())
    } else {
        Err(Error::not_found())
    }
}

/// A mail, and what it says as far as an administrator may read it: whoever can open another person's link is that
/// person, so it is shown only where there is no other way to deliver it.
pub(super) async fn open(app: &App, id: Uuid) -> Result<(mails::Model, Option<Rendered>)> {
    let row = store::find(app, id).await?.ok_or_else(Error::not_found)?;
    let Some(mut found) = contents(app, &row).await? else {
        return Ok((row, None));
    };
    if !app.mailer.transport.keeps_contents() {
        found.mail = found.mail.without_secrets();
    }
    let said = render(app, &row.locale, &found)?;
    Ok((row, Some(said)))
}

pub(super) async fn again(app: &App, session: &InSession, id: Uuid) -> Result<()> {
    let row = store::find(app, id).await?.ok_or_else(Error::not_found)?;
    let tx = app.db.begin().await?;
    if !store::requeue(&tx, id, app.clock.now()).await? {
        return Err(Error::new(
            Code::Conflict,
            "Only a mail that is dead can be sent again.",
        ));
    }
    let event = audit::Event {
        user_id: row.user_id,
        actor_id: Some(session.identity.user.id),
        session_id: Some(session.session.id),
        data: json!({ "mail_id": id, "kind": row.kind }),
        action: "mail.retried",
        device: None,
    };
    audit::record(app, &tx, event).await?;
    tx.commit().await?;
    app.mailer.wake();
    Ok(())
}
