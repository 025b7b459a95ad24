//! Time and ids. Everything that must be repeatable in a test comes from here.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use parlor_db::Timestamp;
use uuid::Uuid;

/// The current time. Tests move it; nothing else in Parlor asks the system.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_micros: Arc<AtomicI64>,
}

impl Clock {
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system for the time"
    )]
    pub fn now(&self) -> Timestamp {
        let system = jiff::Timestamp::now().as_microsecond();
        Timestamp::from_micros(system + self.offset_micros.load(Ordering::Relaxed))
    }

    /// Moves this clock forward, for tests that come back the next day.
    pub fn advance(&self, by: Duration) {
        self.offset_micros
            .fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}

/// Makes UUIDv7 ids that rise strictly within this process, also inside one millisecond.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    context: Arc<Mutex<uuid::ContextV7>>,
}

impl Ids {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            context: Arc::new(Mutex::new(uuid::ContextV7::new())),
        }
    }

    #[must_use]
    pub fn next(&self) -> Uuid {
        let now = u64::try_from(self.clock.now().as_micros()).unwrap_or_default();
        let context = self.context.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let nanos = u32::try_from(now % 1_000_000).unwrap_or_default() * 1000;
        Uuid::new_v7(uuid::Timestamp::from_unix(&*context, now / 1_000_000, nanos))
    }
}

/// Bytes from the operating system's generator, for tokens and keys.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that asks for randomness")]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::Rng::fill(&mut rand::rng(), &mut bytes[..]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_within_a_millisecond() {
        let ids = Ids::new(Clock::default());
        let made: Vec<Uuid> = (0..10_000).map(|_| ids.next()).collect();
        assert!(made.is_sorted());
    }
}
