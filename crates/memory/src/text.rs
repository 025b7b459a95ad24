//! Text as the words it is searched by, and as the tokens it costs.

use std::collections::HashSet;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use crate::stop_words;

static ENGLISH_STOPS: LazyLock<HashSet<&str>> = LazyLock::new(|| stop_words::ENGLISH.split_whitespace().collect());
static GERMAN_STOPS: LazyLock<HashSet<&str>> = LazyLock::new(|| stop_words::GERMAN.split_whitespace().collect());
static ENGLISH: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));
static GERMAN: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::German));

/// Longer words are numbers, hashes and noise: their beginning finds them too.
const LONGEST_WORD: usize = 40;

/// What a text seems to be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    German,
    /// Too short to tell, or neither.
    Unknown,
}

/// The words a text is indexed and searched by, in their order and with repeats: lower-case ASCII-folded stems
/// without stop words. A word whose language is unknown gives its English and its German stem, so that a one-word
/// query finds texts of either language.
pub fn terms(text: &str) -> Vec<String> {
    let words = words(text);
    let language = language_of(&words);
    let kept: Vec<&String> = words.iter().filter(|word| !is_stop(word, language)).collect();
    // "Who am I?" is all stop words; searching for them beats searching for nothing.
    let kept = if kept.is_empty() { words.iter().collect() } else { kept };
    kept.into_iter().flat_map(|word| stems(word, language)).collect()
}

/// The language by its commonest words: those of only one of the two lists count.
pub(crate) fn language(text: &str) -> Language {
    language_of(&words(text))
}

fn language_of(words: &[String]) -> Language {
    let count = |mine: &HashSet<&str>, other: &HashSet<&str>| {
        words
            .iter()
            .filter(|word| mine.contains(word.as_str()) && !other.contains(word.as_str()))
            .count()
    };
    let english = count(&ENGLISH_STOPS, &GERMAN_STOPS);
    let german = count(&GERMAN_STOPS, &ENGLISH_STOPS);
    match english.cmp(&german) {
        std::cmp::Ordering::Greater => Language::English,
        std::cmp::Ordering::Less => Language::German,
        std::cmp::Ordering::Equal => Language::Unknown,
    }
}

/// `die`, `war` and `will` are words of both: each language drops only its own.
fn is_stop(word: &str, language: Language) -> bool {
    match language {
        Language::English => ENGLISH_STOPS.contains(word),
        Language::German => GERMAN_STOPS.contains(word),
        Language::Unknown => ENGLISH_STOPS.contains(word) || GERMAN_STOPS.contains(word),
    }
}

fn stems(word: &str, language: Language) -> Vec<String> {
    let english = || ENGLISH.stem(word).into_owned();
    let german = || GERMAN.stem(word).into_owned();
    match language {
        Language::English => vec![english()],
        Language::German => vec![german()],
        Language::Unknown => {
            let mut both = vec![english(), german()];
            both.dedup();
            both
        }
    }
}

/// Lower-case words without diacritics or apostrophes.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.unicode_words()
        .flat_map(|word| fold(word).split(' ').map(str::to_owned).collect::<Vec<_>>())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Folds one word: `Straße` to `strasse`, `Café` to `cafe`, `don’t` to `dont`, `3.5` to `3 5`.
fn fold(word: &str) -> String {
    let lower = word.to_lowercase().replace('ß', "ss");
    let letters = lower
        .nfkd()
        .filter(|c| !is_combining_mark(*c) && !matches!(c, '\'' | '’'));
    letters
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .take(LONGEST_WORD)
        .collect()
}

/// Folded words between single spaces, with one at either end: what phrases are looked up in.
pub(crate) fn normalised(text: &str) -> String {
    format!(" {} ", words(text).join(" "))
}

/// About how many tokens a model makes of a text: four ASCII characters each, and one for every other character.
/// Rather too many than too few, so that a budget holds.
pub fn estimate_tokens(text: &str) -> usize {
    let ascii = text.chars().filter(char::is_ascii).count();
    let other = text.chars().count() - ascii;
    ascii.div_ceil(4) + other
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_become_folded_stems_without_stop_words() {
        for (text, expected) in [
            (
                "I live in Lisbon with my two sisters",
                vec!["live", "lisbon", "two", "sister"],
            ),
            ("Don’t call me Ann's café friend", vec!["call", "ann", "cafe", "friend"]),
            (
                "Ich wohne in einer Wohnung in München",
                vec!["wohn", "wohnung", "munch"],
            ),
            ("Die Straße ist laut", vec!["strass", "laut"]),
            ("Version 3.5 of the thing", vec!["version", "3", "5", "thing"]),
            ("", vec![]),
            ("?!", vec![]),
        ] {
            assert_eq!(terms(text), expected, "{text}");
        }
    }

    #[test]
    fn a_question_and_the_statement_it_is_about_share_a_term() {
        for (question, statement) in [
            ("Where do I live?", "I'm living in Porto now"),
            ("What are my allergies?", "I have an allergy to nuts"),
            ("Wo wohne ich?", "Ich wohne jetzt in Köln"),
            ("Was sind meine Hunde?", "Ich habe einen Hund namens Bello"),
            ("Katzen", "Meine Katze heißt Mimi"),
            ("Cafe", "I work in a café"),
        ] {
            let statement = terms(statement);
            assert!(
                terms(question).iter().any(|term| statement.contains(term)),
                "{question}"
            );
        }
    }

    #[test]
    fn a_question_of_stop_words_still_asks_for_something() {
        assert_eq!(terms("Who am I?").len(), 3);
    }

    #[test]
    fn languages_are_told_apart_by_their_small_words() {
        assert_eq!(language("Where is my dog?"), Language::English);
        assert_eq!(language("Wo ist mein Hund?"), Language::German);
        assert_eq!(language("Berlin"), Language::Unknown);
    }

    #[test]
    fn tokens_are_estimated_on_the_high_side() {
        assert_eq!(estimate_tokens(""), 0);
        assert_eq!(estimate_tokens("abcd"), 1);
        assert_eq!(estimate_tokens("abcde"), 2);
        assert_eq!(estimate_tokens("你好"), 2);
    }

    proptest! {
        #[test]
        fn terms_are_lower_case_words_whatever_comes_in(text in "\\PC{0,200}") {
            for term in terms(&text) {
                prop_assert!(!term.is_empty() && term.chars().all(char::is_alphanumeric), "{term:?}");
                prop_assert!(term.chars().count() <= LONGEST_WORD);
            }
        }

        #[test]
        fn more_text_is_never_fewer_tokens(a in "\\PC{0,80}", b in "\\PC{0,80}") {
            let both = a.clone() + &b;
            prop_assert!(estimate_tokens(&both) >= estimate_tokens(&a));
        }
    }
}
