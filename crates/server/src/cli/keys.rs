//! `parlor keys rotate`

use crate::control::Task;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Seal with a new master key from now on: makes one, wraps every data key with it, and drops the old one from
    /// master.key. Works while the server runs. Where PARLOR_SECRETS_MASTER_KEY holds the key: write the new key there
    /// and the old one into PARLOR_SECRETS_PREVIOUS_MASTER_KEYS, restart, then run this.
    Rotate,
}

pub(super) fn run(command: &Command) -> anyhow::Result<()> {
    let Command::Rotate = command;
    super::perform(Task::RotateKeys)
}
