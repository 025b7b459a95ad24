//! A real mail server, in a process of its own.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use parlor_server::config::{Config, SmtpTls};
use serde_json::Value;
use tempfile::TempDir;

use super::until;

pub struct MailServer {
    process: Child,
    folder: TempDir,
    pub port: u16,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl MailServer {
    pub fn start() -> Self {
        Self::run(&[])
    }

    /// Takes mail over STARTTLS alone.
    pub fn start_with_tls() -> Self {
        Self::run(&["--tls"])
    }

    fn run(arguments: &[&str]) -> Self {
        assert!(
            std::env::var_os("PARLOR_TEST_MAIL_SERVER").is_some(),
            "this test needs a mail server: run `export PARLOR_TEST_MAIL_SERVER=$(scripts/mail-server fetch)` first, \
             or run scripts/test"
        );
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/mail-server");
        let mut process = Command::new(script)
            .arg("run")
            .arg(folder.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line.trim().strip_prefix("port ").unwrap_or_else(|| panic!("{line:?}"));
        Self {
            port: port.parse().unwrap(),
            process,
            folder,
        }
    }

    /// Lets a Parlor send its mail here.
    pub fn configure(&self, config: &mut Config) {
        config.mail.smtp_host = "127.0.0.1".to_owned();
        config.mail.smtp_port = self.port;
        config.mail.smtp_tls = SmtpTls::Auto;
        config.mail.from = "Parlor Tést <parlor@mail.example>".to_owned();
    }

    /// The mails that were taken, as its parser understands them, in order.
    pub fn mails(&self) -> Vec<Value> {
        let read = |n: usize| std::fs::read_to_string(self.folder.path().join(format!("{n}.json"))).ok();
        (1..)
            .map_while(read)
            .map(|text| serde_json::from_str(&text).unwrap())
            .collect()
    }

    /// Waits until so many mails were taken.
    pub async fn taken(&self, count: usize) -> Vec<Value> {
        until(&format!("{count} mails"), async || self.mails().len() >= count).await;
        self.mails()
    }

    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }
}
