//! What a chat is, decided without a database.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::{self, Config};

pub(super) const MOST_CHARACTERS: usize = 100_000;

/// Which pipeline answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    #[default]
    Quick,
    Enhanced,
}

impl Tier {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Enhanced => "enhanced",
        }
    }

    #[must_use]
    pub fn parse(text: Option<&str>) -> Self {
        if text == Some("enhanced") {
            Self::Enhanced
        } else {
            Self::Quick
        }
    }

    #[must_use]
    pub fn config(self, config: &Config) -> &config::Tier {
        match self {
            Self::Quick => &config.tiers.quick,
            Self::Enhanced => &config.tiers.enhanced,
        }
    }
}

/// A chat without a title is called by how it began.
pub(super) fn title_from(content: &str) -> String {
    const MOST: usize = 60;
    let line = content.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MOST {
        return line;
    }
    let cut: String = line.chars().take(MOST).collect();
    let whole_words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{whole_words}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_beginning_in_whole_words() {
        assert_eq!(title_from("  Hello\n there "), "Hello there");
        let long = "I would like to know how the tides work and why there are two of them each day";
        assert_eq!(
            title_from(long),
            "I would like to know how the tides work and why there are…"
        );
        assert_eq!(title_from(&"x".repeat(100)).chars().count(), 61);
    }
}
