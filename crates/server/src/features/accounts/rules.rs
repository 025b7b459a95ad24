//! What an account is, decided without a database.

use super::{breached, email::Email};
use crate::{
    config::Config,
    http::{Error, FieldError, Result as HttpResult},
};

const ADMIN: &str = "admin";

/// Fewest characters, whatever is configured, once the words that belong to the person are taken out.
const FLOOR: usize = 8;
const MAX_LENGTH: usize = 1024;

/// Role and plan of the first account, and of everybody after it.
pub(super) fn role_and_plan(first: bool) -> (&'static str, &'static str) {
    if first { (ADMIN, "unlimited") } else { ("user", "free") }
}

#[must_use]
pub fn is_admin(user: &super::User) -> bool {
    user.role == ADMIN
}

/// An account that somebody asks for.
#[derive(Default)]
pub struct NewAccount {
    pub email: String,
    pub password: String,
    pub display_name: Option<String>,
    pub full_name: Option<String>,
    pub locale: String,
    /// The version of the terms that the person accepts.
    pub terms_version: Option<String>,
}

impl NewAccount {
    /// # Errors
    /// Each field that cannot stay as it is.
    pub fn check(&self, config: &Config) -> Result<Email, Vec<FieldError>> {
        let email = Email::parse(&self.email);
        let local = email.as_ref().map(Email::local).unwrap_or_default();
        let names = [self.display_name.as_deref(), self.full_name.as_deref()];
        let words: Vec<&str> = [local, self.email.trim()]
            .into_iter()
            .chain(names.into_iter().flatten())
            .collect();
        let password = check_new_password("password", &self.password, config, &words);
        match (email, password) {
            (Ok(email), Ok(())) => Ok(email),
            (email, password) => Err([email.err(), password.err()].into_iter().flatten().collect()),
        }
    }

    /// # Errors
    /// Unless the person accepts the terms that hold now, where there are any.
    pub fn check_terms(&self, config: &Config) -> Result<(), FieldError> {
        let current = &config.accounts.terms_version;
        if current.is_empty() || self.terms_version.as_deref() == Some(current) {
            return Ok(());
        }
        let message = format!("Accept the terms of version {current}.");
        Err(FieldError::new("terms_version", "terms_not_accepted", message))
    }
}

/// What a person may change of their own account; an inner `None` empties the field.
#[derive(Default)]
pub struct Change {
    pub display_name: Option<String>,
    pub full_name: Option<Option<String>>,
    pub avatar_url: Option<Option<String>>,
    pub bio: Option<Option<String>>,
    pub locale: Option<String>,
    pub mail_new_device: Option<bool>,
}

/// A new password for somebody who has an account; `field` is where it stood.
///
/// # Errors
/// `validation_failed`.
pub(super) fn check_password_of(
    field: &'static str,
    user: &super::User,
    password: &str,
    config: &Config,
) -> HttpResult<()> {
    let local = user.email.split('@').next().unwrap_or_default();
    let names = [Some(user.display_name.as_str()), user.full_name.as_deref()];
    let words: Vec<&str> = [local, &user.email]
        .into_iter()
        .chain(names.into_iter().flatten())
        .collect();
    check_new_password(field, password, config, &words).map_err(|wrong| Error::validation(vec![wrong]))
}

/// A password by its length, and by what everybody would try first: rules of composition make people choose worse ones.
fn check_new_password(field: &str, password: &str, config: &Config, words: &[&str]) -> Result<(), FieldError> {
    let wrong = |code, message: String| Err(FieldError::new(field, code, message));
    let length = password.chars().count();
    let min_length = config.passwords.min_length.max(FLOOR);
    if length < min_length {
        let message = format!("Use at least {min_length} characters; a few words in a row are easy to remember.");
        return wrong("too_short", message);
    }
    if length > MAX_LENGTH {
        return wrong("too_long", "Use at most 1,024 characters.".to_owned());
    }
    if breached::contains(password) {
        let message =
            "This password is among the first that others would try. Choose one that only you would think of.";
        return wrong("breached", message.to_owned());
    }
    let host = url::Url::parse(&config.public_url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    let known = words.iter().copied().chain(host.as_deref()).chain(["parlor"]);
    if is_too_similar(password, known) {
        let message = "This password is mostly your address, your name or this site's. Add a few words of your own.";
        return wrong("too_similar", message.to_owned());
    }
    Ok(())
}

/// Whether hardly anything is left of it without a word that others know. A password may well contain one.
fn is_too_similar<'a>(password: &str, words: impl Iterator<Item = &'a str>) -> bool {
    let password = password.to_lowercase();
    words
        .map(|word| word.trim().to_lowercase())
        .filter(|word| word.chars().count() >= 4)
        .any(|word| password.contains(&word) && password.replace(&word, "").chars().count() < FLOOR)
}

/// What to call a person who gave no name.
#[must_use]
pub fn name_from_email(email: &str) -> String {
    email.split('@').next().unwrap_or(email).chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(password: &str) -> &'static str {
        let config = Config::for_tests();
        let words = ["ada.lovelace", "ada.lovelace@example.org", "Ada Lovelace"];
        match check_new_password("password", password, &config, &words) {
            Ok(()) => "fine",
            Err(wrong) => match &*wrong.code {
                "too_short" => "too_short",
                "too_long" => "too_long",
                "breached" => "breached",
                _ => "too_similar",
            },
        }
    }

    #[test]
    fn acc_3_a_password_is_judged_by_its_length_in_characters() {
        assert_eq!(judged("ünïcödé-123"), "too_short");
        assert_eq!(judged("ünïcödé-1234"), "fine");
        assert_eq!(judged("correct horse battery"), "fine");
        assert_eq!(judged(&"long words ".repeat(20)), "fine");
        assert_eq!(judged(&"x y".repeat(400)), "too_long");
        assert_eq!(judged("🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜🦜"), "fine");
    }

    #[test]
    fn acc_3_what_everybody_tries_first_is_refused() {
        for (password, verdict) in [
            ("Qwerty123456", "breached"),
            ("Ada.Lovelace", "too_similar"),
            ("ada.lovelace2026", "too_similar"),
            ("ada.lovelace@example.org", "too_similar"),
            ("ADA LOVELACE!", "too_similar"),
            ("parlorparlor", "too_similar"),
            ("ada.lovelace counts engines", "fine"),
            ("the parlor upstairs", "fine"),
        ] {
            assert_eq!(judged(password), verdict, "{password}");
        }
    }
}
