use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use base64::{alphabet, alphabet::Alphabet};
use serde::Deserialize;

use super::Secret;

/// `PARLOR_SECRETS_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// `PARLOR_SECRETS_MASTER_KEY`: base64 of 32 bytes, or empty when the key lives in the data folder.
    pub master_key: Secret,
    /// `PARLOR_SECRETS_PREVIOUS_MASTER_KEYS`: base64 of 32 bytes each, separated by commas.
    pub previous_master_keys: Secret,
}

impl Secrets {
    /// The configured key; `None` when there is none or it is not 32 bytes (which loading refuses).
    pub fn master_key_bytes(&self) -> Option<[u8; 32]> {
        decode_key(self.master_key.expose())
    }

    /// The keys that came before it.
    pub fn previous_master_key_bytes(&self) -> impl Iterator<Item = [u8; 32]> {
        self.previous_master_keys.expose().split(',').filter_map(decode_key)
    }
}

/// 32 bytes from base64 in either alphabet, with or without padding: tools differ in what they print.
pub(super) fn decode_key(text: &str) -> Option<[u8; 32]> {
    [&alphabet::STANDARD, &alphabet::URL_SAFE]
        .into_iter()
        .find_map(|alphabet| lenient(alphabet).decode(text.trim()).ok())?
        .try_into()
        .ok()
}

/// Why a key of the right length is one that somebody made up: the generator of the operating system makes none like it
/// in a lifetime.
pub(super) fn weakness(key: &[u8; 32]) -> Option<&'static str> {
    let steps: BTreeSet<u8> = key.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    let distinct: BTreeSet<&u8> = key.iter().collect();
    if steps.len() == 1 {
        return Some("a row of numbers");
    }
    // Text has at most 6.6 random bits in each byte; a hexadecimal one has 4.
    if key.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Some("text");
    }
    // 32 random bytes have about 30 different ones, and fewer than 16 once in 10^15 keys.
    (distinct.len() < 16).then_some("a few bytes repeated")
}

fn lenient(alphabet: &Alphabet) -> GeneralPurpose {
    let config: GeneralPurposeConfig = general_purpose::PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config)
}

/// `PARLOR_SESSIONS_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// `PARLOR_SESSIONS_IDLE_DAYS`.
    pub idle_days: u32,
    /// `PARLOR_SESSIONS_ABSOLUTE_DAYS`.
    pub absolute_days: u32,
    /// `PARLOR_SESSIONS_REMEMBER_DAYS`.
    pub remember_days: u32,
    /// `PARLOR_SESSIONS_ACCESS_TOKEN_MINUTES`.
    pub access_token_minutes: u32,
    /// `PARLOR_SESSIONS_REFRESH_GRACE_S`: seconds.
    pub refresh_grace_s: u32,
    /// `PARLOR_SESSIONS_STEP_UP_MINUTES`: minutes.
    pub step_up_minutes: u32,
    /// `PARLOR_SESSIONS_SIGNING_KEY_DAYS`: days.
    pub signing_key_days: u32,
    /// `PARLOR_SESSIONS_IP_MODE`.
    pub ip_mode: IpMode,
}

/// What is kept of an address.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum IpMode {
    /// All of it.
    Full,
    /// Its network: /24 of IPv4, /48 of IPv6.
    Truncated,
    /// Nothing.
    None,
}

/// `PARLOR_ACCOUNTS_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// `PARLOR_ACCOUNTS_RESET_TOKEN_MINUTES`: minutes, 1440 at most.
    pub reset_token_minutes: u32,
    /// `PARLOR_ACCOUNTS_VERIFY_TOKEN_HOURS`: hours.
    pub verify_token_hours: u32,
    /// `PARLOR_ACCOUNTS_TERMS_VERSION`: empty when there are no terms.
    pub terms_version: String,
}

/// `PARLOR_SECOND_FACTOR_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondFactor {
    /// `PARLOR_SECOND_FACTOR_REQUIRED_FOR_ADMINS`.
    pub required_for_admins: bool,
}

/// `PARLOR_PASSWORDS_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passwords {
    /// `PARLOR_PASSWORDS_MIN_LENGTH`: characters, 8 at least.
    pub min_length: usize,
    /// `PARLOR_PASSWORDS_ARGON2_MEMORY_KIB`: KiB, 19456 at least.
    pub argon2_memory_kib: u32,
    /// `PARLOR_PASSWORDS_ARGON2_ITERATIONS`: 2 at least.
    pub argon2_iterations: u32,
    /// `PARLOR_PASSWORDS_MAX_CONCURRENT_HASHES`: 0 means one per processor.
    pub max_concurrent_hashes: usize,
}
