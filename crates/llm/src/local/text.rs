//! Bytes of tokens as text. A token may end in the middle of a character.

/// Holds back the start of a character until the rest has come.
#[derive(Default)]
pub(super) struct Characters {
    held: Vec<u8>,
}

impl Characters {
    /// Takes a token's bytes and gives the whole characters there are. Bytes that are no text become `U+FFFD`.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        self.held.extend_from_slice(bytes);
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.held) {
                Ok(rest) => {
                    text.push_str(rest);
                    self.held.clear();
                    return text;
                }
                Err(error) => {
                    let whole = error.valid_up_to();
                    text.push_str(&String::from_utf8_lossy(&self.held[..whole]));
                    let Some(wrong) = error.error_len() else {
                        self.held.drain(..whole);
                        return text;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    self.held.drain(..whole + wrong);
                }
            }
        }
    }

    /// What is still held when no more will come: half a character, or nothing.
    pub(super) fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.held)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::Characters;

    #[test]
    fn characters_stay_whole_however_the_tokens_cut_them() {
        let text = "aé日🎉 z";
        for cut in 0..=text.len() {
            let mut characters = Characters::default();
            let (first, second) = text.as_bytes().split_at(cut);
            let first = characters.push(first);
            assert!(text.starts_with(&first));
            assert_eq!(first + &characters.push(second) + &characters.finish(), text);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        let mut characters = Characters::default();
        assert_eq!(characters.push(b"a\xffb\xe6\x97"), "a\u{fffd}b");
        assert_eq!(characters.push(b"c"), "\u{fffd}c");
        assert_eq!(characters.push(b"\xf0\x9f"), "");
        assert_eq!(characters.finish(), "\u{fffd}");
    }
}
