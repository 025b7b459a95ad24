//! Text as the tokens of an uncased BERT model: cleaned, split into words, and each word into the pieces of the
//! vocabulary. Nothing in a text can act as one of the model's marks.

use std::collections::HashMap;

use rten_text::normalizers::{Bert as Plain, BertOptions, Normalizer};
use rten_text::pre_tokenizers::{Bert as Split, PreTokenizer};
use serde::Deserialize;

use super::local;
use crate::Error;

/// Longer words are unknown words; no vocabulary splits them sensibly.
const MAX_WORD_CHARS: usize = 100;

/// The vocabulary and what surrounds a text.
pub(super) struct Words {
    pieces: HashMap<String, u32>,
    plain: Plain,
    split: Split,
    first: u32,
    last: u32,
    unknown: u32,
}

/// The part of a `tokenizer.json` that differs between models of this kind.
#[derive(Deserialize)]
struct File {
    model: Vocabulary,
}

#[derive(Deserialize)]
struct Vocabulary {
    vocab: HashMap<String, u32>,
}

impl Words {
    /// Reads the vocabulary out of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`Error::Local`] when it is not one of a BERT model.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, Error> {
        let file: File = serde_json::from_slice(json).map_err(local)?;
        let pieces = file.model.vocab;
        let mark = |name: &str| {
            pieces
                .get(name)
                .copied()
                .ok_or_else(|| local(format!("the vocabulary has no {name}")))
        };
        let (first, last, unknown) = (mark("[CLS]")?, mark("[SEP]")?, mark("[UNK]")?);
        let plain = Plain::new(BertOptions {
            lowercase: true,
            strip_accents: true,
        });
        Ok(Self {
            pieces,
            plain,
            split: Split::new(),
            first,
            last,
            unknown,
        })
    }

    /// At most `limit` tokens, with the marks around them.
    ///
    /// # Errors
    /// [`Error::Local`] when the text cannot be split; no text is known to do that.
    pub(super) fn tokens(&self, text: &str, limit: usize) -> Result<Vec<u32>, Error> {
        let (text, _) = self.plain.normalize(&clean(text)).map_err(local)?;
        let mut tokens = vec![self.first];
        let words = self.split.pre_tokenize(&text).map_err(local)?;
        for word in words.into_iter().filter(|word| *word != " ") {
            self.word(word, &mut tokens);
            if tokens.len() >= limit {
                tokens.truncate(limit - 1);
                break;
            }
        }
        tokens.push(self.last);
        Ok(tokens)
    }

    /// The longest pieces from left to right; when that gets stuck, the whole word is unknown.
    fn word(&self, word: &str, tokens: &mut Vec<u32>) {
        let before = tokens.len();
        let mut rest = word;
        if word.chars().count() > MAX_WORD_CHARS {
            return tokens.push(self.unknown);
        }
        while !rest.is_empty() {
            let Some((token, length)) = self.longest_piece(rest, rest.len() < word.len()) else {
                tokens.truncate(before);
                return tokens.push(self.unknown);
            };
            tokens.push(token);
            rest = &rest[length..];
        }
    }

    fn longest_piece(&self, rest: &str, inside: bool) -> Option<(u32, usize)> {
        let mut piece = if inside { format!("##{rest}") } else { rest.to_owned() };
        let mark = piece.len() - rest.len();
        while piece.len() > mark {
            if let Some(token) = self.pieces.get(&piece) {
                return Some((*token, piece.len() - mark));
            }
            piece.pop();
        }
        None
    }
}

/// Drops what is invisible, makes every white space a plain one, and sets Chinese characters apart as words.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            c if c.is_whitespace() => clean.push(' '),
            c if is_invisible(c) => {}
            c if is_chinese(c) => clean.extend([' ', c, ' ']),
            c => clean.push(c),
        }
    }
    clean
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}')
        || matches!(c, '\u{feff}' | '\u{fffd}')
}

/// The blocks of CJK ideographs; Japanese kana and Korean are written with or like spaces and stay together.
fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
        || matches!(c, '\u{20000}'..='\u{2a6df}' | '\u{2a700}'..='\u{2ceaf}' | '\u{2f800}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: [&str; 3] = ["[UNK]", "[CLS]", "[SEP]"];
    const PIECES: [&str; 8] = ["hello", "!", "un", "##believ", "##able", "caf", "##e", "日"];

    fn words() -> Words {
        let vocab: HashMap<&str, usize> = MARKS
            .iter()
            .chain(&PIECES)
            .enumerate()
            .map(|(id, piece)| (*piece, id))
            .collect();
        Words::from_json(serde_json::json!({"model": {"vocab": vocab}}).to_string().as_bytes()).unwrap()
    }

    fn read(text: &str) -> Vec<u32> {
        let tokens = words().tokens(text, 8).unwrap();
        assert_eq!((tokens[0], *tokens.last().unwrap()), (1, 2));
        tokens[1..tokens.len() - 1].to_vec()
    }

    #[test]
    fn words_are_split_into_the_longest_pieces() {
        assert_eq!(read("Hello! unbelievable"), [3, 4, 5, 6, 7]);
        assert_eq!(read("CAFÉ\u{200b}\t\u{0}hello"), [8, 9, 3]);
        assert_eq!(read("日日"), [10, 10]);
        assert!(read("").is_empty());
    }

    #[test]
    fn a_word_that_cannot_be_split_is_one_unknown() {
        assert_eq!(read("unbelievx hello"), [0, 3]);
        assert_eq!(read(&"un".repeat(60)), [0]);
    }

    #[test]
    fn marks_in_a_text_are_only_text() {
        assert!(read("[SEP]").iter().all(|token| *token != 2));
    }

    #[test]
    fn a_long_text_is_cut_and_still_closed() {
        assert_eq!(
            words().tokens(&"hello ".repeat(20), 8).unwrap(),
            [1, 3, 3, 3, 3, 3, 3, 2]
        );
        assert_eq!(
            words()
                .tokens("unbelievable unbelievable unbelievable", 8)
                .unwrap()
                .len(),
            8
        );
    }

    #[test]
    fn another_file_is_refused() {
        assert!(Words::from_json(b"{}").is_err());
        assert!(Words::from_json(br#"{"model":{"vocab":{"a":1}}}"#).is_err());
    }
}
