//! Sample data for tests and for looking at the pages.

use super::*;
use crate::ui::dates::When;
use crate::ui::markdown;

const ANSWER: &str = "Then let's keep it **quiet and close to the water**. Since you don't eat fish and like early mornings:\n\n1. *Friday:* train to Lübeck, walk the old town after the crowds leave.\n2. *Saturday:* bikes along the Wakenitz, lunch at a farm café.\n3. *Sunday:* the first ferry to Travemünde, then home by four.\n\nHere is the packing check you asked for:\n\n```python\ndef missing(packed: set[str]) -> list[str]:\n    \"\"\"What still has to go into the bag.\"\"\"\n    needed = {\"rain jacket\", \"notebook\", \"charger\"}\n    return sorted(needed - packed)\n```\n\n| Day | Hours outside | Cost |\n|---|--:|--:|\n| Saturday | 6 | 48 € |\n| Sunday | 4 | 31 € |\n\nShall I look for a room with a desk?";

fn when(label: &str) -> When {
    When {
        iso: "2026-11-20T09:14:00Z".into(),
        label: label.into(),
        full: "20 November 2026, 09:14".into(),
    }
}

fn link(id: &str, title: &str, active: bool) -> ChatLink {
    ChatLink {
        id: id.into(),
        title: title.into(),
        when: when("09:14"),
        active,
        snippet: None,
    }
}

fn sidebar(active: bool) -> Sidebar {
    let group = |label: &str, chats| ChatGroup {
        label: label.into(),
        chats,
    };
    let groups = vec![
        group(
            "Today",
            vec![
                link("c1", "A weekend near the water", active),
                link("c2", "Questions for the landlord", false),
            ],
        ),
        group(
            "Yesterday",
            vec![
                link("c3", "Sourdough that will not rise", false),
                link("c4", "", false),
                link("c5", "Explain borrow checking with a library metaphor", false),
            ],
        ),
        group(
            "Earlier this week",
            vec![
                link("c6", "Birthday speech for Jonas", false),
                link("c7", "Running plan, gently", false),
            ],
        ),
    ];
    Sidebar {
        query: String::new(),
        groups,
        next_page: Some("/en/chats?cursor=x".into()),
    }
}

fn composer(action: String) -> Composer {
    Composer {
        action,
        draft: String::new(),
        tier: Tier::Quick,
        quick_units: 1,
        enhanced_units: 2,
        error: None,
    }
}

fn person(id: &str, text: &str) -> MessageView {
    MessageView {
        id: id.into(),
        role: Role::User,
        text: text.into(),
        when: when("09:14"),
        ..MessageView::default()
    }
}

fn answer(id: &str, text: &str, status: Status) -> MessageView {
    MessageView {
        id: id.into(),
        role: Role::Assistant,
        html: markdown::render(text),
        text: text.into(),
        status,
        tier: Some(Tier::Enhanced),
        model: Some("gpt-4o".into()),
        when: when("09:14"),
        ..MessageView::default()
    }
}

/// The empty room.
pub fn chats(page: Page) -> ChatsView {
    let composer = composer(page.url("/chats"));
    ChatsView {
        page: Page { notice: None, ..page },
        sidebar: sidebar(false),
        composer,
        model: ModelNotice::Weak {
            name: "SmolLM2 135M".into(),
        },
    }
}

/// A search in the list.
pub fn search(page: Page) -> ChatsView {
    let mut view = chats(page);
    view.sidebar.query = "ferry".into();
    view.sidebar.groups.truncate(1);
    view.sidebar.groups[0].chats.truncate(1);
    view.sidebar.groups[0].chats[0].snippet = Some("… the first ferry to Travemünde, then home by four …".into());
    view
}

/// A finished exchange.
pub fn conversation(page: Page) -> ChatView {
    let mut first = answer("m2", ANSWER, Status::Complete);
    first.recalled = vec![
        RecalledView {
            content: "I don't eat fish, and I'm happiest before eight in the morning.".into(),
            when: when("3 Nov"),
            score: 0.91,
        },
        RecalledView {
            content: "Jonas and I want a weekend away before Christmas.".into(),
            when: when("12 Nov"),
            score: 0.64,
        },
    ];
    first.learned = vec![LearnedView {
        id: "x1".into(),
        content: "Wants the weekend to be by train, without a car.".into(),
    }];
    let composer = composer(page.url("/chats/c1/messages"));
    ChatView {
        page: Page {
            path: "/chats/c1".into(),
            notice: None,
            ..page
        },
        sidebar: sidebar(true),
        composer,
        model: ModelNotice::None,
        chat_id: "c1".into(),
        title: "A weekend near the water".into(),
        messages: vec![
            person(
                "m1",
                "Plan us a weekend somewhere near the water. By train, please, we don't want a car.\nAnd a little packing check in Python?",
            ),
            first,
        ],
    }
}

/// An answer that has not begun.
pub fn waiting(page: Page) -> ChatView {
    let mut view = conversation(page);
    view.messages.truncate(1);
    view.messages.push(answer("m3", "", Status::Running));
    view
}

/// Every state an answer can be in.
pub fn chat(page: Page) -> ChatView {
    let mut view = conversation(page);
    view.model = ModelNotice::Weak {
        name: "SmolLM2 135M".into(),
    };
    let mut failed = answer("m5", "", Status::Failed);
    failed.error = Some("The model server did not answer in time. Wait a moment, then try again.".into());
    view.messages.extend([
        person("m4", "And <b>not bold</b>?"),
        failed,
        answer(
            "m6",
            "It would be possible to leave on Thursday evening, which",
            Status::Interrupted,
        ),
        answer("m7", "Let me list every", Status::Cancelled),
        person("m8", "Go on."),
        answer("m9", "", Status::Running),
    ]);
    view
}
