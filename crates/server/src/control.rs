//! What an operator has done by the command line, also while the server runs.
//!
//! A running server holds its SQLite file alone, and its caches must learn of every change. So a command is sent to it
//! through a socket in the data folder, which only the server's own user can open; without a running server the command
//! opens the database itself.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde::{Deserialize, Serialize};
use tokio::net::{UnixListener, UnixStream};

use crate::{
    app::{App, Overrides},
    config::Config,
    features::accounts::{self, NewAccount, Registered, Status},
    http,
};

/// A command of the operator.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Wrap the data keys with a new master key.
    RotateKeys,
    /// Make an account.
    CreateUser {
        email: String,
        password: String,
        name: Option<String>,
    },
    /// Every account: address, state, role.
    ListUsers,
    /// Shut an account or open it again.
    SetUserStatus { email: String, status: Status },
    /// A link that sets a new password, for installs without mail.
    ResetPasswordLink { email: String },
    /// Remove expired tokens, challenges and sessions.
    PurgeTokens,
}

impl Task {
    /// Does it, and says what was done.
    ///
    /// # Errors
    /// With a sentence for the operator.
    pub async fn perform(self, app: &App) -> anyhow::Result<String> {
        match self {
            Self::RotateKeys => rotate_keys(app).await,
            Self::CreateUser { email, password, name } => create_user(app, email, password, name).await,
            Self::ListUsers => list_users(app).await,
            Self::SetUserStatus { email, status } => set_user_status(app, &email, status).await,
            Self::ResetPasswordLink { email } => reset_password_link(app, &email).await,
            Self::PurgeTokens => purge_tokens(app).await,
        }
    }
}

async fn rotate_keys(app: &App) -> anyhow::Result<String> {
    let rotated = app.vault.rotate().await?;
    tracing::info!(
        rotated.master_key_id,
        rotated.rewrapped,
        "data keys were wrapped with the current master key"
    );
    Ok(format!(
        "{} data keys are now wrapped with master key {}. Back up the new key; earlier backups still need the old one.",
        rotated.rewrapped, rotated.master_key_id
    ))
}

async fn create_user(app: &App, email: String, password: String, name: Option<String>) -> anyhow::Result<String> {
    let account = NewAccount {
        email,
        password,
        display_name: name,
        locale: crate::ui::LOCALES[0].code.to_owned(),
        ..NewAccount::default()
    };
    if let Err(wrong) = account.check(&app.config) {
        let sentences: Vec<String> = wrong
            .iter()
            .map(|field| format!("{}: {}", field.field, field.message))
            .collect();
        bail!("{}", sentences.join(" "));
    }
    match accounts::register(app, account).await {
        Ok(Registered::New(id)) => Ok(format!("Created {id}.")),
        Ok(Registered::Known) => bail!("this address has an account already"),
        Err(error) => Err(readable(error)),
    }
}

async fn list_users(app: &App) -> anyhow::Result<String> {
    let mut lines = String::new();
    let mut after = None;
    loop {
        let page = accounts::page_of_all(app, after, 500).await.map_err(readable)?;
        for user in &page {
            let confirmed = if user.email_verified_at.is_some() {
                "confirmed"
            } else {
                "unconfirmed"
            };
            lines += &format!("{}\t{}\t{}\t{confirmed}\n", user.email, user.status, user.role);
        }
        match page.last() {
            Some(last) => after = Some(last.id),
            None => return Ok(lines),
        }
    }
}

async fn set_user_status(app: &App, email: &str, status: Status) -> anyhow::Result<String> {
    let user = accounts::by_email(app, email).await.map_err(readable)?;
    accounts::set_status(app, user.id, status, None)
        .await
        .map_err(readable)?;
    Ok(format!("{} is {}.", user.email, status.as_str()))
}

async fn reset_password_link(app: &App, email: &str) -> anyhow::Result<String> {
    let user = accounts::by_email(app, email).await.map_err(readable)?;
    let link = accounts::reset_link(app, &user).await.map_err(readable)?;
    let minutes = app.config.accounts.reset_token_minutes;
    Ok(format!("{link}\nIt works once, for {minutes} minutes."))
}

async fn purge_tokens(app: &App) -> anyhow::Result<String> {
    let purged = accounts::purge(app).await.map_err(readable)?;
    let lines: String = purged
        .iter()
        .map(|(table, count)| format!("{table}: {count}\n"))
        .collect();
    let total: u64 = purged.iter().map(|(_, count)| count).sum();
    Ok(format!("{lines}total: {total}"))
}

fn readable(error: http::Error) -> anyhow::Error {
    match error.cause() {
        Some(cause) => anyhow::anyhow!("{} ({cause:#})", error.detail()),
        None => anyhow::anyhow!("{}", error.detail()),
    }
}

fn socket(config: &Config) -> PathBuf {
    config.data_dir.join("control.sock")
}

/// Listens for commands until the server stops. A server that cannot listen still serves.
pub async fn listen(app: &App) {
    let path = socket(&app.config);
    match bind(&path).await {
        Ok(listener) => {
            let service = Router::new().route("/", post(handle)).with_state(app.clone());
            let stopping = app.stopping.clone();
            app.spawn(async move {
                let stopped = async move { stopping.cancelled().await };
                let served = axum::serve(listener, service).with_graceful_shutdown(stopped).await;
                if let Err(error) = served {
                    tracing::error!(%error, "the control socket failed");
                }
                let _ = fs::remove_file(&path);
            });
        }
        Err(error) => tracing::warn!(
            error = format!("{error:#}"),
            "no control socket: commands such as `parlor keys rotate` need this server stopped"
        ),
    }
}

async fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    if UnixStream::connect(path).await.is_ok() {
        bail!("another server has {}", path.display());
    }
    // Left behind by a server that was killed.
    let _ = fs::remove_file(path);
    let listener = UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn handle(State(app): State<App>, Json(task): Json<Task>) -> (StatusCode, String) {
    match task.perform(&app).await {
        Ok(done) => (StatusCode::OK, done),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, format!("{error:#}")),
    }
}

/// Has the running server do it, or does it here when none runs.
///
/// # Errors
/// With a sentence for the operator.
pub async fn run(config: Config, task: Task) -> anyhow::Result<String> {
    let path = socket(&config);
    if UnixStream::connect(&path).await.is_ok() {
        return send(&path, &task).await;
    }
    let app = App::start(config, Overrides::default()).await?;
    let done = task.perform(&app).await;
    app.stopping.cancel();
    done
}

async fn send(path: &Path, task: &Task) -> anyhow::Result<String> {
    crate::install_tls();
    let client = reqwest::ClientBuilder::new().unix_socket(path).build()?;
    let response = client
        .post("http://parlor/")
        .json(task)
        .send()
        .await
        .context("the running server did not answer")?;
    let accepted = response.status().is_success();
    let text = response.text().await?;
    if accepted { Ok(text) } else { bail!("{text}") }
}
