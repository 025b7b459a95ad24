//! A GitHub to sign in at: a local server that speaks its protocol, installed by `scripts/peers`.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::process::Child;

use crate::process::{free_port, http_client, wait_until_ok};

/// It ends when dropped.
pub struct GitHub {
    _child: Child,
    _folder: TempDir,
    url: String,
}

impl GitHub {
    /// Starts one that knows an app of the Parlor at `site`, and a person called `octocat`.
    ///
    /// # Errors
    /// When the peers are not installed or it does not come up.
    pub async fn start(site: &str) -> Result<Self> {
        let peers = PathBuf::from(std::env::var_os("PARLOR_TEST_PEERS").context(
            "no sign-in provider to run: `export PARLOR_TEST_PEERS=$(scripts/peers)` first, or run scripts/test",
        )?);
        let folder = tempfile::tempdir()?;
        let callback = format!("{site}/api/v1/auth/oauth/github/callback");
        let seed = format!(
            "github: {{users: [{{login: octocat, name: Octo Cat, email: octocat@example.com}}], oauth_apps: \
             [{{client_id: gh-id, client_secret: gh-secret, name: Parlor, redirect_uris: [\"{callback}\"]}}]}}\n"
        );
        std::fs::write(folder.path().join("seed.yaml"), seed)?;
        // Modules are found upwards from the folder it runs in.
        std::os::unix::fs::symlink(peers.join("node_modules"), folder.path().join("node_modules"))?;
        let port = free_port()?;
        let mut command = Command::new(peers.join("node"));
        command
            .args([
                "node_modules/emulate/dist/index.js",
                "start",
                "--service",
                "github",
                "--seed",
                "seed.yaml",
            ])
            .args(["--port", &port.to_string()])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = tokio::process::Command::from(command)
            .kill_on_drop(true)
            .spawn()
            .context("starting the provider")?;
        let url = format!("http://localhost:{port}");
        wait_until_ok(
            &http_client()?,
            &format!("{url}/users/octocat"),
            Duration::from_secs(30),
        )
        .await?;
        Ok(Self {
            _child: child,
            _folder: folder,
            url,
        })
    }

    /// What lets people of a Parlor sign in here.
    #[must_use]
    pub fn settings(&self) -> [(&str, &str); 4] {
        [
            ("GITHUB_CLIENT_ID", "gh-id"),
            ("GITHUB_CLIENT_SECRET", "gh-secret"),
            ("PARLOR_OAUTH_GITHUB_URL", &self.url),
            ("PARLOR_OAUTH_GITHUB_API_URL", &self.url),
        ]
    }
}
