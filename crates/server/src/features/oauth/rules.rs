//! What is decided without a database and without a network.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{clock::random_bytes, ui::NoticeKind};

/// How long a person may take at the provider.
pub(super) const FLOW_LIFE: Duration = Duration::from_secs(600);

/// 256 random bits as text.
pub(super) fn new_secret() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

/// Whether this could be a secret of ours.
pub(super) fn is_secret(text: &str) -> bool {
    text.len() == 43
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The PKCE challenge of a verifier (RFC 7636, S256).
pub(super) fn challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// A path of this site, and nothing that some browser reads as another one. Everything else is no place to go.
pub(super) fn same_site_path(text: &str) -> Option<&str> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if !plain || text.len() > 2000 || !text.starts_with('/') || text.starts_with("//") {
        return None;
    }
    // As the browser reads it: the host must stay ours, also after dots are resolved and once something decodes it.
    let decoded = percent_decoded(text);
    let stays = |path: &str| {
        let base = url::Url::parse("https://parlor.invalid").ok()?;
        let resolved = base.join(path).ok()?;
        let ours = resolved.host_str() == Some("parlor.invalid") && !resolved.path().starts_with("//");
        ours.then_some(())
    };
    stays(text)?;
    stays(&decoded)?;
    (!decoded.starts_with("/\\") && !decoded.chars().take(2).any(char::is_control)).then_some(text)
}

fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", text.replace('&', "%26").replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// What somebody went to a provider for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    SignIn,
    /// Adds the provider to the account of the session that began it.
    Link,
}

impl Purpose {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Link => "link",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::SignIn, Self::Link]
            .into_iter()
            .find(|purpose| purpose.as_str() == name)
    }
}

/// How a way through a provider can end without an error of ours. Each has its own sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// More than ten minutes.
    Expired,
    /// This way was gone before: a reload, or the back button.
    Used,
    /// Nothing of ours: a mistyped or made-up address.
    Unknown,
    /// It began in another browser, or the browser keeps no cookies.
    OtherBrowser,
    /// The person said no at the provider.
    Denied,
    /// The provider's answer cannot be believed.
    Rejected,
    /// The provider cannot be reached, or takes too long.
    Unreachable,
    /// The provider tells no address.
    NoEmail,
    /// The address has an account: log in there and link it.
    LinkFirst,
    /// A mail is on its way that asks for proof of the address.
    CheckMail,
    /// The account is switched off.
    Disabled,
    /// Linking: the identity belongs to another account.
    LinkedElsewhere,
    /// Linking: the account has another identity at this provider.
    AlreadyLinked,
    /// Linking: the session that began it has ended.
    OtherSession,
}

impl Failure {
    /// The key of its sentence, which also is its name in the log and in metrics.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Expired => "oauth-expired",
            Self::Used => "oauth-used",
            Self::Unknown => "oauth-unknown",
            Self::OtherBrowser => "oauth-other-browser",
            Self::Denied => "oauth-denied",
            Self::Rejected => "oauth-rejected",
            Self::Unreachable => "oauth-unreachable",
            Self::NoEmail => "oauth-no-email",
            Self::LinkFirst => "oauth-link-first",
            Self::CheckMail => "oauth-check-mail",
            Self::Disabled => "login-disabled",
            Self::LinkedElsewhere => "oauth-linked-elsewhere",
            Self::AlreadyLinked => "oauth-already-linked",
            Self::OtherSession => "oauth-other-session",
        }
    }
}

/// How the sentence `key` is shown; none when it is not one of this feature.
#[must_use]
pub fn notice_kind(key: &str) -> Option<NoticeKind> {
    match key {
        "oauth-linked" | "oauth-unlinked" => Some(NoticeKind::Success),
        "oauth-check-mail" | "oauth-link-first" | "oauth-denied" | "oauth-already-linked" => Some(NoticeKind::Info),
        "oauth-expired"
        | "oauth-used"
        | "oauth-unknown"
        | "oauth-other-browser"
        | "oauth-rejected"
        | "oauth-unreachable"
        | "oauth-no-email"
        | "oauth-linked-elsewhere"
        | "oauth-other-session"
        | "oauth-only-way-in"
        | "login-disabled" => Some(NoticeKind::Error),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oau_1_the_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let secret = new_secret();
        assert!(is_secret(&secret) && secret != new_secret());
        assert!(!is_secret("short") && !is_secret(&"ä".repeat(22)));
    }

    /// The checklist's row "Open redirect".
    #[test]
    fn open_redirects_are_no_place_to_go() {
        for evil in [
            "",
            "chats",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\\/evil.example",
            "https://evil.example",
            "https:evil.example",
            "HTTPS://evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nSet-Cookie: a=b",
            "/%09/evil.example",
            "/%0d%0aset-cookie:a=b",
            "/%2fevil.example",
            "/%2Fevil.example",
            "/%5cevil.example",
            "/%5Cevil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/chats/..//evil.example",
            "/%2e%2e//evil.example",
            " /chats",
            "/ chats",
            "/\u{0}",
            "/\u{202e}chats",
            "@evil.example",
            ".evil.example",
        ] {
            assert_eq!(same_site_path(evil), None, "{evil:?}");
        }
        for good in [
            "/",
            "/en/chats",
            "/de/chats/1?q=a%20b&c=d#e",
            "/en/chats?next=https://example.org//x",
            "/en/a+b",
        ] {
            assert_eq!(same_site_path(good), Some(good));
        }
        assert_eq!(same_site_path(&format!("/{}", "a".repeat(2000))), None);
    }

    #[test]
    fn every_failure_has_its_kind_of_notice() {
        for failure in [
            Failure::Expired,
            Failure::Used,
            Failure::Unknown,
            Failure::OtherBrowser,
            Failure::Denied,
            Failure::Rejected,
            Failure::Unreachable,
            Failure::NoEmail,
            Failure::LinkFirst,
            Failure::CheckMail,
            Failure::Disabled,
            Failure::LinkedElsewhere,
            Failure::AlreadyLinked,
            Failure::OtherSession,
        ] {
            assert!(notice_kind(failure.key()).is_some(), "{failure:?}");
            let text = crate::ui::Text::for_locale("en").t(failure.key());
            assert_ne!(text, failure.key(), "it has words");
        }
        assert_eq!(notice_kind("chat-renamed"), None);
    }
}
