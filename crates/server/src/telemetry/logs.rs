//! One line per event: JSON for machines, text on a terminal.
//!
//! What is logged is chosen, not filtered: no body, no header, no query string ever reaches a log line, and types that
//! hold a secret print as `[redacted]`.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::{EnvFilter, Layer, fmt::MakeWriter, layer::SubscriberExt, registry, util::SubscriberInitExt};

use crate::config::{Config, LogFormat};

/// Starts logging to standard error.
///
/// # Errors
/// When the filter is not understood, or logging was started before.
pub fn start(config: &Config) -> anyhow::Result<()> {
    let json = match config.telemetry.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let filter = filter(&config.telemetry.log_level)?;
    registry()
        .with(layer(json, std::io::stderr).with_filter(filter))
        .try_init()
        .context("logging was started before")
}

fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    // The migrator announces what we log ourselves.
    EnvFilter::try_new(format!("sea_orm_migration=warn,{level}"))
        .with_context(|| format!("telemetry.log_level: {level}"))
}

/// The layer that writes lines to `writer`.
pub fn layer<S, W>(json: bool, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> registry::LookupSpan<'a> + Send + Sync,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    if json {
        return lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed();
    }
    lines.with_target(false).boxed()
}
