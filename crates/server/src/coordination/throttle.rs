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

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use parlor_db::Timestamp;
use tokio::sync::Notify;

use crate::{
    clock::Clock,
    config::RateLimits,
    features::sessions::network_of,
    http::{Code, Error, Result},
    telemetry::metrics,
};

/// How failures of one kind are counted.
#[derive(Debug)]
pub struct Rule {
    pub name: &'static str,
    /// Failures that cost no wait.
    pub free: u32,
    /// The wait after the last free one; doubles with each further failure.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// How long until one failure is forgotten.
    pub forget: Duration,
    /// Whether a success forgets all failures. Not where somebody's own success would cover guesses at others.
    pub success_clears: bool,
}

/// How uses of one kind are counted.
#[derive(Debug)]
pub struct Allowance {
    pub name: &'static str,
    /// Uses at once.
    pub burst: u32,
    /// Then one in so long.
    pub every: Duration,
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

const fn rule(name: &'static str, free: u32, forget: Duration, success_clears: bool) -> Rule {
    Rule {
        name,
        free,
        first_wait: Duration::from_secs(30),
        longest_wait: minutes(15),
        forget,
        success_clears,
    }
}

/// Passwords guessed for one account from one address.
pub const LOGIN_PAIR: Rule = rule("login_pair", 5, minutes(15), true);
/// Passwords guessed for one account from wherever, by browsers that never signed in to it.
pub const LOGIN_ACCOUNT: Rule = rule("login_account", 30, minutes(15), false);
/// Passwords guessed from one address for whatever account: 50 in a quarter of an hour.
pub const LOGIN_ADDRESS: Rule = Rule {
    longest_wait: minutes(5),
    ..rule("login_address", 50, Duration::from_secs(18), false)
};
/// Passwords mistyped in a browser that has signed in to the account before: strangers do not count here.
pub const LOGIN_DEVICE: Rule = rule("login_device", 10, minutes(15), true);
/// The current password, asked for again within a session.
pub const CONFIRM: Rule = rule("confirm_password", 10, minutes(15), true);
/// Tokens from mails that do not exist, per address.
pub const EMAIL_TOKEN: Rule = rule("email_token", 20, minutes(1), false);
/// Codes of a second factor, per account.
pub const SECOND_FACTOR: Rule = rule("second_factor", 5, minutes(15), true);
/// API keys that do not exist, per address.
pub const API_KEY: Rule = Rule {
    longest_wait: minutes(5),
    ..rule("api_key", 50, Duration::from_secs(18), false)
};

/// New accounts, per address.
pub const REGISTER: Allowance = Allowance {
    name: "register",
    burst: 30,
    every: minutes(1),
};
/// Requests that send mail, per address.
pub const MAIL_ADDRESS: Allowance = Allowance {
    name: "mail_address",
    burst: 15,
    every: minutes(1),
};
/// Mails to one mailbox, per kind of mail.
pub const MAILBOX: Allowance = Allowance {
    name: "mailbox",
    burst: 3,
    every: minutes(5),
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
mod tests {
    use super::*;

    fn throttle(profile: RateLimits) -> (Throttle, Clock) {
        let clock = Clock::default();
        (Throttle::new(clock.clone(), profile), clock)
    }

    async fn fails(throttle: &Throttle, key: &str) -> Option<u64> {
        match throttle.check(&[(&LOGIN_PAIR, key)]).await {
            Ok(attempt) => {
                attempt.failed();
                None
            }
            Err(error) => error.retry_after_s(),
        }
    }

    #[tokio::test]
    async fn waits_grow_up_to_the_longest() {
        let (throttle, clock) = throttle(RateLimits::Default);
        for _ in 0..5 {
            assert_eq!(fails(&throttle, "ada").await, None);
        }
        let mut waits = Vec::new();
        for _ in 0..8 {
            let wait = fails(&throttle, "ada").await.expect("a wait");
            waits.push(wait.div_ceil(10) * 10);
            clock.advance(Duration::from_secs(wait + 1));
            assert_eq!(fails(&throttle, "ada").await, None);
        }
        assert_eq!(waits[..4], [30, 60, 120, 240]);
        assert!(waits.iter().all(|wait| *wait <= 900), "{waits:?}");
        assert_eq!(fails(&throttle, "bob").await, None, "somebody else does not wait");
        clock.advance(Duration::from_secs(6 * 3600));
        for _ in 0..5 {
            assert_eq!(fails(&throttle, "ada").await, None, "forgotten by then");
        }
    }

    #[tokio::test]
    async fn a_success_costs_nothing() {
        let (throttle, _) = throttle(RateLimits::Default);
        for _ in 0..100 {
            throttle
                .check(&[(&LOGIN_PAIR, "ada"), (&LOGIN_ADDRESS, "::")])
                .await
                .unwrap()
                .succeeded();
        }
        for _ in 0..4 {
            assert_eq!(fails(&throttle, "ada").await, None);
        }
        throttle.check(&[(&LOGIN_PAIR, "ada")]).await.unwrap().succeeded();
        for _ in 0..5 {
            assert_eq!(fails(&throttle, "ada").await, None, "the success forgot the failures");
        }
        assert!(fails(&throttle, "ada").await.is_some());
    }

    #[tokio::test]
    async fn tries_at_once_are_no_way_around() {
        let (throttle, _) = throttle(RateLimits::Default);
        let tries = (0..100).map(async |_| {
            let attempt = throttle.check(&[(&LOGIN_PAIR, "ada")]).await.ok()?;
            tokio::task::yield_now().await;
            attempt.failed();
            Some(())
        });
        let through = futures_util::future::join_all(tries)
            .await
            .into_iter()
            .flatten()
            .count();
        assert_eq!(through, 5);
    }

    #[tokio::test]
    async fn honest_tries_at_once_all_come_through() {
        let (throttle, _) = throttle(RateLimits::Default);
        let tries = (0..100).map(async |_| {
            let attempt = throttle.check(&[(&LOGIN_PAIR, "ada")]).await.ok()?;
            tokio::task::yield_now().await;
            attempt.succeeded();
            Some(())
        });
        let through = futures_util::future::join_all(tries)
            .await
            .into_iter()
            .flatten()
            .count();
        assert_eq!(through, 100);
    }

    #[tokio::test]
    async fn who_hangs_up_has_guessed() {
        let (throttle, _) = throttle(RateLimits::Default);
        for _ in 0..5 {
            drop(throttle.check(&[(&LOGIN_PAIR, "ada")]).await.unwrap());
        }
        assert!(fails(&throttle, "ada").await.is_some());
    }

    #[tokio::test]
    async fn profiles_are_half_and_nothing() {
        let (strict, _) = throttle(RateLimits::Strict);
        for _ in 0..2 {
            assert_eq!(fails(&strict, "ada").await, None);
        }
        assert!(fails(&strict, "ada").await.is_some());
        let (off, _) = throttle(RateLimits::Off);
        for _ in 0..100 {
            assert_eq!(fails(&off, "ada").await, None);
            assert!(off.may(&MAILBOX, "ada"));
        }
    }

    #[test]
    fn an_allowance_comes_back_over_time() {
        let (throttle, clock) = throttle(RateLimits::Default);
        let taken = |n: usize| (0..n).filter(|_| throttle.may(&MAILBOX, "ada")).count();
        assert_eq!(taken(10), 3);
        clock.advance(minutes(5));
        assert_eq!(taken(10), 1);
        clock.advance(minutes(60));
        assert_eq!(taken(10), 3);
        assert!(throttle.may(&MAILBOX, "bob"));
    }

    #[tokio::test]
    async fn memory_is_bounded_and_a_flood_does_not_free_who_waits() {
        let (throttle, _) = throttle(RateLimits::Default);
        for _ in 0..5 {
            fails(&throttle, "ada").await;
        }
        for n in 0..CAPACITY * 2 {
            let key = throttle.0.key("flood", &n.to_string());
            throttle.0.with(key, |bucket, now| bucket.fail(now, &LOGIN_PAIR, 5.0));
        }
        let entries: usize = throttle.0.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(entries <= CAPACITY, "{entries}");
        assert!(fails(&throttle, "ada").await.is_some());
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let of = |text: &str| client(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
        assert_ne!(of("203.0.113.7"), of("203.0.113.8"));
    }
}
