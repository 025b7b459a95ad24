use askama::Template;

use crate::ui::Page;

/// `GET /{locale}/step-up`, and again when the proof was wrong.
#[derive(Debug, Template)]
#[template(path = "features/sessions/step_up/step_up.html")]
pub struct StepUpView {
    /// The frame.
    pub page: Page,
    /// The address they sign in with; codes go there.
    pub email: String,
    /// Whether they can prove themselves by a password; others get a code by mail.
    pub has_password: bool,
    /// Whether a code of their authenticator app will do.
    pub has_code: bool,
    /// Whether a code has just been mailed.
    pub code_sent: bool,
    /// For how long they are not asked again.
    pub minutes: usize,
    /// Where to go afterwards: a path of this site.
    pub next: Option<String>,
    /// Why it did not work.
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{check_html, pages};

    fn sample(page: Page) -> StepUpView {
        StepUpView {
            page: Page { notice: None, ..page },
            email: "mira@example.org".into(),
            has_password: true,
            has_code: true,
            code_sent: false,
            minutes: 5,
            next: Some("/en/account?tab=\"keys\"".into()),
            error: None,
        }
    }

    #[test]
    fn it_asks_for_what_the_person_has() {
        for page in pages() {
            let view = StepUpView {
                error: Some(page.t("step-up-password-wrong")),
                ..sample(page)
            };
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("name=\"password\"") && html.contains("name=\"code\""));
            assert!(!html.contains("name=\"email_code\""), "people with a password use it");
            assert!(html.contains("role=\"alert\""));
            assert!(!html.contains("tab=\"keys\""), "values are escaped");
        }
    }

    #[test]
    fn without_a_password_it_mails_a_code_first() {
        for page in pages() {
            let ask = StepUpView {
                has_password: false,
                has_code: false,
                ..sample(page)
            };
            let html = ask.render().expect("renders");
            check_html(&html, &ask.page);
            assert!(!html.contains("name=\"password\"") && !html.contains("name=\"email_code\""));
            let sent = StepUpView { code_sent: true, ..ask };
            let html = sent.render().expect("renders");
            check_html(&html, &sent.page);
            assert!(html.contains("name=\"email_code\"") && html.contains("mira@example.org"));
        }
    }
}
