//! Questions brought closer to the statements that answer them.

use crate::text::{Language, language};

/// A question as the encoder should see it: whoever asks is "I", as in what they said.
///
/// With MiniLM, "Where does Ada live?" is .29 from "I live in Lisbon with my sister" and "Where do I live?" .37; a
/// leading "Do I" costs .07. Cutting the question word off as well makes it worse (.30), so it stays.
pub fn first_person(query: &str, name: Option<&str>) -> String {
    let german = language(query) == Language::German;
    let mut words: Vec<String> = query.split_whitespace().map(str::to_owned).collect();
    for name in name
        .iter()
        .flat_map(|name| name.split_whitespace())
        .filter(|name| name.chars().count() > 1)
    {
        words = words.iter().map(|word| replace_name(word, name, german)).collect();
    }
    without_leading_do(&agree(&merge_names(words)))
}

/// `Ada's` to `my`, `Ada` to `I`. Names are written with a capital, so `will` is not the name `Will`.
fn replace_name(word: &str, name: &str, german: bool) -> String {
    let Some(rest) = word.strip_prefix(name) else {
        return word.to_owned();
    };
    let (subject, owner) = if german { ("ich", "mein") } else { ("I", "my") };
    match rest {
        "'s" | "’s" => owner.to_owned(),
        "s" if german => owner.to_owned(),
        _ if rest.starts_with(char::is_alphanumeric) => word.to_owned(),
        _ => format!("{subject}{rest}"),
    }
}

/// `Where does I live` to `Where do I live`.
fn agree(words: &[String]) -> String {
    let mut agreed: Vec<&str> = Vec::with_capacity(words.len());
    for word in words {
        let is_i = word.trim_end_matches(|c: char| !c.is_alphanumeric()) == "I";
        if let Some(verb) = agreed.pop() {
            agreed.push(if is_i { first_person_verb(verb) } else { verb });
        }
        agreed.push(word);
    }
    agreed.join(" ")
}

/// A full name leaves one word of several: `I I` is `I`, `I my` is `my`.
fn merge_names(words: Vec<String>) -> Vec<String> {
    let mut merged: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        let repeats = match merged.last().map(String::as_str) {
            Some("I") => matches!(bare, "I" | "my"),
            Some("ich") => matches!(bare, "ich" | "mein"),
            _ => false,
        };
        if repeats {
            merged.pop();
        }
        merged.push(word);
    }
    merged
}

fn first_person_verb(verb: &str) -> &str {
    match verb {
        "does" => "do",
        "Does" => "Do",
        "is" => "am",
        "Is" => "Am",
        "has" => "have",
        "Has" => "Have",
        other => other,
    }
}

fn without_leading_do(query: &str) -> String {
    let rest = query.strip_prefix("Do I ").or_else(|| query.strip_prefix("do I "));
    rest.map_or_else(|| query.to_owned(), |rest| format!("I {rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_is_i() {
        for (query, name, expected) in [
            ("Where does Ada live?", Some("Ada"), "Where do I live?"),
            ("What is Ada’s job?", Some("Ada"), "What is my job?"),
            ("What is Ada Byron's job?", Some("Ada Byron"), "What is my job?"),
            ("Is Ada Byron here?", Some("Ada Byron"), "Am I here?"),
            ("How is Ada?", Some("Ada"), "How am I?"),
            ("What is Adam's job?", Some("Ada"), "What is Adam's job?"),
            ("Wie heißt Adas Hund?", Some("Ada"), "Wie heißt mein Hund?"),
            ("Where do I live?", None, "Where do I live?"),
            ("Do I have any allergies?", None, "I have any allergies?"),
            ("What will Will do?", Some("Will"), "What will I do?"),
            ("", Some("Ada"), ""),
        ] {
            assert_eq!(first_person(query, name), expected, "{query}");
        }
    }
}
