//! `parlor user create`

use std::io::{BufRead, IsTerminal, Write};

use anyhow::Context;

use crate::control::{self, Task};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make an account. The password is read from standard input, so that it stands in no process list.
    Create {
        /// E-mail address; the person logs in with it.
        email: String,
        /// How the person is called.
        #[arg(long)]
        name: Option<String>,
    },
}

pub(super) fn run(command: Command) -> anyhow::Result<()> {
    let Command::Create { email, name } = command;
    let config = super::load()?;
    let password = read_password()?;
    let task = Task::CreateUser { email, password, name };
    super::print(&super::block_on(control::run(config, task))?)
}

fn read_password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        write!(std::io::stderr(), "Password: ")?;
        std::io::stderr().flush()?;
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("cannot read the password")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
