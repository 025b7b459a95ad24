//! Pages for what went wrong, and for "are you sure?".

use askama::Template;

use super::page::Page;

/// A page that says what went wrong and what to do.
#[derive(Debug, Template)]
#[template(path = "ui/error.html")]
pub struct ErrorView {
    /// The frame.
    pub page: Page,
    /// HTTP status.
    pub status: u16,
    /// What happened, in a few words.
    pub title: String,
    /// What to do about it.
    pub detail: String,
    /// To find it in the logs.
    pub request_id: Option<String>,
    /// Where the button leads.
    pub action_href: String,
    /// What the button says.
    pub action_label: String,
}

impl ErrorView {
    /// The page for a status, with Parlor's own words for it.
    pub fn for_status(page: Page, status: u16, request_id: Option<String>) -> ErrorView {
        let known = [401, 403, 404, 413, 422, 429, 502, 503].contains(&status);
        let name = if known {
            status.to_string()
        } else {
            (if status < 500 { "400" } else { "500" }).to_owned()
        };
        let (path, label) = if status == 401 {
            ("/login", "login")
        } else {
            ("/chats", "error-home")
        };
        ErrorView {
            status,
            title: page.t(&format!("error-{name}-title")),
            detail: page.t(&format!("error-{name}-detail")),
            request_id,
            action_href: page.url(path),
            action_label: page.t(label),
            page,
        }
    }
}

/// Asks before something is deleted, where there is no script to ask in place.
///
/// Its form posts to `action` again, with the field `confirm=yes`.
#[derive(Debug, Template)]
#[template(path = "ui/confirm.html")]
pub struct ConfirmView {
    /// The frame.
    pub page: Page,
    /// The question.
    pub title: String,
    /// What will be gone.
    pub detail: String,
    /// What the button says.
    pub button: String,
    /// Where the form posts.
    pub action: String,
    /// Where "cancel" leads.
    pub back: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{check_html, pages};

    #[test]
    fn every_status_has_words() {
        for status in [400, 401, 403, 404, 405, 413, 422, 429, 500, 502, 503, 504] {
            for page in pages() {
                let view = ErrorView::for_status(page, status, Some("0198-request".into()));
                check_html(&view.render().expect("renders"), &view.page);
                assert!(
                    !view.title.starts_with("error-") && !view.detail.starts_with("error-"),
                    "{status}"
                );
            }
        }
    }

    #[test]
    fn the_question_can_be_answered() {
        for page in pages() {
            let action = page.url("/chats/1/delete");
            let view = ConfirmView {
                title: page.t("chat-delete-title"),
                detail: page.t("chat-delete-detail"),
                button: page.t("chat-delete"),
                back: page.url("/chats/1"),
                action,
                page,
            };
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("name=\"confirm\" value=\"yes\""));
        }
    }
}
