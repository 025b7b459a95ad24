//! Slows guessing and flooding down, without locking anybody out for good.
//!
//! Two kinds of limits, both counted in this process, in memory that is bounded:
//!
//! - a [`Rule`] counts failures. Some are free; each further one doubles the wait until the next try, up to a longest
//!   wait. Failures are forgotten one after the other, so a person who comes back later finds no wait. Successes cost
//!   nothing.
//! - an [`Allowance`] counts uses, as of endpoints that send mail: some at once, then one every so often.
//!
//! A try is counted when it begins, not when it has failed: a thousand tries at once get no more than one after the
//! other. What is beyond the free ones then waits for those under way, so honest logins at once all come through.

mod rules;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use parlor_db::Timestamp;
use tokio::sync::Notify;

pub use rules::*;

use crate::{
    clock::Clock,
    config::RateLimits,
    features::sessions::network_of,
    http::{Code, Error, Result},
    telemetry::metrics,
};

/// The network that counts as one client: an IPv4 address, or the /64 that an IPv6 subscriber has to themselves.
#[must_use]
pub fn client(ip: Option<IpAddr>) -> String {
    ip.map_or_else(|| "unknown".to_owned(), |ip| network_of(ip, 32, 64).to_string())
}

/// Entries of all limits together; at about 50 bytes each.
const CAPACITY: usize = 1 << 18;
const SHARDS: usize = 16;
/// How long a try waits for others that are under way.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
struct Bucket {
    /// Failures not yet forgotten.
    level: f64,
    /// Tries under way.
    pending: u32,
    seen: Timestamp,
    blocked_until: Timestamp,
}

/// All counters of this process.
#[derive(Clone)]
pub struct Throttle(Arc<Inner>);

struct Inner {
    clock: Clock,
    profile: RateLimits,
    hasher: RandomState,
    shards: [Mutex<HashMap<u64, Bucket>>; SHARDS],
    settled: Notify,
}

enum Admission {
    Granted,
    /// Others are under way; whether there is room shows when they have ended.
    Busy,
    Refused(Duration),
}

impl Throttle {
    #[must_use]
    pub fn new(clock: Clock, profile: RateLimits) -> Self {
        Self(Arc::new(Inner {
            clock,
            profile,
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
            settled: Notify::new(),
        }))
    }

    /// Begins a try that counts under every rule here: say afterwards how it ended.
    ///
    /// # Errors
    /// `rate_limited`, with the seconds to wait; then nothing was counted.
    pub async fn check(&self, counted: &[(&'static Rule, &str)]) -> Result<Attempt> {
        if self.0.profile == RateLimits::Off {
            return Ok(Attempt {
                inner: None,
                keys: Vec::new(),
            });
        }
        let keys: Vec<Key> = counted
            .iter()
            .map(|(rule, key)| (*rule, self.0.key(rule.name, key)))
            .collect();
        // Real time: how long a connection is held, not what the counters speak of.
        let patience = tokio::time::sleep(PATIENCE);
        tokio::pin!(patience);
        loop {
            let settled = self.0.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            match self.0.admit(&keys) {
                Admission::Granted => {
                    return Ok(Attempt {
                        inner: Some(self.0.clone()),
                        keys,
                    });
                }
                Admission::Refused(wait) => return Err(refusal(wait)),
                Admission::Busy => {}
            }
            tokio::select! {
                () = settled => {}
                () = &mut patience => return Err(refusal(Duration::from_secs(1))),
            }
        }
    }

    /// Uses one of the allowance up.
    ///
    /// # Errors
    /// `rate_limited`, with the seconds to wait; then nothing was counted.
    pub fn take(&self, allowance: &'static Allowance, key: &str) -> Result<()> {
        match self.0.take(allowance, self.0.key(allowance.name, key)) {
            Some(wait) => {
                metrics::throttled(allowance.name);
                Err(refusal(wait))
            }
            None => Ok(()),
        }
    }

    /// Whether the allowance has one left; uses it up then.
    #[must_use]
    pub fn may(&self, allowance: &'static Allowance, key: &str) -> bool {
        self.take(allowance, key).is_ok()
    }
}

fn refusal(wait: Duration) -> Error {
    let seconds = wait.as_secs().max(1);
    let detail = match seconds {
        1..=90 => format!("Wait {seconds} seconds, then try again."),
        _ => format!("Wait {} minutes, then try again.", seconds.div_ceil(60)),
    };
    Error::new(Code::RateLimited, detail).retry_after(seconds)
}

type Key = (&'static Rule, u64);

impl Inner {
    /// Keyed with this process's randomness, so that nobody can make two of them meet.
    fn key(&self, name: &str, key: &str) -> u64 {
        self.hasher.hash_one((name, key))
    }

    fn shard(&self, key: u64) -> MutexGuard<'_, HashMap<u64, Bucket>> {
        let index = usize::try_from(key).unwrap_or_default() % SHARDS;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn scaled(&self, n: u32) -> f64 {
        let n = if self.profile == RateLimits::Strict { n / 2 } else { n };
        f64::from(n.max(1))
    }

    /// All or none.
    fn admit(&self, keys: &[Key]) -> Admission {
        for (at, (rule, key)) in keys.iter().enumerate() {
            let admission = self.admit_one(rule, *key);
            if !matches!(admission, Admission::Granted) {
                for (_, earlier) in &keys[..at] {
                    self.with(*earlier, |bucket, _| bucket.pending = bucket.pending.saturating_sub(1));
                }
                if matches!(admission, Admission::Refused(_)) {
                    metrics::throttled(rule.name);
                }
                return admission;
            }
        }
        Admission::Granted
    }

    fn admit_one(&self, rule: &Rule, key: u64) -> Admission {
        let free = self.scaled(rule.free);
        self.with(key, |bucket, now| {
            bucket.decay(now, rule.forget);
            if bucket.blocked_until > now {
                return Admission::Refused(bucket.blocked_until.since(now));
            }
            if bucket.pending > 0 && bucket.level + f64::from(bucket.pending) + 1.0 > free {
                return Admission::Busy;
            }
            bucket.pending += 1;
            Admission::Granted
        })
    }

    fn settle(&self, keys: &[Key], success: bool) {
        for (rule, key) in keys {
            let free = self.scaled(rule.free);
            self.with(*key, |bucket, now| {
                bucket.decay(now, rule.forget);
                bucket.pending = bucket.pending.saturating_sub(1);
                match (success, rule.success_clears) {
                    (true, true) => bucket.level = 0.0,
                    (true, false) => {}
                    (false, _) => bucket.fail(now, rule, free),
                }
            });
        }
        self.settled.notify_waiters();
    }

    /// The wait, when there is none left. GCRA: `blocked_until` is the theoretical arrival time of the next use.
    fn take(&self, allowance: &Allowance, key: u64) -> Option<Duration> {
        if self.profile == RateLimits::Off {
            return None;
        }
        let credit = allowance.every.mul_f64(self.scaled(allowance.burst));
        self.with(key, |bucket, now| {
            bucket.seen = now;
            let next = bucket.blocked_until.max(now) + allowance.every;
            let ahead = next.since(now);
            if ahead > credit {
                return Some(ahead.saturating_sub(credit));
            }
            bucket.blocked_until = next;
            None
        })
    }

    fn with<T>(&self, key: u64, change: impl FnOnce(&mut Bucket, Timestamp) -> T) -> T {
        let now = self.clock.now();
        let mut shard = self.shard(key);
        if shard.len() >= CAPACITY / SHARDS && !shard.contains_key(&key) {
            make_room(&mut shard, now);
        }
        let bucket = shard.entry(key).or_insert_with(|| Bucket {
            level: 0.0,
            pending: 0,
            seen: now,
            blocked_until: now,
        });
        change(bucket, now)
    }
}

/// Drops the quarter that matters least: first what is not waiting, fewest failures first, then the longest unseen. Who
/// floods the counters with names only pushes out others of their own.
fn make_room(shard: &mut HashMap<u64, Bucket>, now: Timestamp) {
    let mut ranked: Vec<(bool, u64, Timestamp, u64)> = shard
        .iter()
        .map(|(key, bucket)| {
            (
                bucket.blocked_until > now || bucket.pending > 0,
                bucket.weight(),
                bucket.seen,
                *key,
            )
        })
        .collect();
    ranked.sort_unstable();
    for (.., key) in ranked.iter().take(ranked.len() / 4) {
        shard.remove(key);
    }
}

impl Bucket {
    fn decay(&mut self, now: Timestamp, forget: Duration) {
        let forgotten = now.since(self.seen).as_secs_f64() / forget.as_secs_f64();
        self.level = (self.level - forgotten).max(0.0);
        self.seen = now;
    }

    fn fail(&mut self, now: Timestamp, rule: &Rule, free: f64) {
        self.level += 1.0;
        // Half a failure may have been forgotten since the first of a quick row.
        let beyond = (self.level - free).round();
        if beyond >= 0.0 {
            let wait = rule.first_wait.as_secs_f64() * beyond.min(20.0).exp2();
            self.blocked_until = now + Duration::from_secs_f64(wait.min(rule.longest_wait.as_secs_f64()));
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive count"
    )]
    fn weight(&self) -> u64 {
        self.level.round() as u64
    }
}

/// A try under way. One that is dropped without a word counts as failed: who hangs up has guessed all the same.
#[must_use]
pub struct Attempt {
    inner: Option<Arc<Inner>>,
    keys: Vec<Key>,
}

impl Attempt {
    pub fn succeeded(mut self) {
        self.settle(true);
    }

    pub fn failed(mut self) {
        self.settle(false);
    }

    fn settle(&mut self, success: bool) {
        if let Some(inner) = self.inner.take() {
            inner.settle(&self.keys, success);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.settle(false);
    }
}

#[cfg(test)]
mod tests;
