//! Codes of an authenticator app: RFC 6238 with SHA-1, six digits and steps of 30 seconds, which every app understands.

use hmac::{Hmac, Mac};
use parlor_db::Timestamp;
use qrcode::{Color, EcLevel, QrCode};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use crate::clock::random_bytes;

const STEP_S: i64 = 30;
const DIGITS: usize = 6;

/// 160 bits, as RFC 4226 recommends.
pub(super) fn new_secret() -> [u8; 20] {
    random_bytes()
}

pub(super) fn step_at(now: Timestamp) -> i64 {
    now.as_seconds() / STEP_S
}

/// The step whose code this is: the current one or a neighbour, because clocks differ; never `last` or one before it.
pub(super) fn matching_step(secret: &[u8], code: &str, now: Timestamp, last: i64) -> Option<i64> {
    let code = digits(code)?;
    let current = step_at(now);
    (current - 1..=current + 1)
        .filter(|step| *step > last)
        .find(|step| code_at(secret, *step).as_bytes().ct_eq(code.as_bytes()).into())
}

/// The six digits of what was typed; people and apps put a space in the middle.
pub(super) fn digits(typed: &str) -> Option<String> {
    let code: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    (code.len() == DIGITS && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}

fn code_at(secret: &[u8], step: i64) -> String {
    format!("{:06}", truncated(secret, step) % 1_000_000)
}

/// RFC 4226, 5.3.
fn truncated(secret: &[u8], step: i64) -> u32 {
    let mut mac = <Hmac<Sha1> as Mac>::new_from_slice(secret).unwrap_or_else(|_| unreachable!("any length"));
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0x0f);
    let four = [
        digest[offset],
        digest[offset + 1],
        digest[offset + 2],
        digest[offset + 3],
    ];
    u32::from_be_bytes(four) & 0x7fff_ffff
}

/// RFC 4648 without padding: how authenticator apps take a key.
pub(super) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    for chunk in bytes.chunks(5) {
        let mut five = [0; 5];
        five[..chunk.len()].copy_from_slice(chunk);
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let letters = (chunk.len() * 8).div_ceil(5);
        let letter = |n: usize| char::from(ALPHABET[usize::try_from(bits >> (35 - 5 * n) & 31).unwrap_or(0)]);
        text.extend((0..letters).map(letter));
    }
    text
}

/// What the QR code holds. `host` tells two Parlors in one app apart.
pub(super) fn otpauth_url(secret: &[u8], host: &str, email: &str) -> String {
    let issuer = format!("Parlor ({host})");
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    // Apps read a plus sign as itself, so a space must be %20.
    let [issuer, email] = [&issuer, email].map(|text| encode(text).replace('+', "%20"));
    let key = base32(secret);
    format!("otpauth://totp/{issuer}:{email}?secret={key}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
}

/// The QR code of `text` as an image that says what it is. Always dark on light: scanners need that in dark mode too.
pub(super) fn qr_svg(text: &str, label: &str) -> Result<String, qrcode::types::QrError> {
    const QUIET: usize = 4;
    let code = QrCode::with_error_correction_level(text, EcLevel::M)?;
    let width = code.width();
    let size = width + 2 * QUIET;
    let modules = code.to_colors().into_iter().enumerate();
    let dark = modules.filter(|(_, color)| *color == Color::Dark);
    let path: String = dark
        .map(|(at, _)| format!("M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET))
        .collect();
    let label = askama::filters::escape(label, askama::filters::Html)
        .map(|text| text.to_string())
        .unwrap_or_default();
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"qr\" role=\"img\" aria-label=\"{label}\" \
         viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\"><rect width=\"{size}\" height=\"{size}\" \
         fill=\"#fff\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    /// RFC 6238, appendix B: eight digits there.
    #[test]
    fn acc_13_codes_are_those_of_the_rfc() {
        let vectors = [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ];
        for (seconds, code) in vectors {
            assert_eq!(truncated(SECRET, step_at(at(seconds))) % 100_000_000, code, "{seconds}");
        }
        assert_eq!(code_at(SECRET, step_at(at(1_111_111_109))), "081804");
    }

    #[test]
    fn acc_13_one_step_to_either_side_counts_and_none_twice() {
        let now = at(1_111_111_111);
        let step = step_at(now);
        for (of, right) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let found = matching_step(SECRET, &code_at(SECRET, step + of), now, 0);
            assert_eq!(found, right.then_some(step + of), "{of}");
        }
        let code = code_at(SECRET, step);
        assert_eq!(matching_step(SECRET, &code, now, step - 1), Some(step));
        assert_eq!(matching_step(SECRET, &code, now, step), None, "used");
        assert_eq!(
            matching_step(SECRET, &code_at(SECRET, step - 1), now, step),
            None,
            "older than used"
        );
    }

    #[test]
    fn a_typed_code_may_have_spaces_and_nothing_else() {
        assert_eq!(digits(" 123 456 ").as_deref(), Some("123456"));
        for wrong in ["12345", "1234567", "12345a", "", "１２３４５６", "12345\u{301}"] {
            assert_eq!(digits(wrong), None, "{wrong}");
        }
    }

    /// RFC 4648, 10.
    #[test]
    fn base32_is_that_of_the_rfc() {
        for (plain, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), text);
        }
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn the_qr_code_is_an_image_with_a_name() {
        let url = otpauth_url(SECRET, "parlor.example.org", "mira+home@example.org");
        assert_eq!(
            url,
            "otpauth://totp/Parlor%20%28parlor.example.org%29:mira%2Bhome%40example.org\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Parlor%20%28parlor.example.org%29\
             &algorithm=SHA1&digits=6&period=30"
        );
        let svg = qr_svg(&url, "a \"code\"").unwrap();
        assert!(
            svg.contains("role=\"img\"") && svg.contains("a &#34;code&#34;"),
            "{svg}"
        );
        assert!(!svg.contains(" style="));
    }
}
