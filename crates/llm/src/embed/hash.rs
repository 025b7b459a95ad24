//! An embedder for fast tests: texts are near each other when they share words.

use async_trait::async_trait;

use super::{Embedder, normalise};
use crate::Error;

const DIMENSIONS: usize = 256;

/// Words that say nothing about what a text is about.
const STOP_WORDS: [&str; 38] = [
    "a", "am", "an", "and", "are", "as", "at", "be", "did", "do", "does", "for", "have", "he", "i", "in", "is", "it",
    "me", "my", "of", "on", "or", "she", "that", "the", "they", "this", "to", "was", "we", "what", "where", "which",
    "who", "with", "you", "your",
];

/// Hashes the stems of a text's words into 256 numbers. The same on every machine and in every run.
#[derive(Clone, Copy, Debug, Default)]
pub struct HashEmbedder;

#[async_trait]
impl Embedder for HashEmbedder {
    fn model_id(&self) -> &str {
        "hashed-words-256"
    }

    fn dimensions(&self) -> usize {
        DIMENSIONS
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Error> {
        Ok(texts.iter().map(|text| vector(text)).collect())
    }
}

fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0; DIMENSIONS];
    let text = text.to_lowercase();
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    for word in words.filter(|word| !STOP_WORDS.contains(word)) {
        vector[bucket(stem(word))] += 1.0;
    }
    if vector.iter().all(|x| *x == 0.0) {
        vector[bucket(&text)] = 1.0;
    }
    normalise(&mut vector);
    vector
}

/// Cuts the commonest English endings, while three letters remain.
fn stem(word: &str) -> &str {
    let cut = |ending: &str| word.strip_suffix(ending).filter(|rest| rest.chars().count() >= 3);
    ["ing", "ed", "es", "s", "e"]
        .iter()
        .find_map(|ending| cut(ending))
        .unwrap_or(word)
}

/// FNV-1a, folded into the vector's length.
fn bucket(word: &str) -> usize {
    let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash % DIMENSIONS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: &str, b: &str) -> f32 {
        vector(a).iter().zip(vector(b)).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn shared_words_are_near_whatever_their_ending() {
        assert!((near("I like hiking", "She liked to hike") - 1.0).abs() < 1e-6);
        assert!(near("my dog is called Rex", "What is my dog's name?") > 0.3);
        assert!(near("my dog is called Rex", "the weather in Paris") < 0.1);
    }

    #[test]
    fn every_text_has_a_vector_of_length_one() {
        for text in ["", "the", "日本語", "hello world"] {
            assert!((near(text, text) - 1.0).abs() < 1e-6, "{text}");
        }
    }
}
