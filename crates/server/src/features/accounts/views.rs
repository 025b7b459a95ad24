//! The pages to sign in, sign up and set up oneself.

use askama::Template;

use crate::{
    features::oauth::Button,
    ui::{Page, Theme},
};

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
    /// Other ways to log in.
    pub providers: Vec<Button>,
    /// Why it did not work.
    pub error: Option<String>,
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
    /// Other ways to log in.
    pub providers: Vec<Button>,
    /// Whether this becomes the first account, which runs the server.
    pub first_account: bool,
    /// Fewest characters of a password.
    pub password_min: usize,
    /// What is wrong with which field.
    pub errors: RegisterErrors,
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
    /// The language they chose.
    pub locale: String,
    /// The theme they chose.
    pub theme: Theme,
}

impl AccountView {
    fn themes(&self) -> [(Theme, String); 3] {
        let page = &self.page;
        [
            (Theme::Auto, page.t("theme-auto")),
            (Theme::Light, page.t("theme-light")),
            (Theme::Dark, page.t("theme-dark")),
        ]
    }
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
            providers: vec![Button {
                name: "GitHub".into(),
                href: "/api/v1/auth/oauth/github?redirect_to=%2Fen%2Fchats".into(),
            }],
            error,
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
            providers: Vec::new(),
            first_account: true,
            password_min: 12,
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
            assert!(html.contains("/api/v1/auth/oauth/github?redirect_to="));
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
