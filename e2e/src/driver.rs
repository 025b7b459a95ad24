//! The program that drives the browser: chromedriver on a free port.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::process::{Child, Command};

use crate::process::{free_port, http_client, wait_until_ok};

/// Names under which a Chromium is found, in order of preference.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A running chromedriver. It is killed when dropped; close its sessions first, or their browsers stay.
pub struct Driver {
    url: String,
    _child: Child,
}

impl Driver {
    /// Starts chromedriver and returns once it accepts sessions.
    ///
    /// # Errors
    /// When it is not installed or does not come up.
    pub async fn start() -> Result<Self> {
        let port = free_port()?;
        let child = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("starting chromedriver (`make setup` installs it)")?;
        let url = format!("http://127.0.0.1:{port}");
        wait_until_ok(&http_client()?, &format!("{url}/status"), Duration::from_secs(20)).await?;
        Ok(Self { url, _child: child })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// The browser to drive: `CHROME`, or the first known name found in `PATH`.
///
/// # Errors
/// When there is none.
pub fn find_browser() -> Result<String> {
    if let Ok(browser) = std::env::var("CHROME") {
        return Ok(browser);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    BROWSERS
        .iter()
        .find_map(|name| {
            folders
                .iter()
                .map(|folder| folder.join(name))
                .find(|path| path.is_file())
        })
        .map(|path| path.display().to_string())
        .context("no browser found: `make setup` installs one, or name one with CHROME")
}
