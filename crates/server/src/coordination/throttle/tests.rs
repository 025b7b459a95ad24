//! Waits, successes, tries at once, bounded memory.

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
