//! When a mail is tried again, and when not: decided without a network.

use std::time::Duration;

use super::Mail;

/// After so many attempts, about a day, a mail is dead.
pub(super) const MAX_ATTEMPTS: i64 = 8;

/// 5 s, 30 s, 2 min, 10 min, 1 h, 6 h, 16 h.
const PAUSES_S: [u64; 7] = [5, 30, 120, 600, 3_600, 21_600, 57_600];

/// The pause after the attempt with this number, from 1. `random` spreads it by a fifth both ways, so that mails that
/// failed together do not come back together.
pub(super) fn pause(attempt: i64, random: u8) -> Duration {
    let at = usize::try_from(attempt - 1).unwrap_or(0).min(PAUSES_S.len() - 1);
    Duration::from_secs(PAUSES_S[at]).mul_f64(0.8 + 0.4 * f64::from(random) / 255.0)
}

/// How long it is of use; none for a mail that stays true. A link that has expired helps nobody.
pub(super) fn lifetime(mail: &Mail) -> Option<Duration> {
    match mail {
        Mail::VerifyEmail { hours, .. } | Mail::ConfirmEmailChange { hours, .. } => {
            Some(Duration::from_secs(u64::from(*hours) * 3600))
        }
        Mail::ResetPassword { minutes, .. } | Mail::SignInCode { minutes, .. } => {
            Some(Duration::from_secs(u64::from(*minutes) * 60))
        }
        _ => None,
    }
}

/// Whether a mail server's answer is about this mail and final. Codes that speak of the login, of TLS or of the
/// protocol (RFC 5321, RFC 4954) are about our settings, which somebody can still mend.
pub(super) fn is_final(code: u16) -> bool {
    (500..600).contains(&code) && !matches!(code, 500 | 502..=504 | 523..=538)
}

/// At most `max` bytes, on a character's border, without control characters.
pub(super) fn shortened(text: &str, max: usize) -> String {
    let end = text.floor_char_boundary(max);
    text[..end]
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_3_pauses_grow_to_about_a_day() {
        let all = |random| (1..MAX_ATTEMPTS).map(move |n| pause(n, random));
        assert!(all(128).is_sorted());
        let total: Duration = all(128).sum();
        assert!((20..=28).contains(&(total.as_secs() / 3600)), "{total:?}");
        assert_eq!(pause(1, 0), Duration::from_secs(4));
        assert_eq!(pause(1, 255), Duration::from_secs(6));
        assert!(pause(100, 255) <= Duration::from_secs(70_000));
    }

    #[test]
    fn mail_3_only_what_is_about_the_mail_is_final() {
        for code in [501, 510, 541, 550, 551, 552, 553, 554, 555, 556] {
            assert!(is_final(code), "{code}");
        }
        for code in [250, 421, 450, 451, 452, 500, 502, 503, 504, 530, 534, 535, 538] {
            assert!(!is_final(code), "{code}");
        }
    }

    #[test]
    fn what_a_server_says_is_kept_short() {
        assert_eq!(shortened("550 nö\r\nnö", 8), "550 nö ");
        assert_eq!(shortened("aö", 2), "a");
    }
}
