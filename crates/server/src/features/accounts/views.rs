//! The pages to sign in, sign up and set up oneself.

use askama::Template;

use crate::ui::{Page, Theme};

/// `GET /{locale}/login`, and again when the password was wrong.
#[derive(Debug, Template)]
#[template(path = "features/accounts/login.html")]
pub struct LoginView {
    /// The frame; nobody is signed in.
    pub page: Page,
    /// What was typed before.
    pub email: String,
    /// Where to go afterwards: a path of this site.
    pub next: Option<String>,
    /// Whether to stay signed in when the browser closes.
    pub remember: bool,
    /// Why it did not work.
    pub error: Option<String>,
    /// The password was right and the address is not confirmed yet.
    pub unverified: bool,
}

impl LoginView {
    fn next_query(&self) -> String {
        next_query(self.next.as_deref())
    }
}

/// `GET /{locale}/register`, and again when something was not right.
#[derive(Debug, Template)]
#[template(path = "features/accounts/register.html")]
pub struct RegisterView {
    /// The frame; nobody is signed in.
    pub page: Page,
    /// What was typed before.
    pub email: String,
    /// What was typed before.
    pub display_name: String,
    /// Where to go afterwards: a path of this site.
    pub next: Option<String>,
    /// Whether this becomes the first account, which runs the server.
    pub first_account: bool,
    /// Fewest characters of a password.
    pub password_min: usize,
    /// What is wrong with which field.
    pub errors: RegisterErrors,
    /// The terms to accept, where there are any.
    pub terms_version: Option<String>,
    /// What is wrong as a whole.
    pub error: Option<String>,
}

/// One sentence for each field that must change, in the page's language.
#[derive(Debug, Clone, Default)]
pub struct RegisterErrors {
    /// Beside the address.
    pub email: Option<String>,
    /// Beside the password.
    pub password: Option<String>,
    /// Beside the name.
    pub display_name: Option<String>,
    /// Beside the terms.
    pub terms: Option<String>,
}

impl RegisterView {
    fn next_query(&self) -> String {
        next_query(self.next.as_deref())
    }
}

/// `GET /{locale}/account`.
#[derive(Debug, Template)]
#[template(path = "features/accounts/account.html")]
pub struct AccountView {
    /// The frame.
    pub page: Page,
    /// The address they sign in with.
    pub email: String,
    /// What they want to be called.
    pub display_name: String,
    /// What is wrong with that name.
    pub display_name_error: Option<String>,
    /// Whether the address was confirmed.
    pub email_verified: bool,
    /// First and last name.
    pub full_name: String,
    /// Address of a picture; may be empty.
    pub avatar_url: String,
    /// What is wrong with it.
    pub avatar_error: Option<String>,
    /// A few words about themselves.
    pub bio: String,
    /// The language they chose.
    pub locale: String,
    /// The theme they chose.
    pub theme: Theme,
}

impl AccountView {
    /// The picture, when it can be one.
    fn avatar(&self) -> Option<&str> {
        let usable = self.avatar_error.is_none() && !self.avatar_url.is_empty();
        usable.then_some(self.avatar_url.as_str())
    }

    fn initial(&self) -> String {
        self.page
            .viewer
            .as_ref()
            .map(crate::ui::Viewer::initial)
            .unwrap_or_default()
    }

    fn themes(&self) -> [(Theme, String); 3] {
        let page = &self.page;
        [
            (Theme::Auto, page.t("theme-auto")),
            (Theme::Light, page.t("theme-light")),
            (Theme::Dark, page.t("theme-dark")),
        ]
    }
}

/// `GET /{locale}/security`.
#[derive(Debug, Template)]
#[template(path = "features/accounts/security.html")]
pub struct SecurityView {
    /// The frame.
    pub page: Page,
    /// The address they sign in with.
    pub email: String,
    /// Whether there is a password to change.
    pub has_password: bool,
    /// Whether a new address can be asked for its consent.
    pub mail_is_on: bool,
    /// Fewest characters of a password.
    pub password_min: usize,
    /// What was typed before.
    pub new_email: String,
    /// What is wrong with which field.
    pub errors: SecurityErrors,
}

/// One sentence for each field that must change, in the page's language.
#[derive(Debug, Clone, Default)]
pub struct SecurityErrors {
    /// Beside the current password of the first form.
    pub current: Option<String>,
    /// Beside the new password.
    pub new: Option<String>,
    /// Beside the new address.
    pub email: Option<String>,
    /// Beside the current password of the second form.
    pub password: Option<String>,
}

/// Carries `next` from one page to the other.
fn next_query(next: Option<&str>) -> String {
    next.map_or_else(String::new, |next| {
        format!(
            "?next={}",
            askama::filters::urlencode_strict(next)
                .map(|path| path.to_string())
                .unwrap_or_default()
        )
    })
}

/// Sample data for tests and for looking at the pages.
#[cfg(test)]
pub mod sample {
    use super::*;

    /// The page as somebody sees it who mistyped the password.
    pub fn login(page: Page) -> LoginView {
        let error = Some(page.t("login-failed"));
        LoginView {
            page: Page {
                viewer: None,
                notice: None,
                ..page
            },
            email: "mira@example.org".into(),
            next: Some("/en/chats?q=a b".into()),
            remember: true,
            error,
            unverified: true,
        }
    }

    /// The first visitor, with a password that is too short.
    pub fn register(page: Page) -> RegisterView {
        let errors = RegisterErrors {
            password: Some(page.count("field-password-short", 12)),
            ..RegisterErrors::default()
        };
        RegisterView {
            page: Page {
                viewer: None,
                notice: None,
                ..page
            },
            email: "mira@example.org".into(),
            display_name: "Mira \"<Holm>".into(),
            next: None,
            first_account: true,
            password_min: 12,
            terms_version: Some("2026-01".into()),
            errors,
            error: None,
        }
    }

    /// Settings.
    pub fn account(page: Page) -> AccountView {
        AccountView {
            page: Page {
                path: "/account".into(),
                notice: None,
                ..page
            },
            email: "mira@example.org".into(),
            display_name: "Mira Holm".into(),
            display_name_error: None,
            email_verified: true,
            full_name: "Mira Holm".into(),
            avatar_url: "https://example.org/mira.png".into(),
            avatar_error: None,
            bio: "Counts <things>.".into(),
            locale: "de".into(),
            theme: Theme::Auto,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{check_html, pages};

    #[test]
    fn signing_in_keeps_what_was_typed() {
        for page in pages() {
            let view = sample::login(page);
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("value=\"mira@example.org\""));
            assert!(html.contains("name=\"next\" value=\"/en/chats?q=a b\""));
            assert!(html.contains("register?next=%2Fen%2Fchats%3Fq%3Da%20b\""), "{html}");
        }
    }

    #[test]
    fn a_wrong_field_says_so_beside_itself() {
        for page in pages() {
            let view = sample::register(page);
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("aria-describedby=\"password-note\" aria-invalid=\"true\""));
            assert!(html.contains(view.errors.password.as_deref().expect("an error")));
            assert!(!html.contains("<Holm>"), "values are escaped");
            assert!(html.contains(&view.page.t("register-first")));
        }
    }

    #[test]
    fn security_says_what_is_wrong_where() {
        for page in pages() {
            let wrong = page.t("field-password-wrong");
            let view = SecurityView {
                email: "mira@example.org".into(),
                has_password: true,
                mail_is_on: true,
                password_min: 12,
                new_email: "mira@example.com".into(),
                errors: SecurityErrors {
                    password: Some(wrong.clone()),
                    ..SecurityErrors::default()
                },
                page,
            };
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains(&wrong) && html.contains("value=\"mira@example.com\""));
            assert!(html.contains("/api-keys\""), "leads to the other pages");
        }
    }

    #[test]
    fn settings_show_what_is_chosen() {
        for page in pages() {
            let view = sample::account(page);
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("value=\"de\" lang=\"de\" selected"));
            assert!(html.contains("value=\"auto\" checked"));
        }
    }
}
