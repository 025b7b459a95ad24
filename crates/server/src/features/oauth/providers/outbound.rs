//! Requests to providers: no redirects, bounded in time and size.

use std::time::Duration;

use reqwest::{
    Method, RequestBuilder, StatusCode, Url,
    header::{ACCEPT, CONTENT_TYPE, USER_AGENT},
};
use serde::de::DeserializeOwned;

use super::super::rules::Failure;

/// Far above any real answer of a provider.
const MAX_BYTES: usize = 512 * 1024;

pub(in crate::features::oauth) struct Outbound {
    client: reqwest::Client,
}

impl Outbound {
    pub(super) fn new(timeout: Duration) -> anyhow::Result<Self> {
        let client = parlor_llm::tls::client()
            // A redirect would carry codes and tokens to where nobody sent them.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeout)
            .timeout(timeout)
            .build()?;
        Ok(Self { client })
    }

    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client
            .request(method, url)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "Parlor")
    }

    pub(super) fn post_form(&self, url: Url, fields: &[(&str, &str)]) -> RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.request(Method::POST, url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
    }

    /// The answer's JSON. Only 200 and 201 count.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        what: &'static str,
        request: RequestBuilder,
    ) -> Result<T, Failure> {
        let (status, bytes) = self.send(what, request).await?;
        if !matches!(status, StatusCode::OK | StatusCode::CREATED) {
            // The name of the error is the standard's; the rest may hold what the log must not.
            let error = error_name(&bytes);
            tracing::warn!(what, status = status.as_u16(), error, "a sign-in provider refused");
            return Err(if status.is_server_error() {
                Failure::Unreachable
            } else {
                Failure::Rejected
            });
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            let error_name = error_name(&bytes);
            tracing::warn!(
                what,
                error_name,
                line = error.line(),
                "a sign-in provider's answer cannot be read"
            );
            Failure::Rejected
        })
    }

    /// Status and body, whatever they are.
    pub(super) async fn send(
        &self,
        what: &'static str,
        request: RequestBuilder,
    ) -> Result<(StatusCode, Vec<u8>), Failure> {
        let unreachable = |error: reqwest::Error| {
            // Without the URL, which may hold a code.
            let error = error.without_url();
            tracing::warn!(what, ?error, "a sign-in provider cannot be reached");
            Failure::Unreachable
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > MAX_BYTES {
                tracing::warn!(what, "a sign-in provider's answer is too large");
                return Err(Failure::Rejected);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok((status, bytes))
    }
}

fn error_name(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let name = body.get("error")?.as_str()?;
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    (plain && name.len() <= 60).then(|| name.to_owned())
}

/// An address for a request: https, or http within this machine where the issuer itself is there.
pub(super) fn endpoint(text: &str, issuer: &Url) -> Result<Url, Failure> {
    let url = Url::parse(text).map_err(|_| Failure::Rejected)?;
    let local = |url: &Url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    let allowed = match url.scheme() {
        "https" => !is_link_local(&url) && (!local(&url) || local(issuer)),
        "http" => local(&url) && local(issuer),
        _ => false,
    };
    if allowed && url.username().is_empty() && url.password().is_none() {
        return Ok(url);
    }
    tracing::warn!(
        host = url.host_str(),
        scheme = url.scheme(),
        "a sign-in provider names an address that is not used"
    );
    Err(Failure::Rejected)
}

/// Where clouds keep the credentials of their machines.
fn is_link_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_link_local() || ip.is_unspecified(),
        Some(url::Host::Ipv6(ip)) => {
            let v4 = ip.to_ipv4_mapped();
            ip.is_unicast_link_local() || ip.is_unspecified() || v4.is_some_and(|ip| ip.is_link_local())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oau_1_endpoints_stay_where_an_issuer_may_have_them() {
        let issuer = Url::parse("https://login.example.org").unwrap();
        let here = Url::parse("http://127.0.0.1:4000").unwrap();
        for bad in [
            "http://login.example.org/token",
            "http://127.0.0.1/token",
            "https://127.0.0.1/token",
            "https://localhost/token",
            "http://169.254.169.254/latest/meta-data",
            "https://169.254.169.254/latest/meta-data",
            "https://[fe80::1]/token",
            "https://[::ffff:169.254.169.254]/token",
            "https://0.0.0.0/token",
            "https://me:secret@login.example.org/token",
            "file:///etc/passwd",
            "token",
        ] {
            assert!(endpoint(bad, &issuer).is_err(), "{bad}");
        }
        assert!(endpoint("https://login.example.org/token", &issuer).is_ok());
        assert!(endpoint("https://oauth2.example.net/token", &issuer).is_ok());
        assert!(endpoint("http://localhost:4000/token", &here).is_ok());
        assert!(endpoint("http://169.254.169.254/token", &here).is_err());
    }
}
