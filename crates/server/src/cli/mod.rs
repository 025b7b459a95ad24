//! The command line: one file per sub-command.

mod config;
mod keys;
mod migrate;
mod models;
mod openapi;
mod serve;
mod tokens;
mod user;

use std::io::Write;

use clap::{Parser, Subcommand};

use crate::{
    config::Config,
    control::{self, Task},
};

/// Multi-user AI chat that remembers, in one binary.
///
/// Without a command it serves. With nothing configured it listens on http://127.0.0.1:8080 and keeps everything in
/// ./data. Settings come from PARLOR_* environment variables and the file or folder that PARLOR_CONFIG names; see
/// `parlor config explain`.
#[derive(Parser)]
#[command(name = "parlor", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the web app and the API (the default).
    Serve,
    /// Bring the database up to date, and exit.
    Migrate,
    /// Check or explain the settings.
    #[command(subcommand)]
    Config(config::Command),
    /// Fetch or list the local models.
    #[command(subcommand)]
    Models(models::Command),
    /// Print the OpenAPI document.
    Openapi,
    /// Rotate the keys that seal what is stored.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Manage accounts.
    #[command(subcommand)]
    User(user::Command),
    /// Tidy up what has expired.
    #[command(subcommand)]
    Tokens(tokens::Command),
}

/// Runs what the command line asks for.
///
/// # Errors
/// With a text for people.
pub fn run() -> anyhow::Result<()> {
    match Cli::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(),
        Command::Migrate => migrate::run(),
        Command::Config(command) => config::run(&command),
        Command::Models(command) => models::run(command),
        Command::Openapi => openapi::run(),
        Command::Keys(command) => keys::run(&command),
        Command::User(command) => user::run(command),
        Command::Tokens(command) => tokens::run(command),
    }
}

/// The settings, with logging started and warnings logged.
fn load() -> anyhow::Result<Config> {
    let loaded = Config::load()?;
    crate::telemetry::logs::start(&loaded.config)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    Ok(loaded.config)
}

/// Runs `work` on the async runtime.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// Has the running server do it, or does it here, and prints what was done.
fn perform(task: Task) -> anyhow::Result<()> {
    let config = load()?;
    print(&block_on(control::run(config, task))?)
}

/// Prints to standard output; a reader that went away is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e.into()),
        _ => Ok(()),
    }
}
