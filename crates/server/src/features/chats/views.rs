//! The chat pages: the list beside an empty room, and one conversation.

use askama::Template;

use crate::ui::Page;
pub use parts::{
    ChatGroup, ChatLink, Composer, LearnedView, MessageView, ModelNotice, RecalledView, Role, Sidebar, Status, Tier,
};

mod parts;

/// `GET /{locale}/chats`: the list, and an empty room to start in.
#[derive(Debug, Template)]
#[template(path = "features/chats/chats.html")]
pub struct ChatsView {
    /// The frame.
    pub page: Page,
    /// The list of chats.
    pub sidebar: Sidebar,
    /// Where one writes; it posts to `/{locale}/chats`.
    pub composer: Composer,
    /// Whether the models need a word.
    pub model: ModelNotice,
}

impl ChatsView {
    fn name(&self) -> Option<&str> {
        let name = self.page.viewer.as_ref()?.display_name.trim();
        name.split_whitespace().next()
    }

    fn examples(&self) -> [String; 4] {
        [1, 2, 3, 4].map(|n| self.page.t(&format!("example-{n}")))
    }
}

/// `GET /{locale}/chats/{id}`: the list, and one conversation.
#[derive(Debug, Template)]
#[template(path = "features/chats/chat.html")]
pub struct ChatView {
    /// The frame.
    pub page: Page,
    /// The list of chats.
    pub sidebar: Sidebar,
    /// Where one writes; it posts to `/{locale}/chats/{id}/messages`.
    pub composer: Composer,
    /// Whether the models need a word.
    pub model: ModelNotice,
    /// The chat's id.
    pub chat_id: String,
    /// Its title; empty while it has none.
    pub title: String,
    /// Oldest first.
    pub messages: Vec<MessageView>,
}

impl ChatView {
    fn title(&self) -> String {
        if self.title.is_empty() {
            self.page.t("chat-untitled")
        } else {
            self.title.clone()
        }
    }

    fn running(&self) -> bool {
        self.messages.iter().any(|message| message.status == Status::Running)
    }

    /// What the script copies for a message that the server has not shown yet.
    fn blank(&self, role: Role) -> MessageView {
        let status = if role == Role::User {
            Status::Complete
        } else {
            Status::Running
        };
        MessageView {
            role,
            status,
            ..MessageView::default()
        }
    }
}

/// `GET /{locale}/chats/{id}/messages/{message_id}`: one message as it stands in the page.
#[derive(Debug, Template)]
#[template(path = "features/chats/fragment.html")]
pub struct MessageFragment {
    /// The frame, for its words and tokens.
    pub page: Page,
    /// The chat's id.
    pub chat_id: String,
    /// The message.
    pub m: MessageView,
}

#[cfg(test)]
pub mod sample;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{check_fragment, check_html, pages};

    #[test]
    fn the_empty_room_has_examples_that_work_without_scripts() {
        for page in pages() {
            let view = sample::chats(page);
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert_eq!(html.matches("?draft=").count(), 4);
            assert!(html.contains(&view.page.with("welcome-name", "Mira")));
            assert!(
                html.contains("aria-current=\"page\"")
                    || view
                        .sidebar
                        .groups
                        .iter()
                        .all(|group| group.chats.iter().all(|chat| !chat.active))
            );
        }
    }

    #[test]
    fn a_conversation_shows_every_state() {
        for page in pages() {
            let view = sample::chat(page);
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            for status in ["complete", "running", "interrupted", "failed", "cancelled"] {
                assert!(html.contains(&format!("data-status=\"{status}\"")), "{status}");
            }
            assert!(
                html.contains("http-equiv=\"refresh\""),
                "a running answer is looked at again without scripts"
            );
            assert!(html.contains(&view.page.count("recalled-count", 2)));
            assert!(
                html.contains("&#60;b&#62;not bold"),
                "what a person wrote is never markup"
            );
            assert_eq!(
                html.matches("data-continue").count(),
                3,
                "interrupted, failed and cancelled answers can go on"
            );
        }
    }

    #[test]
    fn a_search_shows_the_words_it_found_and_a_waiting_answer_its_skeleton() {
        for page in pages() {
            let view = sample::search(page.clone());
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("chat-link__snippet"));
            let view = sample::waiting(page);
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("class=\"skeleton\""));
        }
    }

    /// The script puts this in place of the answer it has streamed.
    #[test]
    fn one_message_is_the_same_alone_and_in_the_page() {
        for page in pages() {
            let view = sample::chat(page.clone());
            let whole = view.render().expect("renders");
            for m in view.messages {
                let fragment = MessageFragment {
                    page: page.clone(),
                    chat_id: view.chat_id.clone(),
                    m,
                };
                let html = fragment.render().expect("renders");
                check_fragment(&html);
                assert!(whole.contains(html.trim()), "{html}");
            }
        }
    }

    #[test]
    fn without_a_model_the_page_says_what_to_do() {
        for page in pages() {
            let view = ChatsView {
                model: ModelNotice::Missing,
                ..sample::chats(page)
            };
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("parlor models pull") && html.contains("OPENAI_BASE_URL"));
        }
    }

    #[test]
    fn chats_are_grouped_in_the_order_they_come() {
        let text = crate::ui::Text::for_locale("en");
        let now: jiff::Zoned = "2026-11-20T09:30:00+00:00[UTC]".parse().expect("a moment");
        let chat = |id: &str, at: &str| {
            (
                at.parse().expect("a moment"),
                ChatLink {
                    id: id.into(),
                    ..ChatLink::default()
                },
            )
        };
        let chats = vec![
            chat("a", "2026-11-20T08:00:00Z"),
            chat("b", "2026-11-20T07:00:00Z"),
            chat("c", "2026-11-19T07:00:00Z"),
        ];
        let groups = ChatGroup::by_day(text, &now, chats);
        let shown: Vec<_> = groups
            .iter()
            .map(|group| (group.label.as_str(), group.chats.len()))
            .collect();
        assert_eq!(shown, [("Today", 2), ("Yesterday", 1)]);
        assert_eq!(groups[0].chats[0].when.label, "08:00");
    }
}
