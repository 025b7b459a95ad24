//! What people do with their keys: make, change, replace and revoke.

use std::{sync::Arc, time::Duration};

use parlor_db::{Owner, Timestamp, Tx};
use serde_json::json;
use uuid::Uuid;

use super::{Row, Scopes, rules, store, view};
use crate::{
    app::App,
    features::{
        accounts::User,
        audit,
        sessions::{self, Device},
    },
    http::{Code, Error, Result, auth::InSession, create::Once},
    mail::{self, Mail, Recipient},
};

/// Who changes their keys, and from where.
#[derive(Clone)]
pub(super) struct By {
    user: Arc<User>,
    session_id: Uuid,
    device: Device,
}

impl By {
    pub(super) fn new(who: &InSession, device: Device) -> Self {
        Self {
            user: who.identity.user.clone(),
            session_id: who.session.id,
            device,
        }
    }

    fn owner(&self) -> Owner {
        Owner::new(self.user.id)
    }

    async fn record(&self, app: &App, tx: &Tx, action: &'static str, key: &Row) -> Result<()> {
        let event = audit::Event {
            session_id: Some(self.session_id),
            device: Some(&self.device),
            data: json!({ "api_key_id": key.id, "prefix": key.prefix }),
            ..audit::Event::own(self.user.id, action)
        };
        audit::record(app, tx, event).await
    }

    async fn tell(&self, app: &App, tx: &Tx, key: &Row) -> Result<()> {
        let mail = Mail::ApiKeyCreated {
            name: key.name.clone(),
            prefix: key.prefix.clone(),
            keys: format!("{}/{}/api-keys", app.config.public_url, self.user.locale),
        };
        mail::enqueue(app, tx, &Recipient::from(&*self.user), &mail).await
    }
}

/// What a new key shall be.
pub(super) struct NewKey {
    pub(super) name: String,
    pub(super) scopes: Scopes,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) allowed_ips: Vec<String>,
}

/// A key that was just made, with its text for the only time.
pub(super) struct Made {
    pub(super) row: Row,
    pub(super) key: String,
}

pub(super) async fn create(app: &App, by: &By, new: NewKey, once: Option<&Once>) -> Result<Made> {
    let tx = app.db.begin().await?;
    store::wait_for_others(&tx, by.owner()).await?;
    if store::count_live(&tx, by.owner(), app.clock.now()).await? >= rules::MAX_LIVE {
        let detail = "You have 50 working keys, which is the most. Revoke one that you no longer need.";
        return Err(Error::new(Code::Conflict, detail));
    }
    let made = insert(app, &tx, by, new).await?;
    by.record(app, &tx, "api_key.created", &made.row).await?;
    finish(app, tx, made, once).await
}

async fn insert(app: &App, tx: &Tx, by: &By, new: NewKey) -> Result<Made> {
    let minted = rules::mint();
    let row = store::insert(app, tx, by.owner(), new, &minted).await?;
    by.tell(app, tx, &row).await?;
    Ok(Made { row, key: minted.text })
}

/// Keeps the answer for a repeated request, sealed because it shows the key, and commits.
async fn finish(app: &App, tx: Tx, made: Made, once: Option<&Once>) -> Result<Made> {
    if let Some(once) = once {
        let body = view::CreatedApiKey::new(&made, app.clock.now());
        once.store_sealed(app, &tx, axum::http::StatusCode::CREATED, &body)
            .await?;
    }
    tx.commit().await?;
    app.mailer.wake();
    Ok(made)
}

/// A new key with the settings of an old one, which goes on for `overlap`.
pub(super) async fn rotate(app: &App, by: By, id: Uuid, overlap: Duration, once: Option<Once>) -> Result<Made> {
    let own = app.clone();
    app.to_the_end(async move {
        let (made, old) = replace(&own, &by, id, overlap, once.as_ref()).await?;
        ended(&own, &old, overlap.is_zero());
        Ok(made)
    })
    .await
}

/// Makes a change of a key felt: nothing believes in what it was. Work that a vanished client does not cut short calls
/// it, or a commit would leave a revoked key alive in the cache.
fn ended(app: &App, row: &Row, streams_too: bool) {
    app.api_keys.forget(&row.prefix);
    if streams_too {
        sessions::close_streams(app, &[row.id]);
    }
}

async fn replace(app: &App, by: &By, id: Uuid, overlap: Duration, once: Option<&Once>) -> Result<(Made, Row)> {
    let tx = app.db.begin().await?;
    store::wait_for_others(&tx, by.owner()).await?;
    let old = store::find(&tx, by.owner(), id).await?;
    let now = app.clock.now();
    if view::status(&old, now) != view::Status::Active {
        let detail = "Only a working key that was not replaced yet can be rotated. Make a new one instead.";
        return Err(Error::new(Code::Conflict, detail));
    }
    let new = NewKey {
        name: old.name.clone(),
        scopes: view::scopes(&old),
        allowed_ips: view::addresses(&old),
        // It lives as long as the old one was given.
        expires_at: old.expires_at.map(|end| now + end.since(old.created_at)),
    };
    let made = insert(app, &tx, by, new).await?;
    store::replace(&tx, &old, made.row.id, (now, overlap)).await?;
    by.record(app, &tx, "api_key.rotated", &old).await?;
    let made = finish(app, tx, made, once).await?;
    Ok((made, old))
}

/// What of a key changes.
#[derive(Default)]
pub(super) struct Change {
    pub(super) name: Option<String>,
    pub(super) scopes: Option<Scopes>,
    pub(super) allowed_ips: Option<Vec<String>>,
}

pub(super) async fn change(app: &App, by: By, id: Uuid, change: Change) -> Result<Row> {
    let own = app.clone();
    app.to_the_end(async move {
        let tx = own.db.begin().await?;
        let row = store::find(&tx, by.owner(), id).await?;
        if row.revoked_at.is_some() {
            let detail = "This key was revoked. Make a new one instead.";
            return Err(Error::new(Code::Conflict, detail));
        }
        let row = store::update(&tx, row, change).await?;
        by.record(&own, &tx, "api_key.changed", &row).await?;
        tx.commit().await?;
        ended(&own, &row, false);
        Ok(row)
    })
    .await
}

/// Ends a key: it is dead when this returns, and its streams close. Again is without effect.
pub(super) async fn revoke(app: &App, by: By, id: Uuid) -> Result<()> {
    let own = app.clone();
    app.to_the_end(async move {
        let tx = own.db.begin().await?;
        let row = store::find(&tx, by.owner(), id).await?;
        if store::revoke(&tx, &row, own.clock.now()).await? {
            by.record(&own, &tx, "api_key.revoked", &row).await?;
            tx.commit().await?;
        }
        ended(&own, &row, true);
        Ok(())
    })
    .await
}
