//! `parlor config check`, `parlor config explain`

use crate::config::{self, Config};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Report every problem of the settings at once.
    Check,
    /// Say what a setting is, what it does and where it came from; without a name, for all.
    Explain {
        /// Path of the setting, such as `sessions.idle_days`.
        key: Option<String>,
    },
    /// Print a commented `.env` file of all settings with their defaults.
    Env,
}

pub(super) fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Check => check(),
        Command::Explain { key: Some(key) } => {
            let explained = Config::load()?.explain(key).map_err(anyhow::Error::msg)?;
            super::print(&explained)
        }
        Command::Explain { key: None } => super::print(&Config::load()?.explain_all()),
        Command::Env => super::print(&config::env_example()),
    }
}

fn check() -> anyhow::Result<()> {
    let loaded = Config::load();
    super::print(&config::render_check(&loaded))?;
    match loaded {
        Ok(_) => Ok(()),
        Err(_) => anyhow::bail!("the settings have problems"),
    }
}
