//! A real mail server in a process of its own, and what it took.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

/// It ends when dropped.
pub struct Mailbox {
    child: Child,
    folder: TempDir,
    port: String,
}

impl Mailbox {
    /// Starts the server that `scripts/mail-server` fetches.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/mail-server");
        let mut child = Command::new(script)
            .arg("run")
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting scripts/mail-server")?;
        let mut line = String::new();
        let output = child.stdout.take().context("it has no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let port = line
            .trim()
            .strip_prefix("port ")
            .context("it named no port")?
            .to_owned();
        Ok(Self { child, folder, port })
    }

    /// What makes a Parlor send its mail here.
    #[must_use]
    pub fn settings(&self) -> [(&str, &str); 2] {
        [("SMTP_HOST", "127.0.0.1"), ("SMTP_PORT", &self.port)]
    }

    /// The first link in the newest mail to `recipient` whose text contains `words`, once there is one.
    ///
    /// # Errors
    /// When there is none within 20 s.
    pub async fn link(&self, recipient: &str, words: &str) -> Result<String> {
        let start = Instant::now();
        loop {
            let found = self
                .mails()?
                .into_iter()
                .rev()
                .find_map(|mail| link_of(&mail, recipient, words));
            if let Some(link) = found {
                return Ok(link);
            }
            if start.elapsed() > Duration::from_secs(20) {
                bail!("no mail to {recipient} with {words:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn mails(&self) -> Result<Vec<Value>> {
        let read = |n: usize| std::fs::read_to_string(self.folder.path().join(format!("{n}.json"))).ok();
        let texts = (1..).map_while(read);
        texts.map(|text| Ok(serde_json::from_str(&text)?)).collect()
    }
}

fn link_of(mail: &Value, recipient: &str, words: &str) -> Option<String> {
    let text = mail["text"].as_str()?;
    if !mail.to_string().contains(recipient) || !text.contains(words) {
        return None;
    }
    text.split_whitespace()
        .find(|word| word.starts_with("http"))
        .map(str::to_owned)
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
