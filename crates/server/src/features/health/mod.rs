//! Whether this node lives, is ready, and is well; and its metrics.

use std::{net::SocketAddr, time::Instant};

use axum::{
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use parlor_llm::models::{Status, Store, catalog};
use serde::Serialize;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    features::{generations::LocalModel, memories::Embedding},
    http::{Error, Json, Result},
    mail::Delivery,
    telemetry::metrics,
};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(live))
        .routes(routes!(ready))
        .routes(routes!(health))
        .routes(routes!(prometheus))
}

/// The process runs.
#[utoipa::path(get, path = "/live", tag = "Operations", security(()), responses((status = 200, body = String)))]
async fn live() -> &'static str {
    "ok\n"
}

#[derive(Serialize, ToSchema)]
struct Ready {
    ready: bool,
    /// What is still loading, or has failed.
    waiting_for: Vec<String>,
    /// Local models whose weights are not here; without them the server works in a smaller way.
    missing_models: Vec<String>,
}

/// Migrations ran, and what is configured has loaded. Missing local models are named and do not make it 503.
#[utoipa::path(get, path = "/ready", tag = "Operations", security(()),
    responses((status = 200, body = Ready), (status = 503, body = Ready)))]
async fn ready(State(app): State<App>) -> Response {
    let mut waiting_for = Vec::new();
    if let Some(state) = not_loaded(&app) {
        waiting_for.push(state);
    }
    if app.db.ping().await.is_err() {
        waiting_for.push("database".to_owned());
    }
    if app.stopping.is_cancelled() {
        waiting_for.push("the server is stopping".to_owned());
    }
    let ready = waiting_for.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(Ready {
            ready,
            waiting_for,
            missing_models: missing_models(&app),
        }),
    )
        .into_response()
}

fn not_loaded(app: &App) -> Option<String> {
    match (app.models.local(), app.memories.embedding()) {
        (LocalModel::Loading, _) => Some("the local chat model is loading".to_owned()),
        (LocalModel::Failed(error), _) => Some(format!("the local chat model failed to load: {error}")),
        (_, Embedding::Loading) => Some("the embedding model is loading".to_owned()),
        (_, Embedding::Failed(error)) => Some(format!("the embedding model failed to load: {error}")),
        _ => None,
    }
}

fn missing_models(app: &App) -> Vec<String> {
    let store = Store::new(&app.config.models.dir);
    let needed = |kind| kind == parlor_llm::models::Kind::Embedding || app.models.is_local();
    let missing = catalog()
        .iter()
        .filter(|spec| needed(spec.kind) && store.status(spec) != Status::Present);
    missing.map(|spec| spec.id.to_owned()).collect()
}

#[derive(Serialize, ToSchema)]
struct Health {
    /// `healthy`, or `degraded` when a component is unhealthy.
    status: &'static str,
    version: &'static str,
    uptime_s: u64,
    /// Resident memory of this process in bytes.
    memory_bytes: Option<u64>,
    components: Vec<Component>,
}

#[derive(Serialize, ToSchema)]
struct Component {
    name: &'static str,
    /// `healthy`, `unhealthy` or `disabled`.
    status: &'static str,
    latency_ms: Option<f64>,
    detail: Option<&'static str>,
}

/// How each component is. 503 when one is unhealthy.
#[utoipa::path(get, path = "/health", tag = "Operations", security(()),
    responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn health(State(app): State<App>) -> Response {
    let components = vec![
        database(&app).await,
        chat_model(&app),
        embedding_model(&app),
        mail(&app),
    ];
    let well = components.iter().all(|component| component.status != "unhealthy");
    let body = Health {
        status: if well { "healthy" } else { "degraded" },
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: app.started.elapsed().as_secs(),
        memory_bytes: resident_memory(),
        components,
    };
    let status = if well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(body)).into_response()
}

async fn database(app: &App) -> Component {
    let started = Instant::now();
    let answers = app.db.ping().await.is_ok();
    Component {
        name: "database",
        status: if answers { "healthy" } else { "unhealthy" },
        latency_ms: Some(started.elapsed().as_secs_f64() * 1000.0),
        detail: Some(if app.db.is_exclusive() { "SQLite" } else { "PostgreSQL" }),
    }
}

fn chat_model(app: &App) -> Component {
    let (status, detail) = match app.models.local() {
        _ if !app.models.is_local() => ("healthy", "an OpenAI-compatible server is configured"),
        LocalModel::Ready(_) => ("healthy", "the local model answers"),
        LocalModel::Loading => ("healthy", "the local model is loading"),
        LocalModel::Failed(_) => ("unhealthy", "the local model could not be loaded; the log says why"),
        LocalModel::Missing => (
            "disabled",
            "no weights: run `parlor models pull`, or set OPENAI_BASE_URL",
        ),
        LocalModel::Unused => ("disabled", "this binary has no local model: set OPENAI_BASE_URL"),
    };
    Component {
        name: "chat_model",
        status,
        latency_ms: None,
        detail: Some(detail),
    }
}

fn embedding_model(app: &App) -> Component {
    let (status, detail) = match app.memories.embedding() {
        Embedding::Ready(_) => ("healthy", "memories are found by words and meaning"),
        Embedding::Loading => ("healthy", "loading"),
        Embedding::Failed(_) => ("unhealthy", "it could not be loaded; the log says why"),
        Embedding::Missing => (
            "disabled",
            "no weights: memories are found by words alone; run `parlor models pull`",
        ),
    };
    Component {
        name: "embedding_model",
        status,
        latency_ms: None,
        detail: Some(detail),
    }
}

fn mail(app: &App) -> Component {
    let (status, detail) = match app.mailer.delivery() {
        Delivery::Works => ("healthy", "the last mail was handed over, or none was due yet"),
        Delivery::Fails => (
            "unhealthy",
            "the mail server takes no mail; the log and the outbox say why",
        ),
        Delivery::Off => ("disabled", "no mail server: mail stays in the outbox; set SMTP_HOST"),
    };
    Component {
        name: "mail",
        status,
        latency_ms: None,
        detail: Some(detail),
    }
}

/// From Linux's `/proc`; elsewhere unknown.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Prometheus metrics: for this machine, or with the token of `telemetry.metrics_token`.
#[utoipa::path(get, path = "/metrics", tag = "Operations", security(()),
    responses((status = 200, content_type = "text/plain", body = String), (status = 404)))]
async fn prometheus(
    State(app): State<App>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Result<Response> {
    let token = app.config.telemetry.metrics_token.expose();
    let allowed = if token.is_empty() {
        // A proxy on this machine speaks for somebody elsewhere.
        let forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded");
        !forwarded && peer.is_some_and(|peer| peer.0.0.ip().is_loopback())
    } else {
        let given = headers
            .get(header::AUTHORIZATION)
            .map(|value| value.as_bytes())
            .unwrap_or_default();
        given.ct_eq(format!("Bearer {token}").as_bytes()).into()
    };
    if !allowed {
        return Err(Error::not_found());
    }
    Ok((
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        metrics::render(),
    )
        .into_response())
}
