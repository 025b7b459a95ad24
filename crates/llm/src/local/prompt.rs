//! A conversation as the tokens the model reads.

use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;

use crate::{Message, Role};

/// Tokens of a turn that are not its content: the marks, the role and the line ends. An upper bound.
const FRAME: usize = 8;

/// One message, as tokens.
#[derive(Clone, Debug, PartialEq)]
struct Turn<T> {
    role: Role,
    content: Vec<T>,
}

/// The prompt in ChatML, at most `budget` tokens long, ending where the answer starts.
pub(super) fn tokens(vocab: &LlamaVocab<'_>, messages: &[Message], budget: usize) -> Vec<LlamaToken> {
    // What people write must never act as a mark, so it is read as plain text; only our own frame may hold marks.
    let plain = |text: &str| vocab.tokenize(text.as_bytes(), false, false);
    let frame = |text: &str| vocab.tokenize(text.as_bytes(), false, true);
    let turns = messages.iter().map(|message| Turn {
        role: message.role,
        content: plain(&message.content),
    });
    let opening = frame("<|im_start|>assistant\n");
    let mut tokens = Vec::new();
    for turn in fit(turns.collect(), budget.saturating_sub(opening.len())) {
        tokens.extend(frame(&format!("<|im_start|>{}\n", name(turn.role))));
        tokens.extend(turn.content);
        tokens.extend(frame("<|im_end|>\n"));
    }
    tokens.extend(opening);
    tokens
}

fn name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// Drops the oldest turns until the rest fits, but never the instructions or the last question. When those alone are
/// too long, they are cut.
fn fit<T>(mut turns: Vec<Turn<T>>, budget: usize) -> Vec<Turn<T>> {
    while length(&turns) > budget {
        let last = last_question(&turns);
        let oldest = (0..turns.len()).find(|place| turns[*place].role != Role::System && Some(*place) != last);
        match oldest {
            Some(place) => drop(turns.remove(place)),
            None => return cut(turns, budget),
        }
    }
    turns
}

/// The last turn by the user, or, where there is none, the last turn.
fn last_question<T>(turns: &[Turn<T>]) -> Option<usize> {
    turns
        .iter()
        .rposition(|turn| turn.role == Role::User)
        .or_else(|| turns.len().checked_sub(1))
}

fn length<T>(turns: &[Turn<T>]) -> usize {
    turns.iter().map(|turn| turn.content.len() + FRAME).sum()
}

/// Gives the instructions at most half of the room, evenly, and the question the rest.
fn cut<T>(mut turns: Vec<Turn<T>>, budget: usize) -> Vec<Turn<T>> {
    let room = budget.saturating_sub(FRAME * turns.len());
    let instructions = turns.iter().filter(|turn| turn.role == Role::System).count();
    let share = room / 2 / instructions.max(1);
    for turn in turns.iter_mut().filter(|turn| turn.role == Role::System) {
        turn.content.truncate(share);
    }
    let taken: usize = turns
        .iter()
        .filter(|turn| turn.role == Role::System)
        .map(|turn| turn.content.len())
        .sum();
    for turn in turns.iter_mut().filter(|turn| turn.role != Role::System) {
        cut_middle(&mut turn.content, room - taken);
    }
    turns
}

/// A question stands at the start or at the end of a long message, so the middle goes.
fn cut_middle<T>(content: &mut Vec<T>, room: usize) {
    if content.len() > room {
        let head = room / 2;
        let tail = content.len() - (room - head);
        content.drain(head..tail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(role: Role, content: std::ops::Range<u32>) -> Turn<u32> {
        Turn {
            role,
            content: content.collect(),
        }
    }

    #[test]
    fn what_fits_is_left_alone() {
        let turns = vec![turn(Role::System, 0..10), turn(Role::User, 0..10)];
        assert_eq!(fit(turns.clone(), 36), turns);
    }

    #[test]
    fn the_oldest_turns_go_first_and_the_instructions_stay() {
        let turns = vec![
            turn(Role::System, 0..10),
            turn(Role::User, 0..50),
            turn(Role::Assistant, 0..50),
            turn(Role::User, 0..20),
        ];
        assert_eq!(
            fit(turns.clone(), 130),
            [turns[0].clone(), turns[2].clone(), turns[3].clone()]
        );
        assert_eq!(fit(turns.clone(), 60), [turns[0].clone(), turns[3].clone()]);
    }

    #[test]
    fn the_last_question_stays_before_what_follows_it() {
        let turns = vec![turn(Role::User, 0..20), turn(Role::Assistant, 0..50)];
        assert_eq!(fit(turns, 40), [turn(Role::User, 0..20)]);
    }

    #[test]
    fn as_a_last_resort_both_are_cut() {
        let turns = vec![turn(Role::System, 0..100), turn(Role::User, 0..100)];
        let fitted = fit(turns, 56);
        assert_eq!(length(&fitted), 56);
        assert_eq!(fitted[0], turn(Role::System, 0..20));
        assert_eq!(fitted[1].content, (0..10).chain(90..100).collect::<Vec<_>>());
        assert_eq!(fit(vec![turn(Role::User, 0..100)], 3)[0].content.len(), 0);
        assert!(fit(Vec::<Turn<u32>>::new(), 0).is_empty());
    }
}
