use serde::Deserialize;

use super::Secret;

/// `PARLOR_MAIL_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// `PARLOR_MAIL_SMTP_HOST` or `SMTP_HOST`: empty for the development transport.
    pub smtp_host: String,
    /// `PARLOR_MAIL_SMTP_PORT` or `SMTP_PORT`.
    pub smtp_port: u16,
    /// `PARLOR_MAIL_SMTP_USER` or `SMTP_USER`: empty for a server that asks for no login.
    pub smtp_user: String,
    /// `PARLOR_MAIL_SMTP_PASSWORD` or `SMTP_PASSWORD`.
    pub smtp_password: Secret,
    /// `PARLOR_MAIL_SMTP_TLS`.
    pub smtp_tls: SmtpTls,
    /// `PARLOR_MAIL_TIMEOUT_S`: seconds for one mail.
    pub timeout_s: u64,
    /// `PARLOR_MAIL_MAX_CONCURRENT`.
    pub max_concurrent: usize,
    /// `PARLOR_MAIL_FROM` or `SMTP_FROM`: a mailbox as in RFC 5322.
    pub from: String,
    /// `PARLOR_MAIL_TEMPLATES_DIR`: empty for the built-in templates alone.
    pub templates_dir: String,
}

impl Mail {
    /// Whether mail leaves this server.
    pub fn is_on(&self) -> bool {
        !self.smtp_host.is_empty()
    }

    /// Whether the mail server runs on this machine, so that nobody stands between.
    pub fn is_local(&self) -> bool {
        let host = self.smtp_host.trim_matches(['[', ']']);
        host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// TLS from the start on port 465; elsewhere STARTTLS, which only a server on this machine may lack.
    Auto,
    /// From the start.
    Tls,
    /// Upgraded before anything is said; refused otherwise.
    Starttls,
    /// In plain text.
    None,
}
