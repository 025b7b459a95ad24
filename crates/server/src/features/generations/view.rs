//! The log of an answer that this node is not writing.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use parlor_db::Owner;
use uuid::Uuid;

use super::{Event, status, store};
use crate::{
    app::App,
    http::{Error, Result},
};

/// An answer that was interrupted and then continued has an end in its middle; readers get only the last.
pub(super) fn with_last_end(events: Vec<Arc<Event>>) -> Vec<Arc<Event>> {
    let body = events.iter().rposition(|event| !event.is_end()).map_or(0, |at| at + 1);
    let keep = |(at, event): (usize, Arc<Event>)| (at >= body || !event.is_end()).then_some(event);
    events.into_iter().enumerate().filter_map(keep).collect()
}

pub(super) fn without_ends(events: Vec<Arc<Event>>) -> Vec<Arc<Event>> {
    events.into_iter().filter(|event| !event.is_end()).collect()
}

/// How often the log of another node's answer is looked at.
const POLL: Duration = Duration::from_millis(100);

/// Follows an answer that another node writes, through the database.
pub(super) fn poll(app: App, owner: Owner, message_id: Uuid, after: i64) -> impl Stream<Item = Bytes> + Send {
    let start = Some((app, after));
    futures_util::stream::unfold(start, move |state| async move {
        let (app, mut after) = state?;
        loop {
            // The state first: what was written before the end is then surely among the events.
            let row = store::find(app.db.read(), owner, message_id).await.ok()??;
            let events = store::events(app.db.read(), message_id, after, None).await.ok()?;
            let ended = row.status != status::RUNNING;
            let events = if ended {
                with_last_end(events)
            } else {
                without_ends(events)
            };
            if let Some(last) = events.last() {
                after = last.seq;
            }
            if ended || !events.is_empty() {
                let frames = events.into_iter().map(|event| event.frame.clone());
                let state = (!ended).then_some((app, after));
                return Some((futures_util::stream::iter(frames), state));
            }
            tokio::time::sleep(POLL).await;
        }
    })
    .flatten()
}

/// Waits until an answer that another node writes has ended.
pub(super) async fn wait(app: &App, owner: Owner, message_id: Uuid) -> Result<()> {
    loop {
        let row = store::find(app.db.read(), owner, message_id)
            .await?
            .ok_or_else(Error::not_found)?;
        if row.status != status::RUNNING {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chat_4_only_the_last_end_is_shown() {
        let kinds = ["delta", "error", "done", "delta", "error", "done"];
        let log = kinds
            .iter()
            .zip(1..)
            .map(|(kind, seq)| Event::new(seq, kind, "{}".to_owned()))
            .collect();
        let shown: Vec<i64> = with_last_end(log).iter().map(|event| event.seq).collect();
        assert_eq!(shown, [1, 4, 5, 6]);
        let only_end = vec![Event::new(9, "done", "{}".to_owned())];
        assert_eq!(with_last_end(only_end).len(), 1);
    }
}
