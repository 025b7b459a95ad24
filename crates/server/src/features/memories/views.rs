//! The page of what Parlor remembers about somebody.

use askama::Template;

use crate::ui::Page;
use crate::ui::dates::When;

/// `GET /{locale}/memories?q=&kind=&cursor=`.
#[derive(Debug, Template)]
#[template(path = "features/memories/memories.html")]
pub struct MemoriesView {
    /// The frame.
    pub page: Page,
    /// What is searched for; empty when nothing is.
    pub query: String,
    /// The kinds there are; an empty [`KindChip::id`] stands for all of them.
    pub kinds: Vec<KindChip>,
    /// Newest first, or best first when searched.
    pub memories: Vec<MemoryView>,
    /// Address of the page with older ones.
    pub next_page: Option<String>,
}

/// A kind of memory to look at alone.
#[derive(Debug, Clone)]
pub struct KindChip {
    /// Its name in the API, such as `preference`; empty for all.
    pub id: String,
    /// Whether only these are shown.
    pub active: bool,
    /// How many there are.
    pub count: Option<usize>,
}

/// One memory.
#[derive(Debug, Clone)]
pub struct MemoryView {
    /// Its id.
    pub id: String,
    /// What it says.
    pub content: String,
    /// Its kind's name in the API.
    pub kind: String,
    /// When it happened or was said.
    pub when: When,
    /// The chat it came from.
    pub source: Option<SourceView>,
}

/// The chat that a memory came from.
#[derive(Debug, Clone)]
pub struct SourceView {
    /// Its id.
    pub chat_id: String,
    /// Its title; empty while it has none.
    pub title: String,
}

/// The kinds that have words of their own; any other is shown by its name.
const KINDS: [&str; 7] = [
    "episode",
    "fact",
    "preference",
    "event",
    "plan",
    "instruction",
    "relation",
];

impl MemoriesView {
    fn kind_label(&self, id: &str) -> String {
        match id {
            "" => self.page.t("memory-kind-all"),
            known if KINDS.contains(&known) => self.page.t(&format!("memory-kind-{known}")),
            other => other.to_owned(),
        }
    }

    fn kind_href(&self, kind: &KindChip) -> String {
        let query = askama::filters::urlencode_strict(&self.query)
            .map(|query| query.to_string())
            .unwrap_or_default();
        self.page.url(&format!("/memories?kind={}&q={query}", kind.id))
    }

    fn active_kind(&self) -> Option<&str> {
        self.kinds
            .iter()
            .find(|kind| kind.active && !kind.id.is_empty())
            .map(|kind| kind.id.as_str())
    }

    fn filtered(&self) -> bool {
        !self.query.is_empty() || self.active_kind().is_some()
    }
}

/// Sample data for tests and for looking at the page.
#[cfg(test)]
pub mod sample {
    use super::*;

    fn memory(id: &str, kind: &str, content: &str) -> MemoryView {
        let when = When {
            iso: "2026-11-03T09:14:00Z".into(),
            label: "3 Nov".into(),
            full: "3 November 2026, 09:14".into(),
        };
        let source = Some(SourceView {
            chat_id: "c1".into(),
            title: "A weekend near the water".into(),
        });
        MemoryView {
            id: id.into(),
            content: content.into(),
            kind: kind.into(),
            when,
            source,
        }
    }

    /// Some memories.
    pub fn memories(page: Page) -> MemoriesView {
        let chip = |id: &str, count| KindChip {
            id: id.into(),
            active: id.is_empty(),
            count: Some(count),
        };
        MemoriesView {
            page: Page {
                path: "/memories".into(),
                notice: None,
                ..page
            },
            query: String::new(),
            kinds: vec![
                chip("", 14),
                chip("preference", 5),
                chip("fact", 6),
                chip("plan", 2),
                chip("event", 1),
            ],
            memories: vec![
                memory(
                    "1",
                    "preference",
                    "I don't eat fish, and I'm happiest before eight in the morning.",
                ),
                memory("2", "plan", "Jonas and I want a weekend away before Christmas."),
                memory(
                    "3",
                    "fact",
                    "My sister Ada lives in Lübeck and works on <wind turbines>.",
                ),
                memory(
                    "4",
                    "event",
                    "I ran my first ten kilometres on the last Sunday of October, in the rain, and hated only the middle of it.",
                ),
            ],
            next_page: Some("/en/memories?cursor=x".into()),
        }
    }

    /// Nothing yet.
    pub fn empty(page: Page) -> MemoriesView {
        MemoriesView {
            kinds: Vec::new(),
            memories: Vec::new(),
            next_page: None,
            ..memories(page)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{check_html, pages};

    #[test]
    fn each_memory_can_be_forgotten() {
        for page in pages() {
            let view = sample::memories(page);
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert_eq!(html.matches("/delete\"").count(), 4);
            assert!(!html.contains("<wind"), "content is escaped");
            assert!(html.contains("href=\"/en/chats/c1\"") || view.page.locale().code == "de");
        }
    }

    #[test]
    fn nothing_yet_and_nothing_found_differ() {
        for page in pages() {
            let empty = sample::empty(page.clone());
            let html = empty.render().expect("renders");
            check_html(&html, &empty.page);
            assert!(html.contains(&page.t("memories-empty-title")));
            let none = MemoriesView {
                query: "a&b".into(),
                kinds: sample::memories(page.clone()).kinds,
                ..sample::empty(page.clone())
            };
            let html = none.render().expect("renders");
            check_html(&html, &none.page);
            assert!(html.contains(&page.t("memories-none-title")));
            assert!(html.contains("q=a%26b"));
        }
    }

    #[test]
    fn every_kind_has_words() {
        for page in pages() {
            let view = sample::memories(page);
            for kind in KINDS {
                assert!(!view.kind_label(kind).starts_with("memory-kind"), "{kind}");
            }
            assert_eq!(view.kind_label("dream"), "dream");
        }
    }
}
