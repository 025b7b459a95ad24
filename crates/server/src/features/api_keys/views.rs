//! The page of somebody's API keys, and the one that shows a new key.

use askama::Template;

use super::{Scope, view::Status};
use crate::ui::{Page, dates::When};

/// `GET /{locale}/api-keys`, and again when something in the form was not right.
#[derive(Debug, Template)]
#[template(path = "features/api_keys/api_keys.html")]
pub struct ApiKeysView {
    /// The frame.
    pub page: Page,
    /// Newest first.
    pub keys: Vec<KeyView>,
    /// Address of the page with older ones.
    pub next_page: Option<String>,
    /// What was typed, or how the form begins.
    pub form: FormView,
}

/// One key in the list.
#[derive(Debug, Clone)]
pub struct KeyView {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// How it begins.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Where it works from; empty: anywhere.
    pub addresses: Vec<String>,
    /// When it was made.
    pub created: When,
    /// When it was last used, if ever.
    pub used: Option<When>,
    /// From where.
    pub used_ip: Option<String>,
    /// When it ends, if ever.
    pub expires: Option<When>,
    /// Whether it works.
    pub status: Status,
}

/// The form that makes a key.
#[derive(Debug, Clone)]
pub struct FormView {
    pub name: String,
    pub scopes: Vec<Scope>,
    /// Days; empty: never.
    pub days: String,
    /// One in each line.
    pub addresses: String,
    pub errors: FormErrors,
}

/// One sentence for each field that must change, in the page's language.
#[derive(Debug, Clone, Default)]
pub struct FormErrors {
    pub name: Option<String>,
    pub scopes: Option<String>,
    pub addresses: Option<String>,
    /// What is wrong as a whole.
    pub form: Option<String>,
}

impl Default for FormView {
    fn default() -> Self {
        Self {
            name: String::new(),
            scopes: Scope::ALL.to_vec(),
            days: "90".to_owned(),
            addresses: String::new(),
            errors: FormErrors::default(),
        }
    }
}

/// The choices of how long a key lives.
pub const DAYS: [usize; 3] = [30, 90, 365];

impl ApiKeysView {
    fn scopes(&self) -> &'static [Scope] {
        Scope::ALL
    }

    fn chosen(&self, scope: &Scope) -> bool {
        self.form.scopes.contains(scope)
    }

    /// The key of a scope's words.
    fn scope_key(&self, scope: &Scope) -> String {
        format!("scope-{}", scope.as_str().replace(':', "-"))
    }

    fn scope_detail(&self, scope: &Scope) -> String {
        self.page.t(&format!("{}-detail", self.scope_key(scope)))
    }

    fn scope_words(&self, scopes: &[Scope]) -> String {
        if scopes.len() == Scope::ALL.len() {
            return self.page.t("api-keys-all-scopes");
        }
        let words: Vec<String> = scopes.iter().map(|scope| self.page.t(&self.scope_key(scope))).collect();
        words.join(" · ")
    }

    fn days(&self) -> Vec<(String, String, bool)> {
        let choice = |n: &usize| (n.to_string(), self.page.count("api-keys-days", *n));
        let never = (String::new(), self.page.t("api-keys-never"));
        DAYS.iter()
            .map(choice)
            .chain([never])
            .map(|(value, label)| (value.clone(), label, value == self.form.days))
            .collect()
    }
}

impl KeyView {
    fn works(&self) -> bool {
        matches!(self.status, Status::Active | Status::Replaced)
    }

    fn can_rotate(&self) -> bool {
        self.status == Status::Active
    }

    fn status_key(&self) -> &'static str {
        match self.status {
            Status::Active => "api-keys-active",
            Status::Replaced => "api-keys-replaced",
            Status::Expired => "api-keys-expired",
            Status::Revoked => "api-keys-revoked-label",
        }
    }
}

/// A key that was just made, for the only time.
#[derive(Debug, Template)]
#[template(path = "features/api_keys/new_key.html")]
pub struct NewKeyView {
    /// The frame.
    pub page: Page,
    /// What it is for.
    pub name: String,
    /// The key.
    pub key: String,
    /// Where clients reach this server.
    pub public_url: String,
    /// Until when the key that it replaces works.
    pub old_until: Option<When>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{check_html, pages};

    fn key(name: &str, status: Status) -> KeyView {
        let when = When {
            iso: "2026-11-03T09:14:00Z".into(),
            label: "3 Nov".into(),
            full: "3 November 2026, 09:14".into(),
        };
        KeyView {
            id: "01900000-0000-7000-8000-000000000000".into(),
            name: name.into(),
            prefix: "prl_4kQx81LmZa".into(),
            scopes: vec![Scope::ChatsRead],
            addresses: vec!["10.0.0.0/8".into()],
            created: when.clone(),
            used: Some(when.clone()),
            used_ip: Some("10.0.0.7".into()),
            expires: Some(when),
            status,
        }
    }

    fn view(page: Page) -> ApiKeysView {
        ApiKeysView {
            page: Page {
                path: "/api-keys".into(),
                notice: None,
                ..page
            },
            keys: vec![
                key("Backup <script>", Status::Active),
                key("Old backup", Status::Replaced),
                key("Gone", Status::Expired),
                key("Stolen", Status::Revoked),
            ],
            next_page: Some("/en/api-keys?cursor=x".into()),
            form: FormView {
                errors: FormErrors {
                    name: Some("No name".into()),
                    ..FormErrors::default()
                },
                ..FormView::default()
            },
        }
    }

    #[test]
    fn ses_10_only_keys_that_work_can_be_ended() {
        for page in pages() {
            let view = view(page);
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert_eq!(html.matches("/revoke\"").count(), 2);
            assert_eq!(
                html.matches("/rotate\"").count(),
                1,
                "one that was replaced cannot be replaced again"
            );
            assert!(!html.contains("Backup <script>"), "names are escaped");
            assert!(html.contains("aria-invalid=\"true\""));
            assert_eq!(html.matches("type=\"checkbox\"").count(), Scope::ALL.len());
            assert!(html.contains("value=\"90\" selected"));
        }
    }

    #[test]
    fn ses_10_nothing_yet_says_what_keys_are_for() {
        for page in pages() {
            let view = ApiKeysView {
                keys: Vec::new(),
                next_page: None,
                ..view(page)
            };
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains(&view.page.t("api-keys-empty-title")));
        }
    }

    #[test]
    fn ses_10_a_new_key_comes_with_a_way_to_try_it() {
        for page in pages() {
            let view = NewKeyView {
                page,
                name: "Backup".into(),
                key: "prl_4kQx81LmZa_secret".into(),
                public_url: "https://chat.example.org".into(),
                old_until: None,
            };
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("https://chat.example.org/api/v1/me"));
            assert!(html.matches("data-copy").count() >= 2 && html.contains("prl_4kQx81LmZa_secret"));
        }
    }

    #[test]
    fn ses_10_every_scope_has_words() {
        for page in pages() {
            let view = view(page);
            for scope in Scope::ALL {
                let key = view.scope_key(scope);
                assert_ne!(view.page.t(&key), key);
                let detail = format!("{key}-detail");
                assert_ne!(view.page.t(&detail), detail);
            }
        }
    }
}
