//! `parlor user create` and `parlor user reset-factors`

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, bail};

use crate::{
    app::{App, Overrides},
    features::{
        accounts::{self, NewAccount, Registered},
        second_factors,
    },
};

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
    /// Take the second factors of somebody who lost them, and end their sessions. They log in with the password alone.
    ResetFactors {
        /// E-mail address of the account.
        email: String,
    },
}

pub(super) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create { email, name } => create(email, name),
        Command::ResetFactors { email } => reset_factors(&email),
    }
}

fn reset_factors(email: &str) -> anyhow::Result<()> {
    let config = super::load()?;
    super::block_on(async {
        let app = App::start(config, Overrides::default()).await?;
        let failed = |e: crate::http::Error| anyhow::anyhow!("{}", e.detail());
        let user = accounts::find_by_email(&app, email).await.map_err(failed)?;
        let user = user.with_context(|| format!("no account has the address {email}"))?;
        let removed = second_factors::reset(&app, &user).await.map_err(failed)?;
        app.stopping.cancel();
        super::print(&format!(
            "Removed {removed} second factors and ended all sessions of {email}."
        ))
    })
}

fn create(email: String, name: Option<String>) -> anyhow::Result<()> {
    let config = super::load()?;
    let locale = crate::ui::LOCALES[0].code.to_owned();
    let password = read_password()?;
    let account = NewAccount {
        email,
        password,
        display_name: name,
        full_name: None,
        locale,
    };
    if let Err(wrong) = account.check(config.passwords.min_length) {
        let sentences: Vec<String> = wrong
            .iter()
            .map(|field| format!("{}: {}", field.field, field.message))
            .collect();
        bail!("{}", sentences.join(" "));
    }
    super::block_on(async {
        let app = App::start(config, Overrides::default()).await?;
        let registered = accounts::register(&app, account)
            .await
            .map_err(|e| anyhow::anyhow!("{}", e.detail()))?;
        app.stopping.cancel();
        match registered {
            Registered::New(id) => super::print(&format!("Created {id}.")),
            Registered::Known => bail!("this address has an account already"),
        }
    })
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
