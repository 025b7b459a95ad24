//! The list of sessions, live: what changed between two looks, as server-sent events.
//!
//! The id of an event is the moment of its sending in microseconds since 1970. So a reader that comes back with
//! `Last-Event-ID` gets what it missed, without a log of events: the sessions themselves say when they began, when they
//! were last active and when they ended.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use parlor_db::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Session, SessionView, ending, store, watch as hub, watch::Snapshot};
use crate::{
    app::App,
    http::{Result, auth::InSession, sse},
};

pub const CREATED: &str = "session.created";
pub const REVOKED: &str = "session.revoked";
pub const ACTIVE: &str = "session.active";

type Event = (&'static str, Value);

/// What a change was written and when it was sent may lie so far apart, when another node wrote it.
const SLACK: Duration = Duration::from_secs(3);

struct Reader {
    app: App,
    sessions: watch::Receiver<Snapshot>,
    known: Snapshot,
    current: Uuid,
    last_id: i64,
}

/// Frames of what changes from now on, and of what changed since the event `after`. Ends with the session that reads,
/// whose own end is the last event.
pub(super) async fn stream(app: &App, by: &InSession, after: i64) -> Result<impl Stream<Item = Bytes> + Send + use<>> {
    let open = ending::open(app, &by.identity).await?;
    let sessions = hub::listen(app, by.identity.user.id).await?;
    let known = sessions.borrow().clone();
    let mut reader = Reader {
        app: app.clone(),
        sessions,
        known,
        current: by.session.id,
        last_id: after,
    };
    let missed = match after {
        0 => Vec::new(),
        after => reader.missed(by.identity.user.id, after).await?,
    };
    // Something at once, so that the reader knows it is heard.
    let first = reader.frames(missed).unwrap_or(sse::HEARTBEAT_FRAME);
    let stopping = app.stopping.clone();
    let (current, clock) = (reader.current, app.clock.clone());
    let changes = futures_util::stream::unfold(reader, next).take_until({
        let ended = open.ended();
        async move {
            tokio::select! { () = ended => {}, () = stopping.cancelled_owned() => {} }
        }
    });
    let last = futures_util::stream::once(async move {
        let data = json!({ "id": current, "current": true });
        open.is_ended()
            .then(|| sse::frame(clock.now().as_micros(), REVOKED, &data.to_string()))
    });
    let last = last.filter_map(std::future::ready);
    Ok(futures_util::stream::iter([first]).chain(changes).chain(last))
}

async fn next(mut reader: Reader) -> Option<(Bytes, Reader)> {
    loop {
        reader.sessions.changed().await.ok()?;
        let now = reader.sessions.borrow_and_update().clone();
        let events = changes(&reader.known, &now, reader.current);
        reader.known = now;
        if let Some(frames) = reader.frames(events) {
            return Some((frames, reader));
        }
    }
}

impl Reader {
    fn frames(&mut self, events: Vec<Event>) -> Option<Bytes> {
        let mut bytes = BytesMut::new();
        for (kind, data) in events {
            self.last_id = self.app.clock.now().as_micros().max(self.last_id + 1);
            bytes.extend_from_slice(&sse::frame(self.last_id, kind, &data.to_string()));
        }
        (!bytes.is_empty()).then(|| bytes.freeze())
    }

    /// Some of it may be known already; readers go by ids.
    async fn missed(&self, user_id: Uuid, after: i64) -> Result<Vec<Event>> {
        let since = Timestamp::from_micros(after) - SLACK;
        let ended = store::revoked_since(&self.app, user_id, since).await?;
        let ended = ended.into_iter().map(|id| (REVOKED, revoked(id)));
        let began = self.known.iter().filter(|session| session.created_at > since);
        let began = began.map(|session| (CREATED, created(session, self.current)));
        let used = self
            .known
            .iter()
            .filter(|session| session.last_active_at > since && session.created_at <= since);
        Ok(ended
            .chain(began)
            .chain(used.map(|session| (ACTIVE, active(session))))
            .collect())
    }
}

/// What happened between two looks. The end of the reader's own session is told by the end of its stream.
fn changes(before: &[Session], now: &[Session], current: Uuid) -> Vec<Event> {
    let find = |list: &'_ [Session], id: Uuid| list.iter().position(|session| session.id == id);
    let ended = before
        .iter()
        .filter(|session| find(now, session.id).is_none() && session.id != current);
    let mut events: Vec<Event> = ended.map(|session| (REVOKED, revoked(session.id))).collect();
    for session in now {
        match find(before, session.id) {
            None => events.push((CREATED, created(session, current))),
            Some(at) if before[at].last_active_at != session.last_active_at => events.push((ACTIVE, active(session))),
            Some(_) => {}
        }
    }
    events
}

fn created(session: &Session, current: Uuid) -> Value {
    serde_json::to_value(SessionView::new(session, Some(current))).unwrap_or_default()
}

fn revoked(id: Uuid) -> Value {
    json!({ "id": id, "current": false })
}

fn active(session: &Session) -> Value {
    json!({ "id": session.id, "last_active_at": session.last_active_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(n: u128, active: i64) -> Session {
        let at = Timestamp::from_micros(active);
        Session {
            id: Uuid::from_u128(n),
            user_id: Uuid::nil(),
            token_hash: Vec::new(),
            remember: false,
            user_agent: None,
            ip: None,
            created_at: at,
            last_active_at: at,
            expires_at: at,
            revoked_at: None,
            revoked_reason: None,
            authenticated_at: at,
            method: String::new(),
        }
    }

    #[test]
    fn ses_3_a_list_says_what_came_went_and_moved() {
        let before = [session(1, 5), session(2, 5), session(3, 5), session(9, 5)];
        let now = [session(2, 6), session(3, 5), session(4, 7)];
        let told = changes(&before, &now, Uuid::from_u128(9));
        let told: Vec<(&str, String)> = told
            .iter()
            .map(|(kind, data)| (*kind, data["id"].to_string()))
            .collect();
        let id = |n: u128| json!(Uuid::from_u128(n)).to_string();
        assert_eq!(told, [(REVOKED, id(1)), (ACTIVE, id(2)), (CREATED, id(4))]);
        assert_eq!(changes(&now, &now, Uuid::nil()), Vec::<Event>::new());
    }
}
