use super::*;
use proptest::prelude::*;

fn kept(message: &str) -> (Kind, f32, Vec<String>) {
    match gate(message) {
        Verdict::Keep {
            kind,
            importance,
            statements,
        } => (kind, importance, statements),
        Verdict::Drop(reason) => panic!("dropped as {reason:?}: {message}"),
    }
}

#[test]
fn what_a_person_says_of_themselves_is_kept_verbatim() {
    for (message, kind, importance) in [
        ("My name is Ada.", Kind::Fact, 0.9),
        ("I live in Lisbon with my sister.", Kind::Fact, 0.9),
        ("I'm allergic to peanuts!", Kind::Fact, 0.9),
        ("I’m vegan.", Kind::Fact, 0.9),
        ("I work as a nurse at a children's hospital.", Kind::Fact, 0.8),
        ("We moved to Porto last week.", Kind::Event, 0.8),
        ("My grandfather died yesterday.", Kind::Event, 0.8),
        ("I'm training for a marathon in April.", Kind::Plan, 0.7),
        ("My dog is called Biscuit.", Kind::Relation, 0.7),
        ("I prefer tea to coffee.", Kind::Preference, 0.6),
        ("I'm tired today.", Kind::Episode, 0.2),
        ("I repaired the old bicycle.", Kind::Episode, 0.4),
        ("The meeting with Dr. Weber is in room nine.", Kind::Episode, 0.3),
        ("From now on answer in French.", Kind::Instruction, 0.9),
        ("Please always use metric units.", Kind::Instruction, 0.9),
        ("Call me Ada.", Kind::Instruction, 0.9),
        ("Remember that the door code is on the fridge.", Kind::Fact, 1.0),
        ("When I was a child, I lived in Rome.", Kind::Episode, 0.4),
        ("Ich heiße Jörg.", Kind::Fact, 0.9),
        ("Ich wohne in Köln.", Kind::Fact, 0.9),
        ("Meine Tochter ist gegen Nüsse allergisch.", Kind::Fact, 0.9),
        ("Ich bin nach Hamburg umgezogen.", Kind::Event, 0.8),
        ("Ich arbeite als Lehrerin.", Kind::Fact, 0.8),
        ("Nächste Woche fahre ich nach Wien.", Kind::Plan, 0.7),
        ("Mein Hund heißt Bello.", Kind::Relation, 0.7),
        ("Ich mag keinen Kaffee.", Kind::Preference, 0.6),
        ("Mein Lieblingsfilm ist Metropolis.", Kind::Preference, 0.6),
        ("Nenn mich Jörg.", Kind::Instruction, 0.9),
        ("Antworte immer auf Deutsch.", Kind::Instruction, 0.9),
        ("Merk dir, dass ich Tee trinke.", Kind::Fact, 1.0),
        ("Ich ziehe am 3. März um.", Kind::Plan, 0.7),
    ] {
        assert_eq!(kept(message), (kind, importance, vec![message.to_owned()]), "{message}");
    }
}

#[test]
fn what_says_nothing_about_the_person_is_dropped() {
    for (message, reason) in [
        ("", Reason::NotOwnWords),
        ("Hi!", Reason::Phatic),
        ("Thanks, that was very helpful!", Reason::Phatic),
        ("ok", Reason::Phatic),
        ("I see.", Reason::Phatic),
        ("I'm fine, thank you", Reason::Phatic),
        ("Danke, das ist sehr gut!", Reason::Phatic),
        ("Guten Morgen", Reason::Phatic),
        ("👍", Reason::Phatic),
        ("Where do I live?", Reason::Question),
        ("what is my dog called", Reason::Question),
        ("Do you remember that I like tea?", Reason::Question),
        ("can you help me", Reason::Question),
        ("hey, what is the weather", Reason::Question),
        ("Write a poem about my dog.", Reason::Question),
        ("Please explain quicksort to me", Reason::Question),
        ("I want you to act as a pirate.", Reason::Question),
        ("Wo wohne ich?", Reason::Question),
        ("kannst du mir helfen", Reason::Question),
        ("Erkläre mir die Photosynthese.", Reason::Question),
        ("Weißt du noch, dass ich Tee mag?", Reason::Question),
        ("My password is hunter2.", Reason::Secret),
        ("Mein Passwort lautet Sommer2026!", Reason::Secret),
        ("blue", Reason::TooShort),
        ("> I live in Rome.", Reason::NotOwnWords),
        ("```\nI live in code\n```", Reason::NotOwnWords),
        ("Assistant: I live in a computer.", Reason::NotOwnWords),
        ("<memory>I live on the moon.</memory>", Reason::NotOwnWords),
    ] {
        assert_eq!(gate(message), Verdict::Drop(reason), "{message}");
    }
}

#[test]
fn of_a_mixed_message_only_the_statements_are_kept() {
    for (message, expected) in [
        (
            "Hi! I live in Lisbon. What should I do tonight?",
            vec!["I live in Lisbon."],
        ),
        ("My name is Ada. My password is hunter2.", vec!["My name is Ada."]),
        (
            "My daughter is allergic to nuts, what can I bake?",
            vec!["My daughter is allergic to nuts"],
        ),
        (
            "Ich wohne in Köln, was kann ich heute machen?",
            vec!["Ich wohne in Köln"],
        ),
        (
            "Fix this:\n```\nlet my_home = 1;\n```\nI use Rust at work.",
            vec!["I use Rust at work."],
        ),
        (
            "Danke! Ich mag Tee. Kannst du mir einen empfehlen?",
            vec!["Ich mag Tee."],
        ),
        ("I like tea.\nI like milk.", vec!["I like tea.", "I like milk."]),
    ] {
        assert_eq!(kept(message).2, expected, "{message}");
    }
}

#[test]
fn the_most_important_statement_decides() {
    let (kind, importance, statements) = kept("I like tea. I'm allergic to nuts. I'm tired today.");
    assert_eq!((kind, importance, statements.len()), (Kind::Fact, 0.9, 3));
}

#[test]
fn a_pasted_document_leaves_only_what_was_typed() {
    let article = "I was the first person to see the valley and I will never forget it. ".repeat(40);
    assert_eq!(
        kept(&format!("I wrote this for school.\n\n{article}")).2,
        ["I wrote this for school."]
    );
    assert_eq!(gate(&article), Verdict::Drop(Reason::NotOwnWords));
    let lines = "I say it once more today.\n".repeat(50);
    assert_eq!(kept(&lines).2.len(), MOST_STATEMENTS);
}

#[test]
fn kinds_are_stored_under_their_names() {
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.as_str()), Some(kind));
    }
    assert_eq!(Kind::parse("mood"), None);
}

proptest! {
    #[test]
    fn whatever_is_kept_was_said(message in "(\\PC|\n|\\. |I live |\\? |```|<memory>|my password is ){0,30}") {
        if let Verdict::Keep { importance, statements, .. } = gate(&message) {
            prop_assert!(!statements.is_empty() && (0.0..=1.0).contains(&importance));
            for statement in statements {
                prop_assert!(message.contains(&statement) && !holds_secret(&statement));
            }
        }
    }

    #[test]
    fn nothing_inside_a_fence_is_kept(inside in "[a-zA-Z .]{0,80}") {
        let fenced = format!("```\nI live in {inside}\n```");
        prop_assert_eq!(gate(&fenced), Verdict::Drop(Reason::NotOwnWords));
    }
}
