//! What must never be remembered, however clearly it was said.

use crate::text::normalised;

/// What a secret is called, in the folded words of [`normalised`].
const NAMES: [&str; 22] = [
    "password",
    "passwords",
    "passcode",
    "passphrase",
    "passwort",
    "kennwort",
    "pin",
    "pin code",
    "pincode",
    "api key",
    "apikey",
    "secret key",
    "private key",
    "access token",
    "token",
    "seed phrase",
    "cvv",
    "cvc",
    "tan",
    "puk",
    "social security number",
    "security code",
];
/// Words that put a value behind the name.
const GIVES: [&str; 10] = [
    "is", "was", "are", "ist", "lautet", "war", "sind", "equals", "to", "auf",
];
/// How well-known keys begin.
const PREFIXES: [&str; 16] = [
    "sk-",
    "sk_live_",
    "sk_test_",
    "pk_live_",
    "rk_live_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "ASIA",
    "AIza",
    "eyJ",
];

/// Whether a sentence tells a password, a key, or the number of a card.
pub(crate) fn holds_secret(sentence: &str) -> bool {
    tells_password(sentence)
        || sentence.contains("-----BEGIN")
        || sentence
            .split(|c: char| c.is_whitespace() || "\"'`,()<>=".contains(c))
            .any(is_key)
        || holds_card_number(sentence)
}

/// "my password is …", "Passwort: …", "I changed the PIN to …".
fn tells_password(sentence: &str) -> bool {
    let text = normalised(sentence);
    let said = NAMES
        .iter()
        .any(|name| GIVES.iter().any(|gives| follows(&text, name, gives)));
    said || sentence.split_once([':', '=']).is_some_and(|(before, value)| {
        let before = normalised(before);
        !value.trim().is_empty() && NAMES.iter().any(|name| before.ends_with(&format!(" {name} ")))
    })
}

/// Whether the verb comes right after the name, or after two words between: "password for my bank is".
fn follows(text: &str, name: &str, gives: &str) -> bool {
    text.match_indices(&format!(" {name} ")).any(|(at, found)| {
        let after = &text[at + found.len()..];
        let mut words = after.split(' ').take(6);
        words.any(|word| word == gives) && after.split(' ').filter(|word| !word.is_empty()).count() > 1
    })
}

/// A word that looks like a key: a known beginning, or long and without the shape of a word.
fn is_key(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
    if word.len() >= 16 && PREFIXES.iter().any(|prefix| word.starts_with(prefix)) {
        return true;
    }
    let letters = word.chars().filter(char::is_ascii_alphabetic).count();
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "_-+/.".contains(c));
    word.len() >= 24 && plain && letters >= 4 && digits >= 4 && !word.contains("://") && !word.contains('/')
}

/// 13 to 19 digits with a valid check digit, as on a payment card.
fn holds_card_number(sentence: &str) -> bool {
    sentence
        .split(|c: char| !(c.is_ascii_digit() || c == ' ' || c == '-'))
        .any(|run| {
            let digits: Vec<u32> = run.chars().filter_map(|c| c.to_digit(10)).collect();
            (13..=19).contains(&digits.len()) && luhn(&digits)
        })
}

fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, digit)| match (i % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_seen() {
        for sentence in [
            "My password is hunter2.",
            "my bank password is: swordfish",
            "The password for my mail account is hunter2",
            "Mein Passwort lautet Sommer2026!",
            "Mein Kennwort ist geheim",
            "Passwort: abc",
            "PIN = 1234",
            "I changed my PIN to 4711",
            "My API key is abc",
            "I use sk-abcdefghijklmnop1234567890 at work",
            "ghp_0123456789abcdefABCDEF0123456789abcd",
            "my card is 4111 1111 1111 1111",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
            "AKIAIOSFODNN7EXAMPLE",
            "the hash is 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
            "-----BEGIN PRIVATE KEY-----",
        ] {
            assert!(holds_secret(sentence), "{sentence}");
        }
    }

    #[test]
    fn ordinary_sentences_are_not() {
        for sentence in [
            "I forgot my password.",
            "I collect pins.",
            "I was born in 1990 and moved in 2015.",
            "My phone has 128 GB.",
            "I live at https://example.org/people/ada-lovelace-1815",
            "Ich mag Tannen und Pinien.",
            "My number is 0170 1234567.",
            "Donaudampfschifffahrtsgesellschaft is my favourite word.",
        ] {
            assert!(!holds_secret(sentence), "{sentence}");
        }
    }
}
