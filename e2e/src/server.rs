//! A Parlor of one's own: the built program, a temporary data folder, a free port.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::process::{free_port, http_client, wait_until_ok};

/// How long a start may take, with migrations and models, on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Settings of the caller that the server keeps; everything else in the environment is taken away, so that a
/// developer's own settings do not change what a journey proves.
const INHERITED: [&str; 6] = [
    "PATH",
    "HOME",
    "XDG_CACHE_HOME",
    "LANG",
    "PARLOR_MODELS_DIR",
    "RUST_BACKTRACE",
];

/// A running server. It is killed when dropped, and its data goes with it.
pub struct Parlor {
    binary: PathBuf,
    port: u16,
    data: TempDir,
    settings: Vec<(String, String)>,
    child: Child,
}

impl Parlor {
    /// Starts the program that `PARLOR_BIN` names, or the one built beside this executable, with these settings in
    /// its environment, and returns once `/live` answers.
    ///
    /// # Errors
    /// When there is no such program or it does not come up; the text ends with what it logged.
    pub async fn start(settings: &[(&str, &str)]) -> Result<Self> {
        let binary = find_binary()?;
        let data = tempfile::Builder::new().prefix("parlor-e2e-").tempdir()?;
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let port = free_port()?;
        let child = launch(&binary, port, data.path(), &settings)?;
        let mut parlor = Self {
            binary,
            port,
            data,
            settings,
            child,
        };
        parlor.wait_until_live().await?;
        Ok(parlor)
    }

    /// Where it listens, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends the process at once, as a power cut would (SIGKILL): nothing gets a chance to clean up.
    ///
    /// # Errors
    /// When the process cannot be signalled.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("killing parlor")
    }

    /// Adds settings for the next start.
    pub fn configure(&mut self, settings: &[(&str, &str)]) {
        let added = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.settings.extend(added);
    }

    /// Starts it again on the same port and data; returns the time until `/live` answered.
    ///
    /// # Errors
    /// As [`Parlor::start`].
    pub async fn restart(&mut self) -> Result<Duration> {
        self.child = launch(&self.binary, self.port, self.data.path(), &self.settings)?;
        self.wait_until_live().await
    }

    /// Everything it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_path(self.data.path())).unwrap_or_default()
    }

    async fn wait_until_live(&mut self) -> Result<Duration> {
        let http = http_client()?;
        let live = format!("{}/live", self.url());
        tokio::select! {
            waited = wait_until_ok(&http, &live, START_LIMIT) => waited.with_context(|| format!("its log:\n{}", self.log())),
            status = self.child.wait() => Err(anyhow!("parlor ended with {}; its log:\n{}", status?, self.log())),
        }
    }
}

fn launch(binary: &Path, port: u16, data: &Path, settings: &[(String, String)]) -> Result<Child> {
    let log = File::options().create(true).append(true).open(log_path(data))?;
    let inherited = INHERITED
        .iter()
        .filter_map(|name| Some((*name, std::env::var_os(name)?)));
    Command::new(binary)
        .arg("serve")
        .env_clear()
        .envs(inherited.collect::<Vec<(&str, OsString)>>())
        .env("PARLOR_BIND", format!("127.0.0.1:{port}"))
        .env("PARLOR_DATA_DIR", data.join("data"))
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("starting {}", binary.display()))
}

fn log_path(data: &Path) -> PathBuf {
    data.join("parlor.log")
}

/// The program under test: `PARLOR_BIN`, or `parlor` in the folder of this executable or the one above (test programs
/// live in `deps/`).
fn find_binary() -> Result<PathBuf> {
    if let Some(binary) = std::env::var_os("PARLOR_BIN") {
        return std::path::absolute(binary).context("PARLOR_BIN");
    }
    let here = std::env::current_exe()?;
    let beside = here.ancestors().skip(1).take(2).map(|folder| folder.join("parlor"));
    beside
        .into_iter()
        .find(|path| path.is_file())
        .context("no parlor to run: build it with `cargo build -p parlor-server`, or name one with PARLOR_BIN")
}
