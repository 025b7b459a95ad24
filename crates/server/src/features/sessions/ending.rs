//! How a session ends: in the database first, then at once in every cache and stream of this node. Other nodes notice
//! within a second (see `watch.rs`).

use futures_util::{Stream, StreamExt};
use parlor_db::Tx;
use serde_json::json;
use uuid::Uuid;

use super::{Device, lives, store, watch};
use crate::{
    app::App,
    coordination::{OpenStream, Opener},
    features::audit::{self, Event},
    http::{
        Code, Error, Result,
        auth::{Credential, Identity, InSession},
    },
    telemetry::metrics,
};

/// Ends a session: its cookie and its tokens are dead when this returns, and its streams close.
///
/// # Errors
/// When the database fails.
pub async fn end(app: &App, session_id: Uuid, reason: &str) -> Result<()> {
    let (own, reason) = (app.clone(), reason.to_owned());
    // A commit whose caches stay stale would leave the session alive.
    app.to_the_end(async move {
        let tx = own.db.begin().await?;
        if let Some(session) = store::revoke(&own, &tx, session_id, &reason).await? {
            let event = Event {
                session_id: Some(session_id),
                data: json!({ "reason": reason }),
                ..Event::own(session.user_id, "session.ended")
            };
            audit::record(&own, &tx, event).await?;
        }
        tx.commit().await?;
        ended(&own, &[session_id]);
        Ok(())
    })
    .await
}

/// Ends all sessions of a person, except one, as part of `tx`. Call [`ended`] with the answer after the commit, from
/// work that a vanished client does not cut short ([`App::to_the_end`]).
///
/// # Errors
/// When the database fails.
pub async fn end_all(app: &App, tx: &Tx, user_id: Uuid, except: Option<Uuid>, reason: &str) -> Result<Vec<Uuid>> {
    let ids = store::revoke_all(app, tx, user_id, except, reason).await?;
    if !ids.is_empty() {
        let event = Event {
            data: json!({ "reason": reason, "sessions": ids }),
            ..Event::own(user_id, "session.ended")
        };
        audit::record(app, tx, event).await?;
    }
    Ok(ids)
}

/// Makes the end of these sessions felt on this node: nothing believes in them any more, their streams close, and lists
/// of them are told. Call it after the commit.
pub fn ended(app: &App, ids: &[Uuid]) {
    if ids.is_empty() {
        return;
    }
    for id in ids {
        app.sessions.cache.invalidate(id);
    }
    app.streams.end(ids);
    metrics::sessions_ended(ids.len());
    watch::gone(app, ids);
}

/// Ends one of the person's other sessions, on their own wish.
///
/// # Errors
/// `not_found`, also for somebody else's and for one that has ended; `conflict` for the one that asks.
pub(super) async fn revoke(app: &App, by: &InSession, device: Device, id: Uuid) -> Result<()> {
    if id == by.session.id {
        return Err(Error::new(
            Code::Conflict,
            "This is the session you are in: log out instead, with POST /auth/logout.",
        ));
    }
    let (own, user_id) = (app.clone(), by.identity.user.id);
    app.to_the_end(async move {
        let tx = own.db.begin().await?;
        if !store::revoke_own(&own, &tx, user_id, id).await? {
            return Err(Error::not_found());
        }
        let event = Event {
            session_id: Some(id),
            device: Some(&device),
            data: json!({ "reason": "revoked" }),
            ..Event::own(user_id, "session.revoked")
        };
        audit::record(&own, &tx, event).await?;
        tx.commit().await?;
        ended(&own, &[id]);
        Ok(())
    })
    .await
}

/// Ends all the person's other sessions, on their own wish.
///
/// # Errors
/// When the database fails.
pub(super) async fn revoke_others(app: &App, by: &InSession, device: Device) -> Result<usize> {
    let (own, user_id, current) = (app.clone(), by.identity.user.id, by.session.id);
    app.to_the_end(async move {
        let tx = own.db.begin().await?;
        let ids = store::revoke_all(&own, &tx, user_id, Some(current), "revoked").await?;
        let event = Event {
            device: Some(&device),
            data: json!({ "reason": "revoked", "sessions": ids }),
            ..Event::own(user_id, "session.revoked")
        };
        audit::record(&own, &tx, event).await?;
        tx.commit().await?;
        ended(&own, &ids);
        Ok(ids.len())
    })
    .await
}

/// Passes a stream on for as long as what opened it (a session or an API key) lives: it ends within a second of that,
/// without a last word. A reader that comes back is refused at the door.
///
/// # Errors
/// `session_revoked` when it has ended already.
pub async fn while_alive<S>(
    app: &App,
    identity: &Identity,
    stream: S,
) -> Result<impl Stream<Item = S::Item> + Send + use<S>>
where
    S: Stream + Send + 'static,
{
    let open = open(app, identity).await?;
    let ended = open.ended();
    let read = stream.map(move |item| {
        let _counted_in_until_the_end = &open;
        item
    });
    Ok(read.take_until(ended))
}

/// Counts a stream in, for those that have a last word to say; see [`while_alive`].
///
/// # Errors
/// `session_revoked` when what opened it has ended already.
pub async fn open(app: &App, identity: &Identity) -> Result<OpenStream> {
    let user_id = identity.user.id;
    let (id, until) = match &identity.credential {
        Credential::Cookie(session) | Credential::AccessToken(session) => (session.id, Some(session.expires_at)),
        Credential::ApiKey(key) => (key.id, key.expires_at),
    };
    let open = app.streams.open(Opener { id, user_id, until });
    // It may have ended between the request's check and this line, when nobody knew of the stream yet.
    let alive = match &identity.credential {
        Credential::Cookie(_) | Credential::AccessToken(_) => {
            let session = app.sessions.cache.get_or_load(id, store::find(app, id)).await?;
            session.is_some_and(|session| lives(app, &session))
        }
        Credential::ApiKey(_) => !store::living_openers(app, &[id]).await?.is_empty(),
    };
    if !alive || open.is_ended() {
        return Err(Error::new(Code::SessionRevoked, "Log in again."));
    }
    Ok(open)
}

/// Closes the streams of API keys that were revoked; sessions have [`ended`].
pub fn close_streams(app: &App, key_ids: &[Uuid]) {
    app.streams.end(key_ids);
}
