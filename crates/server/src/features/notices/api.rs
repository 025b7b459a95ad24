//! `/me/notices`.

use axum::{extract::State, http::StatusCode};
use parlor_db::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Notice, store};
use crate::{
    app::App,
    http::{Json, Page, PageQuery, Path, Query, Result, auth::Identity, error::Problem},
};

/// Something the person should know.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticeView {
    id: Uuid,
    /// `new-device`, …
    kind: String,
    /// What belongs to this kind.
    #[schema(value_type = Object)]
    data: Value,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// When it was put away.
    #[schema(value_type = Option<String>, format = "date-time")]
    seen_at: Option<Timestamp>,
}

impl From<Notice> for NoticeView {
    fn from(notice: Notice) -> Self {
        Self {
            id: notice.id,
            data: serde_json::from_str(&notice.data).unwrap_or_default(),
            kind: notice.kind,
            created_at: notice.created_at,
            seen_at: notice.seen_at,
        }
    }
}

/// What the person should know, newest first.
#[utoipa::path(get, path = "/me/notices", tag = "Account", params(PageQuery), responses(
    (status = 200, body = Page<NoticeView>)))]
pub async fn list(
    State(app): State<App>,
    identity: Identity,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<NoticeView>>> {
    let rows = store::list(&app, identity.user.id, query.after()?, query.limit() + 1).await?;
    Ok(Json(Page::from_rows(
        rows,
        query.limit(),
        |notice| notice.id,
        NoticeView::from,
    )))
}

/// Put a notice away.
#[utoipa::path(post, path = "/me/notices/{id}/seen", tag = "Account", params(("id" = Uuid, Path)), responses(
    (status = 204), (status = 404, body = Problem)))]
pub async fn seen(State(app): State<App>, identity: Identity, Path(id): Path<Uuid>) -> Result<StatusCode> {
    super::put_away(&app, identity.user.id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
