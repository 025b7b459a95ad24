//! Guessing is slowed down, and the owner still gets in.

use std::time::Duration;

use parlor_llm::Scripted;
use parlor_server::config::RateLimits;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    letters,
    support::{Actor, Answer, PASSWORD, TestApp, send, start_configured},
};

/// Behind a proxy of ours, so that a test can come from many addresses.
async fn start(profile: RateLimits) -> TestApp {
    start_configured(Scripted::new(), move |config| {
        config.rate_limits = profile;
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

struct Guess<'a> {
    email: &'a str,
    password: &'a str,
    ip: &'a str,
    device: Option<&'a str>,
}

impl Guess<'_> {
    async fn send(&self, actor: &Actor) -> Answer {
        let mut request = actor
            .request(Method::POST, "/api/v1/auth/login")
            .header("x-forwarded-for", self.ip);
        if let Some(device) = self.device {
            request = request.header("cookie", device);
        }
        send(request.json(&json!({ "email": self.email, "password": self.password }))).await
    }
}

fn wrong<'a>(email: &'a str, ip: &'a str) -> Guess<'a> {
    Guess {
        email,
        password: "wrong password here",
        ip,
        device: None,
    }
}

fn right<'a>(ip: &'a str, device: Option<&'a str>) -> Guess<'a> {
    Guess {
        email: "ada@example.org",
        password: PASSWORD,
        ip,
        device,
    }
}

fn device_cookie(answer: &Answer) -> String {
    let lines = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|line| line.to_str().unwrap());
    let line = lines
        .into_iter()
        .find(|line| line.starts_with("parlor_device="))
        .expect("a device cookie");
    line.split(';').next().unwrap().to_owned()
}

fn address(n: u32) -> String {
    format!("198.18.{}.{}", n / 250, n % 250 + 1)
}

/// How often a guess from this many addresses was refused; ten at once, ten seconds apart.
async fn guess(t: &TestApp, from: std::ops::Range<u32>) -> u64 {
    let attacker = t.anon();
    let mut refused = 0;
    for ten in from.step_by(10) {
        let guesses = (ten..ten + 10).map(async |n| {
            let ip = format!("10.0.{}.{}", n / 256, n % 256);
            wrong("ada@example.org", &ip).send(&attacker).await.status.as_u16()
        });
        for status in futures_util::future::join_all(guesses).await {
            assert!(matches!(status, 401 | 429), "{status}");
            refused += u64::from(status == 429);
        }
        t.clock.advance(Duration::from_secs(10));
    }
    refused
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "figures for people")]
async fn ten_thousand_guesses_get_few_passwords_evaluated_and_the_owner_gets_in() {
    let t = start(RateLimits::Default).await;
    t.anon().register("ada@example.org").await;
    let known = device_cookie(&right("203.0.113.1", None).send(&t.anon()).await.expect(200));
    let before = t.app.passwords.evaluated();
    // Each from an address of its own, one a second on average: almost three hours.
    let mut refused = guess(&t, 0..5_000).await;
    let answer = right("203.0.113.1", Some(&known)).send(&t.anon()).await;
    assert_eq!(answer.status, 200, "the owner's browser does not wait: {}", answer.text);
    refused += guess(&t, 5_000..10_000).await;
    let evaluated = t.app.passwords.evaluated() - before - 1;
    println!("10000 guesses in 10000 s from 10000 addresses: {evaluated} passwords evaluated, {refused} refused");
    assert_eq!(evaluated + refused, 10_000);
    assert!((30..=60).contains(&evaluated), "{evaluated}");
    // On a new device the owner waits as long as they are told, and then gets in.
    let stopped = right("203.0.113.9", None).send(&t.anon()).await;
    if stopped.status == 429 {
        let wait: u64 = stopped.header("retry-after").parse().unwrap();
        assert!(wait <= 900, "{wait}");
        t.clock.advance(Duration::from_secs(wait + 1));
        right("203.0.113.9", None).send(&t.anon()).await.expect(200);
    }
    let stranger = "parlor_device=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let spoofed = Guess {
        device: Some(stranger),
        ..wrong("ada@example.org", "203.0.113.8")
    };
    let unknown = async || spoofed.send(&t.anon()).await.status.as_u16();
    unknown().await;
    assert_eq!(
        unknown().await,
        429,
        "an invented device cookie opens no counter of its own"
    );
}

#[tokio::test]
async fn acc_2_while_waiting_known_and_unknown_addresses_answer_alike() {
    let t = start(RateLimits::Default).await;
    t.anon().register("ada@example.org").await;
    let mut bodies: Vec<(u16, Value)> = Vec::new();
    for (email, ip) in [
        ("ada@example.org", "203.0.113.1"),
        ("nobody@example.org", "203.0.113.2"),
    ] {
        for _ in 0..5 {
            assert_eq!(wrong(email, ip).send(&t.anon()).await.status, 401);
        }
        let evaluated = t.app.passwords.evaluated();
        let answer = right(ip, None);
        let answer = Guess { email, ..answer }.send(&t.anon()).await;
        assert_eq!(
            answer.problem(),
            (429, "rate_limited".to_owned()),
            "also for the right password"
        );
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((25..=30).contains(&wait), "{wait}");
        assert_eq!(t.app.passwords.evaluated(), evaluated, "the password was not looked at");
        let mut body = answer.json();
        body["request_id"] = Value::Null;
        body["detail"] = Value::Null;
        bodies.push((answer.status.as_u16(), body));
    }
    assert_eq!(bodies[0], bodies[1]);
    t.clock.advance(Duration::from_secs(31));
    right("203.0.113.1", None).send(&t.anon()).await.expect(200);
}

#[tokio::test]
async fn successes_cost_nothing() {
    let t = start(RateLimits::Default).await;
    t.anon().register("ada@example.org").await;
    let logins = (0..40).map(async |_| right("203.0.113.1", None).send(&t.anon()).await.status.as_u16());
    let statuses = futures_util::future::join_all(logins).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
}

#[tokio::test]
async fn one_address_cannot_try_one_password_on_everybody() {
    let t = start(RateLimits::Default).await;
    let mut evaluated = 0;
    for n in 0..80 {
        let email = format!("person{n}@example.org");
        evaluated += u32::from(wrong(&email, "203.0.113.1").send(&t.anon()).await.status == 401);
    }
    assert!((50..=52).contains(&evaluated), "{evaluated}");
    assert_eq!(
        wrong("person@example.org", "203.0.113.2").send(&t.anon()).await.status,
        401,
        "others go on"
    );
}

#[tokio::test]
async fn an_ipv6_subscriber_is_one_address() {
    let t = start(RateLimits::Default).await;
    let mut evaluated = 0;
    for n in 0..80 {
        let (email, ip) = (format!("person{n}@example.org"), format!("2001:db8:1:2::{n:x}"));
        evaluated += u32::from(wrong(&email, &ip).send(&t.anon()).await.status == 401);
    }
    assert!((50..=52).contains(&evaluated), "{evaluated}");
    assert_eq!(
        wrong("person@example.org", "2001:db8:1:3::1")
            .send(&t.anon())
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_forged_forwarded_header_evades_nothing() {
    let t = start_configured(Scripted::new(), |config| config.rate_limits = RateLimits::Default).await;
    let rotated = async |n: u32, proxy: &str| {
        let ip = format!("{}{proxy}", address(n * 7));
        wrong("ada@example.org", &ip).send(&t.anon()).await.status.as_u16()
    };
    for n in 0..5 {
        assert_eq!(rotated(n, "").await, 401);
    }
    assert_eq!(
        rotated(99, "").await,
        429,
        "no proxy is trusted, so the header says nothing"
    );
    // With one, only what that proxy wrote counts: the rightmost.
    let t = start(RateLimits::Default).await;
    for n in 0..5 {
        let ip = format!("{}, 203.0.113.7", address(n * 7));
        assert_eq!(wrong("ada@example.org", &ip).send(&t.anon()).await.status, 401);
    }
    let ip = format!("{}, 203.0.113.7", address(99));
    assert_eq!(wrong("ada@example.org", &ip).send(&t.anon()).await.status, 429);
}

#[tokio::test]
async fn acc_4_one_mailbox_gets_few_mails_and_one_client_causes_few() {
    let t = start(RateLimits::Default).await;
    t.anon().register("ada@example.org").await;
    let forgot = async |email: &str, ip: &str| {
        let request = t
            .anon()
            .request(Method::POST, "/api/v1/auth/forgot-password")
            .header("x-forwarded-for", ip);
        send(request.json(&json!({ "email": email }))).await
    };
    for n in 0..8 {
        let ip = format!("203.0.113.{n}");
        assert_eq!(
            forgot("ada@example.org", &ip).await.status,
            202,
            "the answer stays the same"
        );
    }
    letters::nth(&t, "ada@example.org", "reset_password", 2).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(letters::kinds(&t, "ada@example.org").await.len(), 3);
    let mut refused = None;
    for n in 0..40 {
        let answer = forgot(&format!("person{n}@example.org"), "198.51.100.1").await;
        if answer.status == 429 {
            assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
            refused = Some(n);
            break;
        }
    }
    assert_eq!(refused, Some(15));
}

#[tokio::test]
async fn registering_and_guessing_tokens_are_limited_too() {
    let t = start(RateLimits::Strict).await;
    let register = async |n: u32| {
        let account = json!({ "email": format!("person{n}@example.org"), "password": PASSWORD });
        t.anon().post("/api/v1/auth/register", &account).await.status.as_u16()
    };
    for n in 0..15 {
        assert_eq!(register(n).await, 202);
    }
    assert_eq!(register(15).await, 429);
    let guess = async |n: u32| {
        let body = json!({ "token": format!("guess{n}") });
        t.anon().post("/api/v1/auth/verify-email", &body).await.status.as_u16()
    };
    for n in 0..10 {
        assert_eq!(guess(n).await, 400);
    }
    assert_eq!(guess(10).await, 429);
}

#[tokio::test]
async fn a_reset_makes_the_browser_a_known_one() {
    let t = start(RateLimits::Default).await;
    t.anon().register("ada@example.org").await;
    for n in 0..40 {
        wrong("ada@example.org", &format!("10.0.0.{n}")).send(&t.anon()).await;
    }
    assert_eq!(
        right("203.0.113.1", None).send(&t.anon()).await.status,
        429,
        "strangers guess"
    );
    let body = json!({ "email": "ada@example.org" });
    t.anon().post("/api/v1/auth/forgot-password", &body).await.expect(202);
    let token = letters::token(&letters::nth(&t, "ada@example.org", "reset_password", 0).await);
    let body = json!({ "token": token, "password": PASSWORD });
    let answer = t.anon().post("/api/v1/auth/reset-password", &body).await.expect(200);
    let known = device_cookie(&answer);
    right("203.0.113.1", Some(&known)).send(&t.anon()).await.expect(200);
}
