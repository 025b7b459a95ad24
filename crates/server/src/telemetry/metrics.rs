//! Prometheus metrics. Names and labels stand here, so that the set of values stays small.

use std::{sync::OnceLock, time::Duration};

use axum::http::{Method, StatusCode};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

const SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts counting; again is without effect.
pub fn start() {
    HANDLE.get_or_init(|| {
        let handle = PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            .ok()?
            .install_recorder()
            .ok()?;
        describe();
        Some(handle)
    });
}

fn describe() {
    describe_counter!(
        "parlor_http_requests_total",
        "Requests answered, by method, route and status."
    );
    describe_histogram!(
        "parlor_http_request_duration_seconds",
        "Time to the first byte of the answer, by route."
    );
    describe_counter!("parlor_generations_total", "Answers ended, by how they ended.");
    describe_gauge!("parlor_generations_running", "Answers being written.");
    describe_histogram!(
        "parlor_generation_first_token_seconds",
        "Time from the request to the model's first token."
    );
    describe_counter!("parlor_generation_tokens_total", "Tokens, by direction.");
    describe_histogram!(
        "parlor_log_commit_seconds",
        "Time of one durable write of the text of all running answers."
    );
    describe_counter!("parlor_logins_total", "Logins, by outcome.");
    describe_counter!("parlor_api_key_refusals_total", "API keys refused, by reason.");
    describe_counter!(
        "parlor_token_refreshes_total",
        "Refresh tokens presented, by outcome: exchanged, repeated, reused or refused."
    );
    describe_counter!(
        "parlor_step_ups_total",
        "Proofs within a session, by method and outcome."
    );
    describe_counter!(
        "parlor_memories_learned_total",
        "Memories stored from what people said."
    );
    describe_histogram!(
        "parlor_memory_recall_seconds",
        "Time to find the memories for one answer."
    );
    describe_counter!("parlor_sessions_ended_total", "Sessions ended before their time.");
    describe_gauge!("parlor_streams_open", "Streams that somebody reads on this node.");
    describe_counter!(
        "parlor_throttled_total",
        "Tries refused because there were too many, by limit."
    );
    describe_counter!("parlor_tokens_purged_total", "Expired or used rows removed, by table.");
    describe_counter!("parlor_jobs_total", "Background jobs run, by kind and outcome.");
}

/// The text that a Prometheus server reads.
#[must_use]
pub fn render() -> String {
    let handle = HANDLE.get().and_then(Option::as_ref);
    handle
        .map(|handle| {
            handle.run_upkeep();
            handle.render()
        })
        .unwrap_or_default()
}

pub fn request(method: &Method, route: &str, status: StatusCode, elapsed: Duration) {
    let method = known(method);
    let route = route.to_owned();
    counter!("parlor_http_requests_total", "method" => method, "route" => route.clone(), "status" => status.as_str().to_owned()).increment(1);
    histogram!("parlor_http_request_duration_seconds", "route" => route).record(elapsed);
}

/// A client can invent methods; a label must not follow.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

pub fn generation_started() {
    gauge!("parlor_generations_running").increment(1);
}

pub fn generation_ended(status: &'static str, input_tokens: u32, output_tokens: u32) {
    gauge!("parlor_generations_running").decrement(1);
    counter!("parlor_generations_total", "status" => status).increment(1);
    counter!("parlor_generation_tokens_total", "direction" => "input").increment(input_tokens.into());
    counter!("parlor_generation_tokens_total", "direction" => "output").increment(output_tokens.into());
}

pub fn first_token(elapsed: Duration) {
    histogram!("parlor_generation_first_token_seconds").record(elapsed);
}

pub fn log_commit(elapsed: Duration) {
    histogram!("parlor_log_commit_seconds").record(elapsed);
}

pub fn login(outcome: &'static str) {
    counter!("parlor_logins_total", "outcome" => outcome).increment(1);
}

pub fn token_refresh(outcome: &'static str) {
    counter!("parlor_token_refreshes_total", "outcome" => outcome).increment(1);
}

pub fn step_up(method: &'static str, outcome: &'static str) {
    counter!("parlor_step_ups_total", "method" => method, "outcome" => outcome).increment(1);
}

pub fn sessions_ended(count: usize) {
    counter!("parlor_sessions_ended_total").increment(u64::try_from(count).unwrap_or(u64::MAX));
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; nobody counts that far")]
pub fn open_streams(count: usize) {
    gauge!("parlor_streams_open").set(count as f64);
}

pub fn api_key_refused(reason: &'static str) {
    counter!("parlor_api_key_refusals_total", "reason" => reason).increment(1);
}

pub fn memories_learned(count: usize) {
    counter!("parlor_memories_learned_total").increment(u64::try_from(count).unwrap_or(u64::MAX));
}

pub fn recall(elapsed: Duration) {
    histogram!("parlor_memory_recall_seconds").record(elapsed);
}

pub fn throttled(limit: &'static str) {
    counter!("parlor_throttled_total", "limit" => limit).increment(1);
}

pub fn tokens_purged(table: &'static str, count: u64) {
    counter!("parlor_tokens_purged_total", "table" => table).increment(count);
}

pub fn job(kind: &'static str, outcome: &'static str) {
    counter!("parlor_jobs_total", "kind" => kind, "outcome" => outcome).increment(1);
}
