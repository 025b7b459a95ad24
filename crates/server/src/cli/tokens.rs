//! `parlor tokens purge`

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Remove expired tokens, challenges and sessions now, and print how many there were. A running server does it once
    /// a day by itself.
    Purge,
}

pub(super) fn run(command: Command) -> anyhow::Result<()> {
    let Command::Purge = command;
    super::perform(crate::control::Task::PurgeTokens)
}
