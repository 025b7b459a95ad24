//! One running answer, in memory: what is on disk of it so far, and who waits for more.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use parlor_db::{Owner, Timestamp, entities::messages};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::http::sse;

/// One entry of the log, as it was written and as readers get it.
#[derive(Clone, Debug)]
pub struct Event {
    pub seq: i64,
    pub kind: String,
    pub data: String,
    /// Made once, shared by all readers.
    pub frame: Bytes,
}

impl Event {
    #[must_use]
    pub fn new(seq: i64, kind: &str, data: String) -> Arc<Self> {
        let frame = sse::frame(seq, kind, &data);
        Arc::new(Self {
            seq,
            kind: kind.to_owned(),
            data,
            frame,
        })
    }

    /// Whether a reader has everything after it.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self.kind.as_str(), "done" | "error")
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    events: usize,
    closed: bool,
}

/// A running answer of this node.
pub struct Live {
    pub message_id: Uuid,
    pub chat_id: Uuid,
    pub owner: Owner,
    pub created_at: Timestamp,
    /// Where this run's part of the log begins; more than 1 after a continue.
    pub first_seq: i64,
    next_seq: AtomicI64,
    committed: Mutex<Vec<Arc<Event>>>,
    progress: watch::Sender<Progress>,
    stop: CancellationToken,
    /// The server stops it, not the person.
    interrupted: AtomicBool,
}

impl Live {
    pub(super) fn new(message: &messages::Model, first_seq: i64) -> Arc<Self> {
        Arc::new(Self {
            message_id: message.id,
            chat_id: message.chat_id,
            owner: Owner::new(message.owner_id),
            created_at: message.created_at,
            first_seq,
            next_seq: AtomicI64::new(first_seq),
            committed: Mutex::default(),
            progress: watch::Sender::default(),
            stop: CancellationToken::new(),
            interrupted: AtomicBool::new(false),
        })
    }

    /// Numbers events; the order of calls is the order in the log.
    pub(super) fn prepare(&self, events: Vec<(&'static str, String)>) -> Vec<Arc<Event>> {
        let number = |(kind, data)| Event::new(self.next_seq.fetch_add(1, Ordering::Relaxed), kind, data);
        events.into_iter().map(number).collect()
    }

    /// Shows readers what is on disk now.
    pub(super) fn publish(&self, events: Vec<Arc<Event>>, last: bool) {
        let mut committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        committed.extend(events);
        self.progress.send_replace(Progress {
            events: committed.len(),
            closed: last,
        });
    }

    fn events_from(&self, position: usize) -> Vec<Arc<Event>> {
        let committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        committed.get(position..).unwrap_or_default().to_vec()
    }

    pub(super) fn cancel(&self) {
        self.stop.cancel();
    }

    pub(super) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        self.stop.cancel();
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    pub(super) async fn closed(&self) {
        let _ = self.progress.subscribe().wait_for(|progress| progress.closed).await;
    }
}

struct Reader {
    live: Arc<Live>,
    progress: watch::Receiver<Progress>,
    position: usize,
}

/// Frames of this run after the event `after`, until its end. Events that came together are sent together.
pub(super) fn follow(live: Arc<Live>, after: i64) -> impl Stream<Item = Bytes> + Send + 'static {
    let progress = live.progress.subscribe();
    // Nobody has seen what is not there yet: a number beyond the log means its end.
    let position = usize::try_from(after + 1 - live.first_seq)
        .unwrap_or(0)
        .min(progress.borrow().events);
    let reader = Reader {
        progress,
        live,
        position,
    };
    futures_util::stream::unfold(reader, |mut reader| async move {
        let position = reader.position;
        reader
            .progress
            .wait_for(|progress| progress.events > position || progress.closed)
            .await
            .ok()?;
        let events = reader.live.events_from(reader.position);
        reader.position += events.len();
        match events.as_slice() {
            [] => None,
            [one] => Some((one.frame.clone(), reader)),
            many => {
                let mut bytes = BytesMut::new();
                many.iter().for_each(|event| bytes.extend_from_slice(&event.frame));
                Some((bytes.freeze(), reader))
            }
        }
    })
}
