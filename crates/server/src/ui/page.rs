//! What every page needs besides its own content.

use std::borrow::Borrow;

use super::assets;
use super::icon::icon;
use super::locale::{LOCALES, Locale};
use super::text::{FluentValue, Text};

/// The frame of a page: language, who looks at it, and the tokens its forms and scripts carry.
#[derive(Debug, Clone)]
pub struct Page {
    /// The page's words.
    pub text: &'static Text,
    /// The nonce of this response's Content-Security-Policy.
    pub nonce: String,
    /// The value of the hidden field `csrf_token` and of the header `X-CSRF-Token`.
    pub csrf: String,
    /// Who is signed in, if anyone.
    pub viewer: Option<Viewer>,
    /// The current path without the locale, starting with `/`: where the language switch stays.
    pub path: String,
    /// Light, dark, or as the device has it.
    pub theme: Theme,
    /// One line about what has just happened.
    pub notice: Option<Notice>,
    /// What the person should know, until they say that they do.
    pub banners: Vec<Banner>,
}

/// Something to know that stays at the top of every page until it is put away.
#[derive(Debug, Clone)]
pub struct Banner {
    /// Of the notice.
    pub id: String,
    /// What it says, in the page's language.
    pub text: String,
    /// Where more is to be seen or done: a path without the locale, and its name.
    pub link: Option<(&'static str, String)>,
}

/// The signed-in person as a page shows them.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// What they want to be called; may be empty.
    pub display_name: String,
    /// Their address.
    pub email: String,
    /// Whether they run this server.
    pub is_admin: bool,
}

impl Viewer {
    /// Their name, or their address when they gave none.
    pub fn name(&self) -> &str {
        if self.display_name.trim().is_empty() {
            &self.email
        } else {
            &self.display_name
        }
    }

    /// One letter for the round badge.
    pub fn initial(&self) -> String {
        self.name()
            .trim()
            .chars()
            .next()
            .map(|letter| letter.to_uppercase().to_string())
            .unwrap_or_default()
    }
}

/// Which colours a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the device is set.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// Its name in forms, in `data-theme` and in the database.
    pub fn id(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The theme of that name; anything else is [`Theme::Auto`].
    pub fn from_id(id: &str) -> Theme {
        [Theme::Light, Theme::Dark]
            .into_iter()
            .find(|theme| theme.id() == id)
            .unwrap_or_default()
    }
}

/// A message at the top of a page.
#[derive(Debug, Clone)]
pub struct Notice {
    /// How it looks and how urgently it is read out.
    pub kind: NoticeKind,
    /// What it says, in the page's language.
    pub text: String,
}

/// What a [`Notice`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// It worked.
    Success,
    /// It did not work.
    Error,
    /// Something to know.
    Info,
}

impl NoticeKind {
    /// The class of the notice.
    pub fn id(self) -> &'static str {
        match self {
            NoticeKind::Success => "success",
            NoticeKind::Error => "error",
            NoticeKind::Info => "info",
        }
    }

    /// Errors interrupt a screen reader, the rest waits.
    pub fn role(self) -> &'static str {
        if self == NoticeKind::Error { "alert" } else { "status" }
    }
}

impl Page {
    /// The message `key` in the page's language.
    pub fn t(&self, key: &str) -> String {
        self.text.t(key)
    }

    /// The message `key` with the number `n` in it.
    pub fn count(&self, key: &str, n: impl Borrow<usize>) -> String {
        self.text.t_with(key, &[("n", FluentValue::from(*n.borrow()))])
    }

    /// The message `key` with `value` in it.
    pub fn with(&self, key: &str, value: &str) -> String {
        self.text.t_with(key, &[("value", FluentValue::from(value))])
    }

    /// The code of the page's language.
    pub fn locale(&self) -> &'static Locale {
        self.text.locale()
    }

    /// Every language, for the switch.
    pub fn locales(&self) -> &'static [Locale] {
        &LOCALES
    }

    /// `path` in the page's language.
    pub fn url(&self, path: &str) -> String {
        format!("/{}{path}", self.locale().code)
    }

    /// This page in another language.
    pub fn in_locale(&self, code: &str) -> String {
        format!("/{code}{}", self.path)
    }

    /// Where the browser fetches the file `path` of `ui/`.
    pub fn asset(&self, path: &str) -> String {
        assets::asset_url(path)
    }

    /// The icon `name` as inline SVG; it is ours, so templates print it with `|safe`.
    pub fn icon(&self, name: &str) -> String {
        icon(name)
    }

    /// Whether this page is `path` or below it, and below no other page of the settings.
    pub fn is_in(&self, path: &str) -> bool {
        let holds = |path: &str| {
            self.path
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let nearest = self
            .settings()
            .iter()
            .map(|(path, _)| *path)
            .filter(|path| holds(path))
            .max_by_key(|path| path.len());
        nearest == Some(path)
    }

    /// The pages of the settings, and the keys of their names.
    pub fn settings(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("/account", "settings-profile"),
            ("/security", "settings-security"),
            ("/security/factors", "settings-factors"),
            ("/security/connections", "settings-connections"),
            ("/sessions", "settings-sessions"),
            ("/api-keys", "settings-api-keys"),
        ]
    }

    /// The style sheets, in the order in which they build on each other.
    pub fn stylesheets(&self) -> &'static [&'static str] {
        assets::STYLESHEETS
    }
}
