//! Small tools around child processes: a free port, a name nobody has, and waiting for a server to answer.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A TCP port on this machine that nobody listened on a moment ago.
///
/// # Errors
/// When the machine has no port left.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// Sixteen hexadecimal digits that differ from run to run, so that a journey may meet a server that ran others before.
#[must_use]
pub fn fresh_name() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// An HTTP client for this machine: no proxy, no retries.
///
/// # Errors
/// When TLS cannot be set up.
pub fn http_client() -> Result<reqwest::Client> {
    // The workspace builds reqwest without a default; a second call finds one installed, which is as good.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .context("building the HTTP client")
}

/// Waits until a GET of `url` succeeds, asking every 20 ms, and says how long that took.
///
/// # Errors
/// When it does not within `limit`; the text is the last refusal.
pub async fn wait_until_ok(http: &reqwest::Client, url: &str, limit: Duration) -> Result<Duration> {
    let start = Instant::now();
    loop {
        let refusal = match http.get(url).timeout(Duration::from_secs(2)).send().await {
            Ok(response) if response.status().is_success() => return Ok(start.elapsed()),
            Ok(response) => response.status().to_string(),
            Err(error) => error.to_string(),
        };
        if start.elapsed() > limit {
            bail!("{url} did not answer within {limit:?}: {refusal}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_names_differ() {
        let (first, second) = (fresh_name(), fresh_name());
        assert_eq!(first.len(), 16);
        assert_ne!(first, second);
    }
}
