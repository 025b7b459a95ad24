//! `parlor user …`

use std::io::{BufRead, IsTerminal, Write};

use anyhow::Context;

use crate::{control::Task, features::accounts::Status};

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
    /// List the accounts: address, status, role, and whether the address was confirmed.
    List,
    /// Switch an account off. Its sessions end at once; nothing is lost.
    Disable {
        /// Its e-mail address.
        email: String,
    },
    /// Switch an account on again.
    Enable {
        /// Its e-mail address.
        email: String,
    },
    /// Print a link with which the person chooses a new password, once: for servers that send no mail. Whoever has it
    /// has the account, so hand it over with care.
    ResetPasswordLink {
        /// The account's e-mail address.
        email: String,
    },
}

pub(super) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create { email, name } => create(email, name),
        Command::List => super::perform(Task::ListUsers),
        Command::Disable { email } => super::perform(Task::SetUserStatus {
            email,
            status: Status::Locked,
        }),
        Command::Enable { email } => super::perform(Task::SetUserStatus {
            email,
            status: Status::Active,
        }),
        Command::ResetPasswordLink { email } => super::perform(Task::ResetPasswordLink { email }),
    }
}

fn create(email: String, name: Option<String>) -> anyhow::Result<()> {
    let password = read_password()?;
    super::perform(Task::CreateUser { email, password, name })
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
