//! Passwords that everybody who guesses tries first. Offline: nothing of a password leaves this process.
//!
//! `breached.bin` holds the first six bytes of the SHA-256 of each, sorted. `scripts/breached-passwords` makes it, and
//! says where the lists come from and under which licences.

use sha2::{Digest, Sha256};

const BYTES: usize = 6;
static LIST: &[u8] = include_bytes!("breached.bin");

/// Whether the password, in whatever case, is one of them.
pub(super) fn contains(password: &str) -> bool {
    let hash = Sha256::digest(password.to_lowercase().as_bytes());
    let (entries, _) = LIST.as_chunks::<BYTES>();
    entries
        .binary_search_by(|entry| entry.as_slice().cmp(&hash[..BYTES]))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_3_the_list_holds_what_is_guessed_first_and_nothing_else() {
        assert_eq!(LIST.len() % BYTES, 0);
        let (entries, _) = LIST.as_chunks::<BYTES>();
        assert!(entries.len() > 20_000 && entries.is_sorted());
        for known in [
            "password1",
            "Password1",
            "qwerty123456",
            "1234567890",
            "iloveyou123",
            "aaaaaaaaaaaa",
            "123456789012",
        ] {
            assert!(contains(known), "{known}");
        }
        for own in [
            "correct horse battery",
            "correct horse battery staple",
            "S3cure-Passw0rd!x",
            "another long password",
            "password1x7",
            "",
        ] {
            assert!(!contains(own), "{own}");
        }
    }
}
