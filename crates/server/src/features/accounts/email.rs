//! E-mail addresses, read in one place for every way in.

use crate::http::FieldError;

/// Bytes of an address at most (RFC 5321).
const MAX_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;

/// An address that mail can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// The part before the @ as typed, the domain in lower-case ASCII (IDNA).
    pub address: String,
    /// The form in which addresses are compared: see [`key`].
    pub key: String,
}

impl Email {
    /// # Errors
    /// For the field `email`, with a sentence that says what an address looks like.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let address = normalise(text)
            .ok_or_else(|| FieldError::new("email", "invalid_email", "Enter an address such as ada@example.org."))?;
        let key = lower(&address);
        Ok(Self { address, key })
    }

    /// What stands before the @.
    #[must_use]
    pub fn local(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

/// The form in which addresses are compared: the domain does not know case, and people do not type the part before it
/// in the same case each time. What is no address compares as itself, and finds nobody.
#[must_use]
pub fn key(text: &str) -> String {
    lower(&normalise(text).unwrap_or_else(|| text.trim().to_owned()))
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}

fn normalise(text: &str) -> Option<String> {
    let (local, domain) = text.trim().rsplit_once('@')?;
    let domain = ascii_domain(domain)?;
    let address = format!("{local}@{domain}");
    (is_local(local) && address.len() <= MAX_BYTES).then_some(address)
}

/// Unquoted, as all mailboxes of people are; letters of every script.
fn is_local(local: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    (1..=MAX_LOCAL_BYTES).contains(&local.len()) && local.chars().all(allowed) && !dots
}

fn ascii_domain(domain: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii_strict(domain).ok()?.to_ascii_lowercase();
    let (_, top) = ascii.rsplit_once('.')?;
    // A number there is an IP address, which is no domain.
    (!top.is_empty() && !top.chars().all(|c| c.is_ascii_digit())).then_some(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_9_the_domain_is_normalised_and_the_rest_is_left_alone() {
        let parsed = |text: &str| Email::parse(text).map(|email| (email.address, email.key)).unwrap();
        let both = |address: &str, key: &str| (address.to_owned(), key.to_owned());
        assert_eq!(
            parsed(" Ada.L@Example.ORG "),
            both("Ada.L@example.org", "ada.l@example.org")
        );
        assert_eq!(
            parsed("ada@BÜCHER.example"),
            both("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example")
        );
        assert_eq!(parsed("o'brien+x@a.co").0, "o'brien+x@a.co");
        assert_eq!(parsed("аня@example.org").0, "аня@example.org");
        assert_eq!(key("ADA@bücher.EXAMPLE"), "ada@xn--bcher-kva.example");
    }

    #[test]
    fn acc_9_what_is_no_address_is_refused() {
        let long_local = format!("{}@example.org", "a".repeat(65));
        let long = format!("a@{}.example.org", ["b".repeat(60).as_str(); 5].join("."));
        for wrong in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@example",
            "ada@.org",
            "ada@example.",
            "ada@127.0.0.1",
            "a b@example.org",
            "ada@exam ple.org",
            ".ada@example.org",
            "ada.@example.org",
            "a..b@example.org",
            "<ada@example.org>",
            "ada@example.org\r\nBcc: x@y.z",
            "\"ada\"@example.org",
            "ada@-example.org",
            "ada@[::1]",
            "a,b@example.org",
            &long_local,
            &long,
        ] {
            assert!(Email::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
