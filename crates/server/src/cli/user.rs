//! `parlor user …`

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, bail};

use crate::{
    app::{App, Overrides},
    features::accounts::{self, NewAccount, Registered, Status},
    http,
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
        Command::List => list(),
        Command::Disable { email } => set_status(&email, Status::Locked),
        Command::Enable { email } => set_status(&email, Status::Active),
        Command::ResetPasswordLink { email } => reset_password_link(&email),
    }
}

fn create(email: String, name: Option<String>) -> anyhow::Result<()> {
    let config = super::load()?;
    let password = read_password()?;
    let account = NewAccount {
        email,
        password,
        display_name: name,
        locale: crate::ui::LOCALES[0].code.to_owned(),
        ..NewAccount::default()
    };
    if let Err(wrong) = account.check(&config) {
        let sentences: Vec<String> = wrong
            .iter()
            .map(|field| format!("{}: {}", field.field, field.message))
            .collect();
        bail!("{}", sentences.join(" "));
    }
    super::block_on(async {
        let app = App::start(config, Overrides::default()).await?;
        let registered = accounts::register(&app, account).await.map_err(readable)?;
        app.stopping.cancel();
        match registered {
            Registered::New(id) => super::print(&format!("Created {id}.")),
            Registered::Known => bail!("this address has an account already"),
        }
    })
}

fn list() -> anyhow::Result<()> {
    super::with_app(async |app| {
        let mut after = None;
        loop {
            let page = accounts::page_of_all(app, after, 500).await.map_err(readable)?;
            for user in &page {
                let confirmed = if user.email_verified_at.is_some() {
                    "confirmed"
                } else {
                    "unconfirmed"
                };
                super::print(&format!("{}\t{}\t{}\t{confirmed}", user.email, user.status, user.role))?;
            }
            match page.last() {
                Some(last) => after = Some(last.id),
                None => return Ok(()),
            }
        }
    })
}

fn set_status(email: &str, status: Status) -> anyhow::Result<()> {
    super::with_app(async |app| {
        let user = accounts::by_email(app, email).await.map_err(readable)?;
        accounts::set_status(app, user.id, status, None)
            .await
            .map_err(readable)?;
        super::print(&format!("{} is {}.", user.email, status.as_str()))
    })
}

fn reset_password_link(email: &str) -> anyhow::Result<()> {
    super::with_app(async |app| {
        let user = accounts::by_email(app, email).await.map_err(readable)?;
        let link = accounts::reset_link(app, &user).await.map_err(readable)?;
        let minutes = app.config.accounts.reset_token_minutes;
        super::print(&format!("{link}\nIt works once, for {minutes} minutes."))
    })
}

fn readable(error: http::Error) -> anyhow::Error {
    match error.cause() {
        Some(cause) => anyhow::anyhow!("{} ({cause:#})", error.detail()),
        None => anyhow::anyhow!("{}", error.detail()),
    }
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
