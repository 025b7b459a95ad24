//! What operators do with accounts.

use serde_json::json;
use uuid::Uuid;

use super::{Status, User, email, status_of, store};
use crate::{
    app::App,
    features::{
        audit::{self, Event},
        sessions,
    },
    http::{Code, Error, Result},
};

/// The account with this address.
///
/// # Errors
/// `not_found`, or when the database fails.
pub async fn by_email(app: &App, address: &str) -> Result<User> {
    let found = store::find_by_key(app.db.read(), &email::key(address)).await?;
    found.ok_or_else(Error::not_found)
}

/// Accounts after one, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn page_of_all(app: &App, after: Option<Uuid>, limit: u64) -> Result<Vec<User>> {
    store::list(app, after, limit).await
}

/// Moves an account to another status. Where nobody may be signed in to it any more, its sessions end at once.
///
/// # Errors
/// `conflict` when there is no way from where it stands, `not_found`.
pub async fn set_status(app: &App, id: Uuid, to: Status, actor_id: Option<Uuid>) -> Result<()> {
    let tx = app.db.begin().await?;
    let user = store::find(&tx, id).await?.ok_or_else(Error::not_found)?;
    let from = status_of(&user);
    if from == to {
        return Ok(());
    }
    if !from.may_become(to) || !store::set_status(app, &tx, id, from, to).await? {
        let detail = format!("The account is {} and cannot become {}.", user.status, to.as_str());
        return Err(Error::new(Code::Conflict, detail));
    }
    let ended = match to.admits() {
        true => Vec::new(),
        false => sessions::end_all(app, &tx, id, None, "account_disabled").await?,
    };
    let event = Event {
        actor_id,
        data: json!({ "from": from.as_str(), "to": to.as_str() }),
        ..Event::own(id, "account.status_changed")
    };
    audit::record(app, &tx, event).await?;
    tx.commit().await?;
    app.users.invalidate(id);
    sessions::ended(app, &ended);
    Ok(())
}
