//! `parlor tokens purge`

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Remove expired tokens, challenges and sessions now, and print how many there were. A running server does it once
    /// a day by itself.
    Purge,
}

pub(super) fn run(command: Command) -> anyhow::Result<()> {
    let Command::Purge = command;
    super::with_app(async |app| {
        let purged = crate::features::accounts::purge(app)
            .await
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        for (table, count) in &purged {
            super::print(&format!("{table}: {count}"))?;
        }
        let total: u64 = purged.iter().map(|(_, count)| count).sum();
        super::print(&format!("total: {total}"))
    })
}
