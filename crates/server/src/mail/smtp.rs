//! SMTP: connections that are kept, protected as configured, and never waited for too long.

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    transport::smtp::{
        Error as SmtpError, PoolConfig, SUBMISSIONS_PORT,
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};

use super::{rules, transport::Failure};
use crate::config::{Mail as Settings, SmtpTls};

type Connections = AsyncSmtpTransport<Tokio1Executor>;

/// A mail server, and the connections to it.
pub struct Smtp {
    settings: Settings,
    tls: Tls,
    hello: ClientId,
    timeout: Duration,
    connections: RwLock<Connections>,
}

impl Smtp {
    /// Makes no connection yet. `host` is the public name of this server.
    pub(super) fn new(settings: &Settings, host: &str) -> anyhow::Result<Self> {
        let tls = tls(settings)?;
        let hello = hello(host);
        Ok(Self {
            connections: RwLock::new(connect(settings, &tls, &hello)),
            settings: settings.clone(),
            tls,
            hello,
            timeout: Duration::from_secs(settings.timeout_s),
        })
    }

    pub(super) async fn send(&self, message: &Message) -> Result<(), Failure> {
        let connections = self.connections.read().unwrap_or_else(PoisonError::into_inner).clone();
        let bytes = message.formatted();
        let mut sending = Box::pin(connections.send_raw(message.envelope(), &bytes));
        match tokio::time::timeout(self.timeout, &mut sending).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failure(&error, message)),
            Err(_) => {
                self.start_afresh(&connections).await;
                Err(Failure::trouble("timeout", "the mail server did not answer in time"))
            }
        }
    }

    /// A connection that was left in the middle of a mail must not carry another one. It goes back to its pool when the
    /// unfinished call is dropped; a pool that was closed before cuts it.
    async fn start_afresh(&self, old: &Connections) {
        let fresh = connect(&self.settings, &self.tls, &self.hello);
        *self.connections.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        old.shutdown().await;
    }

    pub(super) async fn close(&self) {
        let connections = self.connections.read().unwrap_or_else(PoisonError::into_inner).clone();
        connections.shutdown().await;
    }
}

fn connect(settings: &Settings, tls: &Tls, hello: &ClientId) -> Connections {
    let pool = PoolConfig::new()
        .max_size(u32::try_from(settings.max_concurrent).unwrap_or(u32::MAX))
        .idle_timeout(Duration::from_secs(30));
    let mut builder = Connections::builder_dangerous(&settings.smtp_host)
        .port(settings.smtp_port)
        .tls(tls.clone())
        .hello_name(hello.clone())
        .timeout(Some(Duration::from_secs(settings.timeout_s)))
        .pool_config(pool);
    if !settings.smtp_user.is_empty() {
        let password = settings.smtp_password.expose().to_owned();
        builder = builder.credentials(Credentials::new(settings.smtp_user.clone(), password));
    }
    builder.build()
}

fn tls(settings: &Settings) -> anyhow::Result<Tls> {
    let parameters = || {
        TlsParameters::new(settings.smtp_host.clone())
            .with_context(|| format!("mail.smtp_host: no TLS is possible with `{}`", settings.smtp_host))
    };
    Ok(match settings.smtp_tls {
        SmtpTls::Tls => Tls::Wrapper(parameters()?),
        SmtpTls::Auto if settings.smtp_port == SUBMISSIONS_PORT => Tls::Wrapper(parameters()?),
        SmtpTls::Auto if settings.is_local() => Tls::Opportunistic(parameters()?),
        SmtpTls::Auto | SmtpTls::Starttls => Tls::Required(parameters()?),
        SmtpTls::None => Tls::None,
    })
}

/// RFC 5321, 4.1.3: a name, or an address as a literal.
fn hello(host: &str) -> ClientId {
    match host.trim_matches(['[', ']']).parse() {
        Ok(std::net::IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(std::net::IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(host.to_owned()),
    }
}

fn failure(error: &SmtpError, message: &Message) -> Failure {
    let text = error.to_string();
    let Some(code) = error.status().map(u16::from) else {
        // A server that does not know SMTPUTF8 will not learn it in a day.
        if error.is_client() && !is_ascii(message) {
            return Failure::refused("smtputf8", &text);
        }
        return Failure::trouble(cause(error), &text);
    };
    if rules::is_final(code) {
        Failure::refused(&code.to_string(), &text)
    } else {
        Failure::trouble(&code.to_string(), &text)
    }
}

fn is_ascii(message: &Message) -> bool {
    message
        .envelope()
        .to()
        .iter()
        .all(|address| AsRef::<str>::as_ref(address).is_ascii())
}

fn cause(error: &SmtpError) -> &'static str {
    match error {
        error if error.is_tls() => "tls",
        error if error.is_timeout() => "timeout",
        error if error.is_client() => "client",
        error if error.is_response() => "response",
        _ => "connection",
    }
}
