//! Putting a notice away, without a script.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    app::App,
    http::{
        Form, Path, Result,
        auth::Identity,
        page::{Frame, safe_next},
    },
};

pub fn pages() -> Router<App> {
    Router::new().route("/{locale}/notices/{id}/seen", post(seen))
}

#[derive(Deserialize)]
pub struct SeenForm {
    /// The page it stood on.
    next: Option<String>,
}

async fn seen(
    State(app): State<App>,
    Frame(page): Frame,
    identity: Identity,
    Path((_, id)): Path<(String, Uuid)>,
    Form(form): Form<SeenForm>,
) -> Result<Response> {
    super::put_away(&app, identity.user.id, id).await?;
    Ok(Redirect::to(&safe_next(&page, form.next.as_deref())).into_response())
}
