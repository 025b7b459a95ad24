//! What the chat pages are made of.

use jiff::{Timestamp, Zoned};

use crate::ui::Text;
use crate::ui::dates::{self, When};

/// The list of chats beside the room.
#[derive(Debug, Clone, Default)]
pub struct Sidebar {
    /// What is searched for; empty when nothing is.
    pub query: String,
    /// The chats, newest first.
    pub groups: Vec<ChatGroup>,
    /// Address of the page with older chats.
    pub next_page: Option<String>,
}

/// Chats of about the same age.
#[derive(Debug, Clone)]
pub struct ChatGroup {
    /// Such as "Today".
    pub label: String,
    /// Its chats, newest first.
    pub chats: Vec<ChatLink>,
}

impl ChatGroup {
    /// Groups chats that come newest first, each with its last activity; fills in [`ChatLink::when`].
    pub fn by_day(text: &Text, now: &Zoned, chats: Vec<(Timestamp, ChatLink)>) -> Vec<ChatGroup> {
        let mut groups: Vec<ChatGroup> = Vec::new();
        for (at, mut chat) in chats {
            chat.when = When::new(text, at, now);
            let label = dates::group_label(text, at, now);
            match groups.last_mut().filter(|group| group.label == label) {
                Some(group) => group.chats.push(chat),
                None => groups.push(ChatGroup {
                    label,
                    chats: vec![chat],
                }),
            }
        }
        groups
    }
}

/// One chat in the list.
#[derive(Debug, Clone, Default)]
pub struct ChatLink {
    /// Its id.
    pub id: String,
    /// Its title; empty while it has none.
    pub title: String,
    /// When something was last said in it.
    pub when: When,
    /// Whether it is the one on the page.
    pub active: bool,
    /// The words found in it, when the list is a search.
    pub snippet: Option<String>,
}

/// Where one writes.
#[derive(Debug, Clone)]
pub struct Composer {
    /// Where its form posts without scripts.
    pub action: String,
    /// What stands in it: an example (`?draft=`), or what could not be sent.
    pub draft: String,
    /// The tier that is chosen.
    pub tier: Tier,
    /// What a quick answer costs, in message units.
    pub quick_units: usize,
    /// What an enhanced answer costs, in message units.
    pub enhanced_units: usize,
    /// Why the message could not be sent.
    pub error: Option<String>,
}

/// Whether the page must say something about the models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelNotice {
    /// Nothing to say.
    None,
    /// Answers come from the small model inside the process.
    Weak {
        /// Its name.
        name: String,
    },
    /// There is no model at all.
    Missing,
}

/// How much an answer may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tier {
    /// Short and fast.
    #[default]
    Quick,
    /// Thorough.
    Enhanced,
}

impl Tier {
    /// The tier of that name in forms and in the API; anything else is [`Tier::Quick`].
    pub fn from_id(id: &str) -> Tier {
        if id == "enhanced" { Tier::Enhanced } else { Tier::Quick }
    }
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// The person.
    User,
    /// Parlor.
    #[default]
    Assistant,
}

impl Role {
    /// Its name in the API and in the page.
    pub fn id(self) -> &'static str {
        if self == Role::User { "user" } else { "assistant" }
    }

    /// The role of that name; anything else is [`Role::Assistant`].
    pub fn from_id(id: &str) -> Role {
        if id == "user" { Role::User } else { Role::Assistant }
    }
}

/// How far an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// All of it is there.
    #[default]
    Complete,
    /// It is being written.
    Running,
    /// The server stopped in mid-answer.
    Interrupted,
    /// The provider failed.
    Failed,
    /// The person stopped it.
    Cancelled,
}

impl Status {
    const ALL: [Status; 5] = [
        Status::Complete,
        Status::Running,
        Status::Interrupted,
        Status::Failed,
        Status::Cancelled,
    ];

    /// Its name in the API and in the page.
    pub fn id(self) -> &'static str {
        match self {
            Status::Complete => "complete",
            Status::Running => "running",
            Status::Interrupted => "interrupted",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
        }
    }

    /// The status of that name; anything else is [`Status::Complete`].
    pub fn from_id(id: &str) -> Status {
        Status::ALL
            .into_iter()
            .find(|status| status.id() == id)
            .unwrap_or_default()
    }

    /// Whether the page offers to go on with it, or to try again.
    pub fn can_continue(self) -> bool {
        matches!(self, Status::Interrupted | Status::Failed | Status::Cancelled)
    }
}

/// One message of a conversation.
#[derive(Debug, Clone, Default)]
pub struct MessageView {
    /// Its id.
    pub id: String,
    /// Who speaks.
    pub role: Role,
    /// An answer's text from [`crate::ui::markdown::render`]; unused for what a person wrote, which is shown as typed.
    pub html: String,
    /// The text as it was written.
    pub text: String,
    /// How far it is.
    pub status: Status,
    /// The tier of an answer.
    pub tier: Option<Tier>,
    /// The model that gave an answer.
    pub model: Option<String>,
    /// When it was said.
    pub when: When,
    /// What Parlor remembered for this answer.
    pub recalled: Vec<RecalledView>,
    /// What Parlor will remember from it.
    pub learned: Vec<LearnedView>,
    /// Why it failed and what to do, in the page's language.
    pub error: Option<String>,
}

/// A memory that went into an answer.
#[derive(Debug, Clone)]
pub struct RecalledView {
    /// What it says.
    pub content: String,
    /// When it happened or was said.
    pub when: When,
    /// How well it fits, from 0 to 1.
    pub score: f32,
}

impl RecalledView {
    /// The score for people.
    pub fn percent(&self) -> usize {
        let percent = (self.score.clamp(0.0, 1.0) * 100.0).round();
        // A clamped value: the cast loses nothing.
        percent as usize
    }
}

/// A memory that came out of a message.
#[derive(Debug, Clone)]
pub struct LearnedView {
    /// Its id.
    pub id: String,
    /// What it says.
    pub content: String,
}
