//! Connections, the page that leads to a provider, and the buttons below a login.

use askama::Template;

use crate::ui::{Page, dates::When};

/// "Continue with …".
#[derive(Debug, Clone)]
pub struct Button {
    /// What the provider is called.
    pub name: String,
    /// Where the button leads: a link, so that it works without scripts.
    pub href: String,
}

impl Button {
    pub(super) fn new(id: &str, name: &str, next: &str) -> Self {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("redirect_to", next)
            .finish();
        Self {
            name: name.to_owned(),
            href: format!("/api/v1/auth/oauth/{id}?{query}"),
        }
    }
}

/// A provider that is linked.
#[derive(Debug)]
pub struct ConnectionView {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What the person is called there.
    pub who: Option<String>,
    /// When it let them in last.
    pub last_used: When,
    /// Whether nothing else does.
    pub only_way_in: bool,
}

/// A provider that can be linked.
#[derive(Debug)]
pub struct OfferView {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// `GET /{locale}/security/connections`.
#[derive(Debug, Template)]
#[template(path = "features/oauth/connections.html")]
pub struct ConnectionsView {
    /// The frame.
    pub page: Page,
    /// What is linked.
    pub connections: Vec<ConnectionView>,
    /// What is not.
    pub offers: Vec<OfferView>,
}

/// Between us and the provider: shown for a moment, or until its link is followed.
#[derive(Debug, Template)]
#[template(path = "features/oauth/leave.html")]
pub struct LeaveView {
    /// The frame.
    pub page: Page,
    /// What the provider is called.
    pub name: String,
    /// Where it asks.
    pub url: String,
}

/// Sample data for tests and for looking at the pages.
#[cfg(test)]
pub mod sample {
    use super::*;

    /// One linked, which is the only way in, and one that is not.
    pub fn connections(page: Page) -> ConnectionsView {
        let at: jiff::Timestamp = "2026-05-01T08:00:00Z".parse().expect("a time");
        let now = at.to_zoned(jiff::tz::TimeZone::UTC);
        ConnectionsView {
            connections: vec![ConnectionView {
                id: "github".into(),
                name: "GitHub".into(),
                who: Some("mira\"<holm>".into()),
                last_used: When::new(page.text, at, &now),
                only_way_in: true,
            }],
            offers: vec![OfferView {
                id: "google".into(),
                name: "Google".into(),
            }],
            page: Page {
                path: "/security/connections".into(),
                notice: None,
                ..page
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{check_html, pages};

    #[test]
    fn what_is_linked_can_be_cut_and_what_is_not_can_be_linked() {
        for page in pages() {
            let mut view = sample::connections(page);
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(!html.contains("<holm>"), "values are escaped");
            assert!(html.contains("/security/connections/google\""));
            assert!(!html.contains("/security/connections/github/delete"), "the only way in");
            assert!(html.contains(&view.page.with("connections-only-way-in", "GitHub")));
            view.connections[0].only_way_in = false;
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("/security/connections/github/delete\""));
        }
    }

    #[test]
    fn a_server_without_providers_says_so() {
        for page in pages() {
            let view = ConnectionsView {
                connections: Vec::new(),
                offers: Vec::new(),
                page,
            };
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains(&view.page.t("connections-none")));
        }
    }

    #[test]
    fn the_page_between_has_a_link() {
        for page in pages() {
            let view = LeaveView {
                name: "GitHub".into(),
                url: "https://github.com/login/oauth/authorize?a=b&c=d".into(),
                page,
            };
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(
                html.contains("href=\"https://github.com/login/oauth/authorize?a=b&#38;c=d\""),
                "{html}"
            );
        }
    }

    #[test]
    fn a_button_keeps_where_to_go() {
        let button = Button::new("github", "GitHub", "/en/chats?q=a b");
        assert_eq!(
            button.href,
            "/api/v1/auth/oauth/github?redirect_to=%2Fen%2Fchats%3Fq%3Da+b"
        );
    }
}
