//! Recovery codes: for the day on which the telephone is gone.

use uuid::Uuid;

use crate::{clock::random_bytes, secrets::fingerprint};

pub(super) const COUNT: usize = 10;

/// Without letters that look like digits, so that a code can be read aloud and copied by hand (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 80 random bits in four groups, as `k3vd-9x2m-0rtw-8hqe`.
fn new_code() -> String {
    let bytes = random_bytes::<16>();
    let letters = bytes.map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

pub(super) fn new_set() -> Vec<String> {
    (0..COUNT).map(|_| new_code()).collect()
}

/// What is stored of a code. 80 random bits cannot be searched for, so a plain hash is enough; the person's id in it
/// keeps two people's equal codes apart.
pub(super) fn hash(user_id: Uuid, typed: &str) -> [u8; 32] {
    fingerprint(&[user_id.as_bytes().as_slice(), plain(typed).as_bytes()].concat())
}

/// A code as it was made, however it was typed.
fn plain(typed: &str) -> String {
    let letters = typed.chars().filter(|c| c.is_alphanumeric());
    letters
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_13_a_set_has_ten_different_codes_of_80_bits() {
        let mut set = new_set();
        assert_eq!(set.len(), 10);
        for code in &set {
            assert_eq!(plain(code).len() * 5, 80, "{code}");
            assert_eq!(code.len(), 19, "{code}");
        }
        set.sort();
        set.dedup();
        assert_eq!(set.len(), 10);
    }

    #[test]
    fn a_code_is_known_however_it_is_typed() {
        let user = Uuid::nil();
        let right = hash(user, "k3vd-0x2m-1rtw-8hqe");
        assert_eq!(hash(user, " K3VD OX2M lRTW 8HQE "), right);
        assert_ne!(hash(user, "k3vd-0x2m-1rtw-8hqf"), right);
        assert_ne!(hash(Uuid::max(), "k3vd-0x2m-1rtw-8hqe"), right);
    }
}
