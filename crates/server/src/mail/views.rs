//! The pages of the outbox.

use askama::Template;

use crate::ui::{Page, dates::When};

/// `GET /{locale}/admin/mail?status=&cursor=`.
#[derive(Debug, Template)]
#[template(path = "mail/outbox.html")]
pub struct OutboxView {
    /// The frame.
    pub page: Page,
    /// All, and each status.
    pub statuses: [StatusChip; 4],
    /// Newest first.
    pub mails: Vec<MailRow>,
    /// Address of the page with older ones.
    pub next_page: Option<String>,
    /// Whether there is a mail server, so that mail leaves.
    pub has_server: bool,
}

/// A status to look at alone.
#[derive(Debug, Clone)]
pub struct StatusChip {
    /// Its name in the API; empty for all.
    pub id: &'static str,
    /// Whether only these are shown.
    pub active: bool,
}

impl MailRow {
    fn kind_key(&self) -> String {
        format!("outbox-kind-{}", self.kind)
    }
}

/// One mail of the list.
#[derive(Debug, Clone)]
pub struct MailRow {
    /// Its id.
    pub id: String,
    /// The name of its templates.
    pub kind: String,
    /// To whom.
    pub recipient: String,
    /// `queued`, `sent` or `dead`.
    pub status: &'static str,
    /// How often it was tried.
    pub attempts: usize,
    /// What the mail server said last.
    pub last_error: Option<String>,
    /// When it was queued.
    pub created: When,
    /// When it is tried again, after a failure.
    pub next: Option<When>,
    /// When it left.
    pub sent: Option<When>,
}

/// `GET /{locale}/admin/mail/{id}`.
#[derive(Debug, Template)]
#[template(path = "mail/mail.html")]
pub struct MailView {
    /// The frame.
    pub page: Page,
    /// What is known of it.
    pub mail: MailRow,
    /// What it says; none once a mail server has it.
    pub subject: Option<String>,
    /// The same.
    pub text: Option<String>,
    /// Whether links and codes were left out.
    pub redacted: bool,
}

impl OutboxView {
    fn label(&self, status: &str) -> String {
        label(&self.page, status)
    }
}

impl MailView {
    fn label(&self) -> String {
        label(&self.page, self.mail.status)
    }
}

fn label(page: &Page, status: &str) -> String {
    match status {
        "queued" => page.t("outbox-queued"),
        "sent" => page.t("outbox-sent"),
        "dead" => page.t("outbox-dead"),
        _ => page.t("outbox-all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{check_html, pages};

    fn row(status: &'static str) -> MailRow {
        let when = When {
            iso: "2026-11-21T07:05:00Z".into(),
            label: "07:05".into(),
            full: "21 November 2026, 07:05".into(),
        };
        MailRow {
            id: "0192".into(),
            kind: "reset_password".into(),
            recipient: "mira@example.org".into(),
            status,
            attempts: 2,
            last_error: (status != "sent").then(|| "451 <try> later".into()),
            next: (status == "queued").then(|| when.clone()),
            sent: (status == "sent").then(|| when.clone()),
            created: when,
        }
    }

    #[test]
    fn the_outbox_lists_what_left_and_what_did_not() {
        for page in pages() {
            let chip = |id| StatusChip {
                id,
                active: id == "dead",
            };
            let view = OutboxView {
                statuses: ["", "queued", "sent", "dead"].map(chip),
                mails: ["queued", "sent", "dead"].map(row).to_vec(),
                next_page: Some("/en/admin/mail?cursor=x".into()),
                has_server: false,
                page,
            };
            let html = view.render().unwrap();
            check_html(&html, &view.page);
            assert!(
                html.contains("451 &#60;try&#62; later") && html.contains("mira@example.org"),
                "{html}"
            );
            let empty = OutboxView {
                mails: Vec::new(),
                ..view
            };
            check_html(&empty.render().unwrap(), &empty.page);
        }
    }

    #[test]
    fn a_dead_mail_can_be_sent_again_and_a_sent_one_says_nothing() {
        for page in pages() {
            let mut view = MailView {
                mail: row("dead"),
                subject: Some("Choose <b>".into()),
                text: Some("Hello\n<b>".into()),
                redacted: true,
                page,
            };
            let html = view.render().unwrap();
            check_html(&html, &view.page);
            assert!(html.contains("/admin/mail/0192/retry") && html.contains("/admin/mail/0192/html"));
            assert!(!html.contains("<b>"), "{html}");
            (view.mail, view.subject, view.text) = (row("sent"), None, None);
            let html = view.render().unwrap();
            check_html(&html, &view.page);
            assert!(!html.contains("/retry") && html.contains(&view.page.t("outbox-emptied")));
        }
    }
}
