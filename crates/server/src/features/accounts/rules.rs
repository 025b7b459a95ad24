//! What an account is, decided without a database.

use crate::http::FieldError;

pub const ACTIVE: &str = "active";
const ADMIN: &str = "admin";

/// Role and plan of the first account, and of everybody after it.
pub(super) fn role_and_plan(first: bool) -> (&'static str, &'static str) {
    if first { (ADMIN, "unlimited") } else { ("user", "free") }
}

#[must_use]
pub fn is_admin(user: &super::User) -> bool {
    user.role == ADMIN
}

/// An account that somebody asks for.
pub struct NewAccount {
    pub email: String,
    pub password: String,
    pub display_name: Option<String>,
    pub full_name: Option<String>,
    pub locale: String,
}

impl NewAccount {
    /// # Errors
    /// Each field that cannot stay as it is.
    pub fn check(&self, min_password_length: usize) -> Result<(), Vec<FieldError>> {
        let wrong: Vec<FieldError> = [
            self.check_email(),
            check_new_password(&self.password, min_password_length),
        ]
        .into_iter()
        .filter_map(Result::err)
        .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn check_email(&self) -> Result<(), FieldError> {
        let (name, domain) = self.email.trim().rsplit_once('@').unwrap_or_default();
        let plausible = !name.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
        if !plausible || self.email.len() > 254 || self.email.trim().contains(char::is_whitespace) {
            return Err(FieldError::new(
                "email",
                "invalid_email",
                "Enter an address such as ada@example.org.",
            ));
        }
        Ok(())
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

/// The form in which addresses are compared: the part after the @ does not know case, and people do not type the part
/// before it in the same case each time.
#[must_use]
pub fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// A password by length alone: rules of composition make people choose worse ones.
pub fn check_new_password(password: &str, min_length: usize) -> Result<(), FieldError> {
    let length = password.chars().count();
    if length < min_length {
        let message = format!("Use at least {min_length} characters; a few words in a row are easy to remember.");
        return Err(FieldError::new("password", "too_short", message));
    }
    if length > 1024 {
        return Err(FieldError::new("password", "too_long", "Use at most 1,024 characters."));
    }
    Ok(())
}

/// What to call a person who gave no name.
#[must_use]
pub fn name_from_email(email: &str) -> String {
    email.split('@').next().unwrap_or(email).chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_3_a_password_is_judged_by_its_length_in_characters() {
        assert!(check_new_password("ünïcödé-123", 12).is_err());
        assert!(check_new_password("ünïcödé-1234", 12).is_ok());
        assert!(check_new_password("correct horse battery", 12).is_ok());
        assert!(check_new_password(&"x".repeat(256), 12).is_ok());
        assert!(check_new_password(&"x".repeat(1025), 12).is_err());
    }

    #[test]
    fn acc_9_addresses_compare_without_case_and_space() {
        assert_eq!(email_key(" Ada@Example.ORG "), "ada@example.org");
    }
}
