//! The languages Parlor speaks, and which of them a browser asks for.

/// One language of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale {
    /// BCP 47 tag, as it stands in the URL.
    pub code: &'static str,
    /// Its name in itself, for the language switch.
    pub name: &'static str,
    /// Writing direction, `ltr` or `rtl`.
    pub direction: &'static str,
}

/// Every language of the interface; the first is the fallback.
pub const LOCALES: [Locale; 2] = [
    Locale {
        code: "en",
        name: "English",
        direction: "ltr",
    },
    Locale {
        code: "de",
        name: "Deutsch",
        direction: "ltr",
    },
];

/// The supported code equal to `code`, or none: use it to check the first segment of a path.
pub fn supported(code: &str) -> Option<&'static str> {
    LOCALES
        .iter()
        .map(|locale| locale.code)
        .find(|supported| *supported == code)
}

/// The best supported language for an `Accept-Language` header (RFC 9110, 12.5.4); English when nothing fits.
pub fn negotiate(accept_language: &str) -> &'static str {
    let mut best = (0.0, LOCALES[0].code);
    for (code, weight) in accept_language.split(',').filter_map(preference) {
        if weight > best.0 {
            best = (weight, code);
        }
    }
    best.1
}

/// One element of the header as a language we have and its weight from 0 to 1.
fn preference(element: &str) -> Option<(&'static str, f32)> {
    let mut parts = element.split(';');
    let tag = parts.next()?.trim().to_ascii_lowercase();
    let weight = parts
        .find_map(|part| part.trim().strip_prefix("q="))
        .map_or(Some(1.0), |q| q.parse().ok())?;
    let primary = tag.split('-').next()?;
    Some((supported(primary)?, weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_heaviest_language_it_has() {
        assert_eq!(negotiate("de-AT,de;q=0.9,en;q=0.8"), "de");
        assert_eq!(negotiate("fr, en;q=0.5, de;q=0.7"), "de");
        assert_eq!(negotiate("de;q=0.2,en-GB;q=0.3"), "en");
        assert_eq!(negotiate("fr"), "en");
        assert_eq!(negotiate("de;q=nonsense"), "en");
        assert_eq!(negotiate("de;q=0"), "en");
        assert_eq!(negotiate(""), "en");
    }
}
