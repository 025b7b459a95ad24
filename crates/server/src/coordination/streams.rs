use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use parlor_db::Timestamp;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use uuid::Uuid;

/// Streams that are open on this node, by the session or API key that opened them.
///
/// An answer that takes minutes, or a page that listens for hours, asked for permission once. So whoever takes the
/// permission back calls [`Streams::end`], and whatever reads on under it stops reading.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<HashMap<Uuid, Entry>>>);

struct Entry {
    ended: CancellationToken,
    user_id: Uuid,
    /// When it ends by itself.
    until: Option<Timestamp>,
    readers: usize,
}

/// What a stream was opened with.
#[derive(Clone, Copy, Debug)]
pub struct Opener {
    /// Of the session or of the API key.
    pub id: Uuid,
    pub user_id: Uuid,
    pub until: Option<Timestamp>,
}

impl Streams {
    fn entries(&self) -> MutexGuard<'_, HashMap<Uuid, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a stream in. Look once more afterwards whether the opener still lives: it may have ended just before.
    #[must_use]
    pub fn open(&self, opener: Opener) -> OpenStream {
        let mut entries = self.entries();
        let entry = entries.entry(opener.id).or_insert_with(|| Entry {
            ended: CancellationToken::new(),
            user_id: opener.user_id,
            until: opener.until,
            readers: 0,
        });
        entry.readers += 1;
        OpenStream {
            id: opener.id,
            ended: entry.ended.clone(),
            streams: self.clone(),
        }
    }

    /// Ends the streams of these sessions and keys. None of them ever comes back to life, so a stream that is opened
    /// while the others are closing ends as well.
    pub fn end(&self, ids: &[Uuid]) {
        let entries = self.entries();
        ids.iter()
            .filter_map(|id| entries.get(id))
            .for_each(|entry| entry.ended.cancel());
    }

    /// Ends all streams of a person: sessions and keys alike.
    pub fn end_user(&self, user_id: Uuid) {
        let entries = self.entries();
        let own = entries.values().filter(|entry| entry.user_id == user_id);
        own.for_each(|entry| entry.ended.cancel());
    }

    /// Ends those whose time is over.
    pub fn end_expired(&self, now: Timestamp) {
        let entries = self.entries();
        let over = entries
            .values()
            .filter(|entry| entry.until.is_some_and(|until| until <= now));
        over.for_each(|entry| entry.ended.cancel());
    }

    /// Sessions and keys with streams that nobody has ended.
    #[must_use]
    pub fn openers(&self) -> Vec<Uuid> {
        let entries = self.entries();
        let open = entries.iter().filter(|(_, entry)| !entry.ended.is_cancelled());
        open.map(|(id, _)| *id).collect()
    }

    /// How many streams are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries().values().map(|entry| entry.readers).sum()
    }
}

/// One open stream; dropping it counts it out.
pub struct OpenStream {
    id: Uuid,
    ended: CancellationToken,
    streams: Streams,
}

impl OpenStream {
    /// Ready once the permission is gone.
    pub fn ended(&self) -> WaitForCancellationFutureOwned {
        self.ended.clone().cancelled_owned()
    }

    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended.is_cancelled()
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut entries = self.streams.entries();
        let Some(entry) = entries.get_mut(&self.id) else { return };
        entry.readers -= 1;
        if entry.readers == 0 {
            entries.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opener(n: u128, user: u128) -> Opener {
        Opener {
            id: Uuid::from_u128(n),
            user_id: Uuid::from_u128(user),
            until: None,
        }
    }

    #[test]
    fn ses_3_ending_a_session_ends_all_its_streams_and_no_others() {
        let streams = Streams::default();
        let (first, second) = (streams.open(opener(1, 7)), streams.open(opener(1, 7)));
        let other = streams.open(opener(2, 7));
        streams.end(&[Uuid::from_u128(1), Uuid::from_u128(99)]);
        assert!(first.is_ended() && second.is_ended() && !other.is_ended());
        assert!(streams.open(opener(1, 7)).is_ended(), "one that comes too late");
        assert_eq!(streams.openers(), [Uuid::from_u128(2)]);
        streams.end_user(Uuid::from_u128(8));
        assert!(!other.is_ended());
        streams.end_user(Uuid::from_u128(7));
        assert!(other.is_ended());
    }

    #[test]
    fn nothing_stays_behind_of_streams_that_were_left() {
        let streams = Streams::default();
        let open: Vec<_> = [1, 1, 2].map(|n| streams.open(opener(n, 7))).into();
        assert_eq!(streams.count(), 3);
        drop(open);
        assert_eq!((streams.count(), streams.entries().len()), (0, 0));
    }

    #[test]
    fn ses_1_streams_end_with_the_life_of_their_session() {
        let streams = Streams::default();
        let until = Timestamp::from_micros(1000);
        let limited = streams.open(Opener {
            until: Some(until),
            ..opener(1, 7)
        });
        let unlimited = streams.open(opener(2, 7));
        streams.end_expired(Timestamp::from_micros(999));
        assert!(!limited.is_ended());
        streams.end_expired(until);
        assert!(limited.is_ended() && !unlimited.is_ended());
    }
}
