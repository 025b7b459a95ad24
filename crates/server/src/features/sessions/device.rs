use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{Extensions, HeaderMap, header, request::Parts},
};

use crate::{app::App, config::IpMode, http::cookies, secrets::fingerprint};

/// What a login came from, for the list of sessions.
#[derive(Clone, Debug, Default)]
pub struct Device {
    pub user_agent: Option<String>,
    pub ip: Option<IpAddr>,
    /// The secret of the device cookie, from an earlier login in this browser.
    pub secret: Option<String>,
    /// The hash of the session cookie that a login from here takes the place of.
    pub replaces: Option<[u8; 32]>,
}

impl Device {
    /// As much of the address as the operator wants kept.
    #[must_use]
    pub fn stored_ip(&self, mode: IpMode) -> Option<String> {
        match mode {
            IpMode::Full => self.ip.map(|ip| ip.to_string()),
            IpMode::Truncated => self.ip.map(|ip| network_of(ip, 24, 48).to_string()),
            IpMode::None => None,
        }
    }
}

impl Device {
    /// Where a request comes from, behind the proxies that are trusted.
    #[must_use]
    pub fn address(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip();
        let proxies = &app.config.http.trusted_proxies;
        let trusted = |ip: IpAddr| proxies.iter().any(|network| network.contains(ip));
        Some(client_ip(peer, headers, trusted))
    }
}

/// The first address of the network that holds `ip`: what stays when its last bits go.
#[must_use]
pub fn network_of(ip: IpAddr, v4_bits: u32, v6_bits: u32) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4((v4.to_bits() & u32::MAX.checked_shl(32 - v4_bits).unwrap_or(0)).into()),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & u128::MAX.checked_shl(128 - v6_bits).unwrap_or(0)).into()),
    }
}

impl FromRequestParts<App> for Device {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok());
        Ok(Self {
            user_agent: agent.map(|agent| agent.chars().take(400).collect()),
            secret: cookies::get(&parts.headers, super::cookie::device_name(app)).map(str::to_owned),
            replaces: replaced(app, &parts.headers),
            ip: Self::address(app, &parts.headers, &parts.extensions),
        })
    }
}

/// A login that answers with tokens leaves the browser its cookie; any other login sets a new one.
fn replaced(app: &App, headers: &HeaderMap) -> Option<[u8; 32]> {
    let is = |name: &str, start: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.starts_with(start))
    };
    if is("content-type", "application/json") && !is("x-session", "cookie") {
        return None;
    }
    let secret = super::cookie::read(app, headers)?;
    Some(fingerprint(secret.as_bytes()))
}

/// The nearest hop that is not a proxy of ours: what stands further left in `X-Forwarded-For` anybody can write.
fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let lines: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let hops = lines
        .iter()
        .flat_map(|line| line.split(','))
        .rev()
        .map(|hop| hop.trim().parse::<IpAddr>());
    let mut client = peer;
    for hop in hops {
        match hop {
            Ok(hop) if trusted(client) => client = hop,
            _ => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_address_is_its_network() {
        let network = |text: &str| network_of(text.parse().unwrap(), 24, 48).to_string();
        assert_eq!(network("203.0.113.77"), "203.0.113.0");
        assert_eq!(network("::ffff:203.0.113.77"), "203.0.113.0");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-forwarded-for",
            "198.51.100.1, 203.0.113.9, 10.0.0.2".parse().unwrap(),
        );
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let ours = |address: IpAddr| address.to_string().starts_with("10.");
        assert_eq!(client_ip(ip("192.0.2.7"), &headers, ours), ip("192.0.2.7"));
        assert_eq!(client_ip(ip("10.0.0.1"), &headers, ours), ip("203.0.113.9"));
        assert_eq!(client_ip(ip("10.0.0.1"), &HeaderMap::new(), ours), ip("10.0.0.1"));
    }
}
