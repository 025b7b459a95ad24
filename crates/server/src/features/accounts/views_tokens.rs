//! The pages that mails lead to, and those that ask for a mail.

use askama::Template;

use crate::ui::Page;

/// `GET /{locale}/forgot`.
#[derive(Debug, Template)]
#[template(path = "features/accounts/forgot.html")]
pub struct ForgotView {
    /// The frame.
    pub page: Page,
    /// What was typed before.
    pub email: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// `GET /{locale}/reset?token=`: the form; nothing has happened yet.
#[derive(Debug, Template)]
#[template(path = "features/accounts/reset.html")]
pub struct ResetView {
    /// The frame.
    pub page: Page,
    /// From the link.
    pub token: String,
    /// Whose password it is, so that password managers know.
    pub email: String,
    /// Fewest characters of a password.
    pub password_min: usize,
    /// What is wrong with the new one.
    pub error: Option<String>,
}

/// `GET /{locale}/verify?token=` and `/change-email?token=`: one button, because a link that acts by itself is used up
/// by whoever scans mail.
#[derive(Debug, Template)]
#[template(path = "features/accounts/confirm.html")]
pub struct ConfirmView {
    /// The frame.
    pub page: Page,
    /// Which of them.
    pub flow: Flow,
    /// From the link.
    pub token: String,
    /// The address to confirm.
    pub email: String,
}

/// What a person is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Making an account.
    Register,
    /// Asking for a link for a new password.
    Forgot,
    /// Choosing a new password.
    Reset,
    /// Confirming an address.
    Verify,
    /// Confirming another address.
    ChangeEmail,
}

impl Flow {
    /// The beginning of its keys.
    fn key(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Forgot => "forgot",
            Self::Reset => "reset",
            Self::Verify => "verify",
            Self::ChangeEmail => "change-email",
        }
    }

    /// Its page.
    pub fn path(self) -> &'static str {
        match self {
            Self::Register => "/register",
            Self::Forgot => "/forgot",
            Self::Reset => "/reset",
            Self::Verify => "/verify",
            Self::ChangeEmail => "/change-email",
        }
    }
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A mail is on its way, or would be.
    Sent,
    /// It is done.
    Done,
    /// The link is too old.
    Expired,
    /// The link was used.
    Used,
    /// A newer link exists.
    Replaced,
    /// There is no such link.
    Invalid,
    /// Too many tries.
    Limited,
    /// Somebody else has the address.
    Taken,
}

impl State {
    fn key(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Expired => "expired",
            Self::Used => "used",
            Self::Replaced => "replaced",
            Self::Invalid => "invalid",
            Self::Limited => "limited",
            Self::Taken => "taken",
        }
    }
}

/// Where a flow stands: its own heading, what it means, and what to do next.
#[derive(Debug, Template)]
#[template(path = "features/accounts/state.html")]
pub struct StateView {
    /// The frame.
    pub page: Page,
    /// What the person is doing.
    pub flow: Flow,
    /// How that stands.
    pub state: State,
}

impl StateView {
    fn title(&self) -> String {
        self.page.t(&format!("{}-{}-title", self.flow.key(), self.state.key()))
    }

    fn text(&self) -> String {
        self.page.t(&format!("{}-{}-text", self.flow.key(), self.state.key()))
    }

    /// Whether the next step is to ask for another mail that confirms the address.
    fn offers_resend(&self) -> bool {
        let stuck = matches!(self.state, State::Expired | State::Replaced | State::Invalid);
        self.flow == Flow::Verify && stuck
    }

    /// The next step: path and words.
    fn action(&self) -> Option<(&'static str, String)> {
        let page = &self.page;
        let to = |path, key: &str| Some((path, page.t(key)));
        match (self.flow, self.state) {
            _ if self.offers_resend() => None,
            (_, State::Sent) => to("/login", "state-to-login"),
            (Flow::Reset, State::Done | State::Used) => to("/login", "state-to-login"),
            (Flow::Reset, State::Limited) => to("/login", "state-to-login"),
            (Flow::Reset, _) => to("/forgot", "state-to-forgot"),
            (Flow::Forgot, State::Limited) => to("/login", "state-to-login"),
            (Flow::Forgot, _) => to("/forgot", "state-to-forgot"),
            (Flow::Register, _) => to("/register", "state-to-register"),
            (Flow::ChangeEmail, State::Done) => to("/chats", "state-to-chats"),
            (Flow::ChangeEmail, _) => to("/security", "state-to-security"),
            (Flow::Verify, _) if page.viewer.is_some() => to("/chats", "state-to-chats"),
            (Flow::Verify, _) => to("/login", "state-to-login"),
        }
    }
}

impl ConfirmView {
    fn title(&self) -> String {
        self.page.t(&format!("{}-confirm-title", self.flow.key()))
    }

    fn text(&self) -> String {
        self.page
            .with(&format!("{}-confirm-text", self.flow.key()), &self.email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{check_html, pages};

    const STATES: [(Flow, &[State]); 5] = [
        (Flow::Register, &[State::Sent, State::Limited]),
        (Flow::Forgot, &[State::Sent, State::Limited]),
        (
            Flow::Reset,
            &[
                State::Done,
                State::Expired,
                State::Used,
                State::Replaced,
                State::Invalid,
                State::Limited,
            ],
        ),
        (
            Flow::Verify,
            &[
                State::Sent,
                State::Done,
                State::Expired,
                State::Used,
                State::Replaced,
                State::Invalid,
                State::Limited,
            ],
        ),
        (
            Flow::ChangeEmail,
            &[
                State::Done,
                State::Expired,
                State::Used,
                State::Replaced,
                State::Invalid,
                State::Limited,
                State::Taken,
            ],
        ),
    ];

    #[test]
    fn acc_11_every_state_has_its_own_words_and_a_next_step() {
        for page in pages() {
            let mut titles = std::collections::BTreeSet::new();
            for (flow, states) in STATES {
                for state in states {
                    let (page, state) = (page.clone(), *state);
                    let view = StateView { page, flow, state };
                    let html = view.render().expect("renders");
                    check_html(&html, &view.page);
                    let name = format!("{flow:?} {state:?}");
                    assert!(!view.title().contains("-title"), "{name} has no heading");
                    assert!(!view.text().contains("-text"), "{name} has no text");
                    assert!(view.action().is_some() || view.offers_resend(), "{name} leads nowhere");
                    assert!(
                        titles.insert(view.title() + &view.text()),
                        "{name} says what another says"
                    );
                }
            }
        }
    }

    #[test]
    fn forms_carry_the_token_and_do_nothing_by_themselves() {
        for page in pages() {
            let reset = ResetView {
                page: page.clone(),
                token: "tok\"en".into(),
                email: "mira@example.org".into(),
                password_min: 12,
                error: Some(page.t("field-password-breached")),
            };
            let html = reset.render().expect("renders");
            check_html(&html, &page);
            assert!(html.contains("name=\"token\" value=\"tok&#34;en\""), "{html}");
            for flow in [Flow::Verify, Flow::ChangeEmail] {
                let view = ConfirmView {
                    page: page.clone(),
                    flow,
                    token: "token".into(),
                    email: "mira@example.org".into(),
                };
                let html = view.render().expect("renders");
                check_html(&html, &page);
                assert!(html.contains("mira@example.org") && html.contains("name=\"token\""));
            }
            let view = ForgotView {
                page: page.clone(),
                email: "mira".into(),
                error: Some(page.t("field-email-invalid")),
            };
            check_html(&view.render().expect("renders"), &page);
        }
    }
}
