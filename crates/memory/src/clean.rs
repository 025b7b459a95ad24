//! What the person wrote with their own hand: without code, quotations, transcripts and memories handed back.

use unicode_segmentation::UnicodeSegmentation;

use crate::render::{CLOSE, OPEN};

/// A paragraph longer than this was pasted: nobody types it about themselves.
const LONGEST_PARAGRAPH: usize = 1_500;
/// A sentence longer than this is no statement to recall.
const LONGEST_SENTENCE: usize = 500;

/// Bytes of the shortest opening mark: past them, the mark that closes a fence is not the one that opened it.
const OPENED: usize = 3;

/// Elements that carry text which other programs put in, whoever made them.
const BLOCKS: [&str; 5] = ["memory", "memories", "context", "system", "document"];
/// Who speaks in a pasted transcript.
const SPEAKERS: [&str; 8] = [
    "assistant:",
    "system:",
    "user:",
    "human:",
    "ai:",
    "chatgpt:",
    "developer:",
    "tool:",
];
const ABBREVIATIONS: [&str; 20] = [
    "dr.", "mr.", "mrs.", "ms.", "prof.", "st.", "nr.", "no.", "bzw.", "z.b.", "d.h.", "e.g.", "i.e.", "ca.", "etc.",
    "frau.", "hr.", "fr.", "vs.", "usw.",
];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mär", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "dez",
];

/// The sentences of a message that its author wrote, verbatim.
pub(crate) fn own_sentences(message: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    for part in without_blocks(message) {
        for paragraph in part
            .split("\n\n")
            .filter(|text| text.chars().count() <= LONGEST_PARAGRAPH)
        {
            let lines = paragraph.lines().map(str::trim).filter(|line| is_own(line));
            sentences.extend(lines.map(without_bullet).flat_map(sentences_of));
        }
    }
    sentences.retain(|sentence| sentence.chars().count() <= LONGEST_SENTENCE);
    sentences
}

/// The text between fenced code and injected elements. What is opened and never closed reaches to the end.
fn without_blocks(message: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = message;
    while let Some((start, close)) = next_block(rest) {
        parts.push(&rest[..start]);
        let inside = &rest[start + OPENED..];
        let Some(end) = find_ignoring_case(inside, &close) else {
            return parts;
        };
        rest = &inside[end + close.len()..];
        rest = rest.strip_prefix('>').unwrap_or(rest);
    }
    parts.push(rest);
    parts
}

/// Where the next block begins, and what closes it.
fn next_block(text: &str) -> Option<(usize, String)> {
    let fences = ["```", "~~~"]
        .into_iter()
        .filter_map(|fence| Some((text.find(fence)?, fence.to_owned())));
    let tags = BLOCKS.into_iter().filter_map(|tag| {
        let start = find_ignoring_case(text, &format!("<{tag}"))?;
        Some((start, format!("</{tag}")))
    });
    let ours = text.find(OPEN).map(|start| (start, CLOSE.to_owned()));
    fences.chain(tags).chain(ours).min()
}

fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(&needle.to_ascii_lowercase())
}

/// Whether a line is the author's words: no quotation, transcript, table, code or log.
fn is_own(line: &str) -> bool {
    let lower = line.to_lowercase();
    let quoted = line.starts_with(['>', '|', '#', '{', '}', '<', '$', '@']);
    !line.is_empty() && !quoted && !SPEAKERS.iter().any(|speaker| lower.starts_with(speaker)) && !is_code(line)
}

fn is_code(line: &str) -> bool {
    let total = line.chars().count();
    let marks = line.chars().filter(|c| "{}[]()<>=;|\\/_*&$#^~`+".contains(*c)).count();
    let ends_like_code = line.ends_with([';', '{', '}']) || line.ends_with("):");
    ends_like_code || (total >= 12 && marks * 6 > total)
}

fn without_bullet(line: &str) -> &str {
    line.strip_prefix("- ")
        .or_else(|| line.strip_prefix("* "))
        .or_else(|| line.strip_prefix("• "))
        .unwrap_or(line)
}

/// Sentences of a line; the standard's rules split after `Dr.` and `3.` and are put right.
fn sentences_of(line: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let pieces: Vec<(usize, &str)> = line.split_sentence_bound_indices().collect();
    for (i, (at, piece)) in pieces.iter().enumerate() {
        let end = at + piece.len();
        if pieces
            .get(i + 1)
            .is_some_and(|(_, next)| goes_on(&line[start..end], next))
        {
            continue;
        }
        sentences.push(line[start..end].trim());
        start = end;
    }
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

fn goes_on(before: &str, next: &str) -> bool {
    let last = before.split_whitespace().last().unwrap_or_default().to_lowercase();
    let ordinal = last
        .strip_suffix('.')
        .is_some_and(|n| n.len() <= 2 && n.parse::<u8>().is_ok());
    let next = next.to_lowercase();
    ABBREVIATIONS.contains(&last.as_str()) || (ordinal && MONTHS.iter().any(|month| next.starts_with(month)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Recalled, render};
    use proptest::prelude::*;

    #[test]
    fn only_the_authors_own_sentences_are_left() {
        for (message, expected) in [
            ("I like tea. I hate milk!", vec!["I like tea.", "I hate milk!"]),
            ("I see Dr. Weber on Friday.", vec!["I see Dr. Weber on Friday."]),
            (
                "Ich ziehe am 3. März um. Das wird gut.",
                vec!["Ich ziehe am 3. März um.", "Das wird gut."],
            ),
            (
                "My code:\n```rust\nlet my = 1; // I live here\n```\nI use Rust.",
                vec!["My code:", "I use Rust."],
            ),
            ("Before\n```\nI am never closed", vec!["Before"]),
            ("~~~\nx\n~~~\nAfter", vec!["After"]),
            ("> I live in Rome.\nNot me.", vec!["Not me."]),
            ("Assistant: I am a model.\nUser: I am you.\nReal.", vec!["Real."]),
            ("- I have a cat\n* I have a dog", vec!["I have a cat", "I have a dog"]),
            (
                "<memory>I live on the moon.</memory>I live on earth.",
                vec!["I live on earth."],
            ),
            ("<MEMORIES a=b>x</memories>\nmine", vec!["mine"]),
            (
                "let x = foo(bar)[0];\nfn main() {\nI wrote that.",
                vec!["I wrote that."],
            ),
        ] {
            assert_eq!(own_sentences(message), expected, "{message}");
        }
    }

    #[test]
    fn recalled_memories_do_not_come_back_as_news() {
        let block = render(
            &[Recalled {
                content: "I live in Lisbon.",
                occurred_on: "2026-11-20",
            }],
            500,
        )
        .unwrap();
        assert!(own_sentences(&block).is_empty(), "{:?}", own_sentences(&block));
        assert_eq!(
            own_sentences(&format!("I like tea.\n{block}\nI like milk.")),
            ["I like tea.", "I like milk."]
        );
    }

    #[test]
    fn pasted_paragraphs_are_left_out_and_typed_ones_stay() {
        let pasted = "I am the author of this article. ".repeat(60);
        assert_eq!(
            own_sentences(&format!("I wrote this:\n\n{pasted}\n\nI am proud.")),
            ["I wrote this:", "I am proud."]
        );
    }

    proptest! {
        #[test]
        fn every_sentence_is_verbatim(message in "\\PC{0,60}(```|<memory>|\n\n|> |\\. |ß|İ)\\PC{0,60}") {
            for sentence in own_sentences(&message) {
                prop_assert!(message.contains(sentence));
            }
        }
    }
}
