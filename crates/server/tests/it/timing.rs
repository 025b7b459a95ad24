//! Whether the time of an answer tells if an address has an account.

use std::time::Instant;

use parlor_llm::Scripted;
use serde_json::{Value, json};

use crate::support::{Actor, PASSWORD, TestApp, start_configured};

/// Interleaved, so that whatever else the machine does meets both alike.
struct Samples {
    known: Vec<f64>,
    unknown: Vec<f64>,
}

struct Comparison {
    medians_ms: (f64, f64),
    /// Difference of the means in standard deviations (Cohen's d), without the slowest twentieth of each.
    effect: f64,
    /// How often a known one is slower than an unknown one; a half when time tells nothing.
    slower: f64,
}

impl Samples {
    fn compare(&self) -> Comparison {
        let (known, unknown) = (trimmed(&self.known), trimmed(&self.unknown));
        let (mean_known, variance_known) = moments(&known);
        let (mean_unknown, variance_unknown) = moments(&unknown);
        let deviation = f64::midpoint(variance_known, variance_unknown).sqrt().max(1e-9);
        let pairs = known
            .iter()
            .flat_map(|a| unknown.iter().map(move |b| f64::from(u8::from(a > b))));
        let count = (known.len() * unknown.len()) as f64;
        Comparison {
            medians_ms: (known[known.len() / 2], unknown[unknown.len() / 2]),
            effect: (mean_known - mean_unknown) / deviation,
            slower: pairs.sum::<f64>() / count,
        }
    }
}

fn trimmed(samples: &[f64]) -> Vec<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.truncate(sorted.len() - sorted.len() / 20);
    sorted
}

fn moments(samples: &[f64]) -> (f64, f64) {
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let variance = samples.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>() / count;
    (mean, variance)
}

async fn measure(actor: &Actor, path: &str, body: &Value) -> f64 {
    let started = Instant::now();
    let answer = actor.post(path, body).await;
    assert!(matches!(answer.status.as_u16(), 202 | 401), "{}", answer.text);
    started.elapsed().as_secs_f64() * 1000.0
}

async fn sample(t: &TestApp, path: &str, count: usize) -> Samples {
    let actor = t.anon();
    let body = |email: &str| match path {
        "login" => json!({ "email": email, "password": "wrong password here" }),
        "register" => json!({ "email": email, "password": PASSWORD }),
        _ => json!({ "email": email }),
    };
    let url = match path {
        "resend" => "/api/v1/auth/verify-email/resend".to_owned(),
        "forgot" => "/api/v1/auth/forgot-password".to_owned(),
        path => format!("/api/v1/auth/{path}"),
    };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for n in 0..count + 10 {
        let stranger = format!("{path}{n}@example.net");
        let both = [("ada@example.org", true), (stranger.as_str(), false)];
        let order: Vec<_> = if n % 2 == 0 {
            both.into_iter().collect()
        } else {
            both.into_iter().rev().collect()
        };
        for (email, is_known) in order {
            let elapsed = measure(&actor, &url, &body(email)).await;
            // The first ones warm caches and connections up.
            match (n >= 10, is_known) {
                (false, _) => {}
                (true, true) => known.push(elapsed),
                (true, false) => unknown.push(elapsed),
            }
        }
    }
    Samples { known, unknown }
}

#[expect(clippy::print_stdout, reason = "figures for people")]
async fn compare_all(count: usize) -> Vec<(&'static str, Comparison)> {
    let t = start_configured(Scripted::new(), |config| config.mail.smtp_host = "127.0.0.1".to_owned()).await;
    t.anon().register("ada@example.org").await;
    let mut compared = Vec::new();
    for path in ["login", "forgot", "resend", "register"] {
        let comparison = sample(&t, path, count).await.compare();
        println!(
            "{path:9} 2 x {count}: median {:.3} ms known, {:.3} ms unknown; effect size {:+.3}; known slower in {:.1} %",
            comparison.medians_ms.0,
            comparison.medians_ms.1,
            comparison.effect,
            comparison.slower * 100.0
        );
        compared.push((path, comparison));
    }
    compared
}

/// A large effect is 0.8: far below what one more hash would make (more than 5), far above what noise makes of 40.
fn check(compared: &[(&str, Comparison)], most: f64) {
    for (path, comparison) in compared {
        assert!(
            comparison.effect.abs() < most,
            "{path}: effect size {:+.3}",
            comparison.effect
        );
    }
}

#[tokio::test]
async fn the_time_does_not_tell_whether_an_address_is_known() {
    check(&compare_all(40).await, 1.2);
}

/// The figures for a note: `cargo test -p parlor-server --release --test it -- --ignored --nocapture timing`.
#[tokio::test]
#[ignore = "takes a minute; a benchmark"]
async fn timing_figures() {
    check(&compare_all(500).await, 0.5);
}

#[test]
fn a_missing_hash_would_be_seen() {
    let noise = |n: usize| (n * 7919 % 100) as f64 / 50.0;
    let samples = Samples {
        known: (0..40).map(|n| 20.0 + noise(n)).collect(),
        unknown: (0..40).map(|n| 2.0 + noise(n + 3)).collect(),
    };
    assert!(samples.compare().effect > 5.0);
}
