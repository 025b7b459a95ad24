//! What a key looks like, and what it may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{clock::random_bytes, config::Network, http::FieldError, secrets::fingerprint};

/// How every key begins: people and scanners of leaked secrets know it by this.
pub const MARK: &str = "prl_";

const ID: usize = 10;
const SECRET: usize = 43;
const CHECKSUM: usize = 6;
const LENGTH: usize = MARK.len() + ID + 1 + SECRET + CHECKSUM;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The public part of a key, by which its row is found.
pub type KeyId = [u8; ID];

/// A text that is a key by its form: nobody has looked yet whether there is such a key.
#[derive(Clone, Copy)]
pub struct Parsed {
    pub id: KeyId,
    /// SHA-256 of the secret part.
    pub hash: [u8; 32],
}

/// A new key. Its text exists here and in the one answer that shows it.
pub struct Minted {
    pub text: String,
    pub prefix: String,
    pub hash: [u8; 32],
}

/// Reads `prl_<id>_<secret><checksum>`. A typo or an invention fails its checksum and costs no query.
#[must_use]
pub fn parse(text: &str) -> Option<Parsed> {
    let bytes = text.as_bytes();
    if bytes.len() != LENGTH || !text.starts_with(MARK) || bytes[MARK.len() + ID] != b'_' {
        return None;
    }
    let (signed, sum) = bytes.split_at(LENGTH - CHECKSUM);
    if checksum(signed) != sum {
        return None;
    }
    let (public, secret) = signed.split_at(MARK.len() + ID + 1);
    Some(Parsed {
        id: public[MARK.len()..MARK.len() + ID].try_into().ok()?,
        hash: fingerprint(secret),
    })
}

/// A key that is part of a longer text, as an address that somebody put it into.
#[must_use]
pub fn is_within(text: &str) -> bool {
    let mut places = text.match_indices(MARK);
    places.any(|(at, _)| text.get(at..at + LENGTH).is_some_and(|part| parse(part).is_some()))
}

/// The column `prefix` of a key's row.
#[must_use]
pub fn prefix(id: KeyId) -> String {
    format!("{MARK}{}", String::from_utf8_lossy(&id))
}

/// The public part of a row's `prefix`.
#[must_use]
pub fn id_of(prefix: &str) -> Option<KeyId> {
    prefix.strip_prefix(MARK)?.as_bytes().try_into().ok()
}

#[must_use]
pub fn mint() -> Minted {
    let public = base62::<ID>(&random_bytes::<8>());
    let secret = base62::<SECRET>(&random_bytes::<32>());
    let prefix = prefix(public);
    let mut text = format!("{prefix}_{}", String::from_utf8_lossy(&secret));
    let sum = checksum(text.as_bytes());
    text.push_str(&String::from_utf8_lossy(&sum));
    Minted {
        text,
        prefix,
        hash: fingerprint(&secret),
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    base62(&crc32fast::hash(bytes).to_be_bytes())
}

/// The last `N` digits of a number, in base 62; 32 bytes fit into 43 digits.
fn base62<const N: usize>(number: &[u8]) -> [u8; N] {
    let mut number = number.to_vec();
    let mut digits = [DIGITS[0]; N];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_usize;
        for byte in &mut number {
            let value = rest << 8 | usize::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(0);
            rest = value % 62;
        }
        *digit = DIGITS[rest];
    }
    digits
}

macro_rules! scopes {
    ($($name:ident = $text:literal;)*) => {
        /// Something that a key may be allowed to do. What protects the account is in no scope.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub enum Scope { $(#[serde(rename = $text)] $name),* }

        impl Scope {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

scopes! {
    ChatsRead = "chats:read";
    ChatsWrite = "chats:write";
    MemoriesRead = "memories:read";
    MemoriesWrite = "memories:write";
    AccountRead = "account:read";
}

impl Scope {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == text)
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scopes {
    pub const NONE: Self = Self(0);

    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.iter().copied().collect()
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// The first of `needed` that is not here.
    #[must_use]
    pub fn lacks(self, needed: Self) -> Option<Scope> {
        needed.iter().find(|scope| !self.contains(*scope))
    }

    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

/// At most so many keys of a person work at once.
pub const MAX_LIVE: u64 = 50;
const MAX_NAME: usize = 100;
const MAX_ADDRESSES: usize = 50;

/// # Errors
/// What is wrong with the field `name`.
pub fn check_name(name: &str) -> Result<String, FieldError> {
    let name = name.trim();
    let wrong = |code, message| Err(FieldError::new("name", code, message));
    // Line breaks and marks that turn the direction of text could make a mail about the key say something else.
    let unfit = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if name.contains(unfit) {
        return wrong(
            "invalid_value",
            "Use letters, digits, spaces and punctuation on one line.",
        );
    }
    match name.chars().count() {
        0 => wrong("required", "Give the key a name that says what it is for."),
        n if n > MAX_NAME => wrong("too_long", "Use at most 100 characters."),
        _ => Ok(name.to_owned()),
    }
}

/// # Errors
/// What is wrong with the field `scopes`.
pub fn check_scopes(scopes: Vec<Scope>) -> Result<Scopes, FieldError> {
    let scopes: Scopes = scopes.into_iter().collect();
    if scopes.is_empty() {
        let message = "Choose at least one, or leave the field out for all of them.";
        return Err(FieldError::new("scopes", "required", message));
    }
    Ok(scopes)
}

/// # Errors
/// What is wrong with the field `allowed_ips`.
pub fn check_addresses(addresses: Vec<String>) -> Result<Vec<String>, FieldError> {
    if addresses.len() > MAX_ADDRESSES {
        return Err(FieldError::new("allowed_ips", "too_long", "Use at most 50 entries."));
    }
    let trimmed = addresses.iter().map(|address| address.trim().to_owned()).enumerate();
    trimmed
        .map(|(at, address)| match address.parse::<Network>() {
            Ok(_) => Ok(address),
            Err(error) => Err(FieldError::new(
                format!("allowed_ips[{at}]"),
                "invalid",
                format!("It is {error}."),
            )),
        })
        .collect()
}

/// The regular expression by which scanners of leaked secrets find keys; see docs/api-keys.md.
#[cfg(test)]
const PATTERN: &str = r"\bprl_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}\b";

/// For a cursor or a mail: nothing of the secret. Kept here so that nobody prints a [`Parsed`].
impl std::fmt::Debug for Parsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&prefix(self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ses_10_a_key_reads_as_what_was_minted() {
        for _ in 0..200 {
            let minted = mint();
            let parsed = parse(&minted.text).expect("a key");
            assert_eq!((prefix(parsed.id), parsed.hash), (minted.prefix.clone(), minted.hash));
            assert_eq!(id_of(&minted.prefix), Some(parsed.id));
            assert!(is_within(&format!("a=1&key={}&b=2", minted.text)));
        }
    }

    #[test]
    fn ses_10_a_single_wrong_character_is_no_key() {
        let text = mint().text;
        for at in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
            assert!(parse(std::str::from_utf8(&wrong).unwrap()).is_none(), "at {at}");
        }
        for text in ["", "prl_", &text[1..], &format!("{text}a"), "prl_äöü", &"ä".repeat(32)] {
            assert!(
                parse(text).is_none() && !is_within(&text[..text.len() / 4 * 2]),
                "{text}"
            );
        }
    }

    #[test]
    fn ses_10_scanners_know_a_key_by_its_form() {
        let text = mint().text;
        let (public, rest) = text[MARK.len()..].split_once('_').unwrap();
        assert_eq!(
            PATTERN,
            format!(
                r"\b{MARK}[0-9A-Za-z]{{{}}}_[0-9A-Za-z]{{{}}}\b",
                public.len(),
                rest.len()
            )
        );
        let document = include_str!("../../../../../docs/api-keys.md");
        assert!(document.contains(PATTERN), "docs/api-keys.md names another pattern");
    }

    #[test]
    fn base_62_is_the_number_and_its_largest_fits() {
        assert_eq!(&base62::<3>(&[61]), b"00z");
        assert_eq!(&base62::<3>(&[1, 0]), b"048");
        assert_eq!(base62::<SECRET>(&[255; 32])[0], b'y', "nothing is cut off");
    }

    #[test]
    fn a_set_of_scopes_knows_what_it_lacks() {
        let reading: Scopes = [Scope::ChatsRead, Scope::MemoriesRead].into_iter().collect();
        assert_eq!(reading.lacks([Scope::ChatsRead].into_iter().collect()), None);
        assert_eq!(
            reading.lacks([Scope::ChatsWrite].into_iter().collect()),
            Some(Scope::ChatsWrite)
        );
        assert_eq!(Scopes::all().lacks(reading), None);
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(*scope));
        }
    }

    #[test]
    fn addresses_are_addresses_or_networks() {
        let list = |items: &[&str]| check_addresses(items.iter().map(|item| (*item).to_owned()).collect());
        assert_eq!(list(&[" 10.0.0.0/8 ", "::1"]).unwrap(), ["10.0.0.0/8", "::1"]);
        assert_eq!(list(&["::1", "home"]).unwrap_err().field, "allowed_ips[1]");
    }
}
