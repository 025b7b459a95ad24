//! Which of a person's sentences are worth remembering.

use serde::{Deserialize, Serialize};

use crate::clean::own_sentences;
use crate::cues::{
    ASKING_VERBS, ASKS_MEMORY, CUES, Cue, FIRST_PERSON, PHATIC, QUESTION_STARTS, REMEMBER, REQUEST_PHRASES,
    REQUEST_STARTS,
};
use crate::secrets::holds_secret;
use crate::text::normalised;

/// Most statements of one message: more than this is a document, not a person speaking.
const MOST_STATEMENTS: usize = 20;
/// Fewest words of a statement that does not speak of the person.
const FEWEST_WORDS: usize = 5;
/// From this importance on, the first clause of a question is a statement of its own.
const CLAUSE_IMPORTANCE: f32 = 0.6;

/// What to do with a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Remember these sentences.
    Keep {
        /// What the most important of them is.
        kind: Kind,
        /// Of the most important of them, 0 to 1.
        importance: f32,
        /// The author's own sentences, verbatim, in their order.
        statements: Vec<String>,
    },
    /// Remember nothing.
    Drop(Reason),
}

/// Why nothing of a message is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing the person wrote with their own hand: empty, or only code, quotations, pasted or injected text.
    NotOwnWords,
    /// Greetings, thanks, assent.
    Phatic,
    /// Questions and requests only.
    Question,
    /// A password, a key or a card number, and nothing else.
    Secret,
    /// Too little to make sense of later.
    TooShort,
}

/// What kind of thing a memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something that was said.
    Episode,
    /// What is so: name, home, work, health.
    Fact,
    /// What the person likes and dislikes.
    Preference,
    /// What happened.
    Event,
    /// What is to happen.
    Plan,
    /// How the person wants to be answered from now on.
    Instruction,
    /// Who belongs to the person.
    Relation,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Episode,
        Self::Fact,
        Self::Preference,
        Self::Event,
        Self::Plan,
        Self::Instruction,
        Self::Relation,
    ];

    /// The name it is stored under.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Episode => "episode",
            Self::Fact => "fact",
            Self::Preference => "preference",
            Self::Event => "event",
            Self::Plan => "plan",
            Self::Instruction => "instruction",
            Self::Relation => "relation",
        }
    }

    /// The kind stored under a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Days after which it counts half as recent; `None` for what does not grow old.
    pub(crate) fn half_life_days(self) -> Option<f32> {
        match self {
            Self::Episode | Self::Event => Some(90.0),
            Self::Plan => Some(30.0),
            Self::Preference => Some(365.0),
            Self::Fact | Self::Instruction | Self::Relation => None,
        }
    }
}

/// Looks at one message of a person (never of a model) and picks what is worth remembering. Drops greetings, questions,
/// requests, code, quotations, pasted text, memories handed back, and secrets. Understands English and German.
pub fn gate(user_message: &str) -> Verdict {
    let judged: Vec<Judged> = own_sentences(user_message).into_iter().map(judge).collect();
    let kept: Vec<&Statement> = judged
        .iter()
        .filter_map(|one| one.as_ref().ok())
        .take(MOST_STATEMENTS)
        .collect();
    let best = kept
        .iter()
        .copied()
        .reduce(|best, one| if one.importance > best.importance { one } else { best });
    match best {
        Some(best) => Verdict::Keep {
            kind: best.kind,
            importance: best.importance,
            statements: kept.iter().map(|one| one.text.to_owned()).collect(),
        },
        None => Verdict::Drop(reason(&judged)),
    }
}

struct Statement<'a> {
    text: &'a str,
    kind: Kind,
    importance: f32,
}

type Judged<'a> = Result<Statement<'a>, Reason>;

/// The reason that says most about the message.
fn reason(judged: &[Judged]) -> Reason {
    let has = |reason: &Reason| judged.iter().any(|one| one.as_ref().err() == Some(reason));
    [Reason::Secret, Reason::Question, Reason::TooShort, Reason::Phatic]
        .into_iter()
        .find(has)
        .unwrap_or(Reason::NotOwnWords)
}

fn judge(sentence: &str) -> Judged<'_> {
    let text = normalised(sentence);
    if holds_secret(sentence) {
        return Err(Reason::Secret);
    }
    if is_phatic(&text) {
        return Err(Reason::Phatic);
    }
    if has_any(&text, REMEMBER) && !has_any(&text, ASKS_MEMORY) {
        let kind = cue(&text).map_or(Kind::Fact, |cue| cue.kind);
        return Ok(Statement {
            text: sentence,
            kind,
            importance: 1.0,
        });
    }
    if is_question(sentence, &text) {
        return leading_clause(sentence).ok_or(Reason::Question);
    }
    if is_request(&text) {
        return Err(Reason::Question);
    }
    statement(sentence, &text)
}

fn statement<'a>(sentence: &'a str, text: &str) -> Judged<'a> {
    if let Some(cue) = cue(text) {
        return Ok(Statement {
            text: sentence,
            kind: cue.kind,
            importance: cue.importance,
        });
    }
    let personal = is_personal(text);
    let enough = if personal { 3 } else { FEWEST_WORDS };
    if text.split_whitespace().count() < enough {
        return Err(Reason::TooShort);
    }
    Ok(Statement {
        text: sentence,
        kind: Kind::Episode,
        importance: if personal { 0.4 } else { 0.3 },
    })
}

/// "My daughter is allergic to nuts, what can I bake?" says something before it asks.
fn leading_clause(question: &str) -> Option<Statement<'_>> {
    let end = question.find([',', ';', '–', '—'])?;
    let clause = question[..end].trim();
    let text = normalised(clause);
    let cue = cue(&text).filter(|cue| cue.importance >= CLAUSE_IMPORTANCE)?;
    let says = is_personal(&text) && !is_question(clause, &text) && !is_request(&text);
    says.then_some(Statement {
        text: clause,
        kind: cue.kind,
        importance: cue.importance,
    })
}

fn is_phatic(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words.all(|word| is_among(word, PHATIC)) || text.trim().is_empty()
}

fn is_personal(text: &str) -> bool {
    text.split_whitespace().any(|word| is_among(word, FIRST_PERSON))
}

fn is_question(sentence: &str, text: &str) -> bool {
    if sentence
        .trim_end_matches(['"', ')', '!', ' ', '\''])
        .ends_with(['?', '？'])
    {
        return true;
    }
    let mut words = text.split_whitespace().skip_while(|word| OPENERS.contains(word));
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let clause = is_among(second, FIRST_PERSON);
    is_among(first, ASKING_VERBS) || (is_among(first, QUESTION_STARTS) && !clause)
}

/// Words before the word that matters.
const OPENERS: [&str; 8] = ["hi", "hey", "hello", "hallo", "so", "and", "und", "ok"];

fn is_request(text: &str) -> bool {
    let first = text
        .split_whitespace()
        .find(|word| !OPENERS.contains(word))
        .unwrap_or_default();
    let standing = cue(text).is_some_and(|cue| cue.kind == Kind::Instruction);
    !standing && (is_among(first, REQUEST_STARTS) || has_any(text, REQUEST_PHRASES))
}

fn cue(text: &str) -> Option<&'static Cue> {
    CUES.iter().find(|cue| has_any(text, cue.phrases))
}

fn is_among(word: &str, list: &str) -> bool {
    list.split(", ").any(|listed| listed == word)
}

fn has_any(text: &str, phrases: &str) -> bool {
    // Whole words only; a phrase that ends a German compound's first half (`lieblings`) may go on.
    phrases.split(", ").any(|phrase| {
        text.match_indices(phrase).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + phrase.len()..]);
            before.ends_with(' ') && (after.starts_with(' ') || phrase == "lieblings")
        })
    })
}

#[cfg(test)]
mod tests;
