//! What each mail says, in the recipient's language, as HTML and as text.

use askama::Template;

use super::{Contents, Mail, templates::Templates};
use crate::{
    http::{Error, Result},
    ui::{FluentValue, Locale, Text},
};

/// A mail as its recipient reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// The parts that both forms of a mail share.
#[derive(Debug)]
pub(super) struct Letter {
    pub locale: &'static Locale,
    pub subject: String,
    /// What a mailbox shows beside the subject.
    pub preheader: String,
    pub greeting: String,
    pub paragraphs: Vec<String>,
    pub facts: Vec<(String, String)>,
    pub code: Option<String>,
    pub button: Option<Action>,
    /// A second way, for readers whom the button does not help.
    pub aside: Option<Action>,
    pub fallback: String,
    /// Why the recipient gets this mail.
    pub why: String,
    pub server: String,
}

#[derive(Debug)]
pub(super) struct Action {
    pub label: String,
    pub url: String,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    letter: &'a Letter,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Plain<'a> {
    letter: &'a Letter,
}

pub(super) fn render(server: &str, locale: &str, contents: &Contents, templates: &Templates) -> Result<Rendered> {
    let letter = compose(server, locale, contents);
    let built_in = Rendered {
        text: Plain { letter: &letter }.render().map_err(Error::internal)?,
        html: Html { letter: &letter }.render().map_err(Error::internal)?,
        subject: letter.subject.clone(),
    };
    Ok(templates.apply(&contents.mail, &contents.name, &letter, built_in))
}

fn compose(server: &str, locale: &str, contents: &Contents) -> Letter {
    let text = Text::for_locale(locale);
    let mut letter = draft(text, &contents.mail);
    let name = greeted(&contents.name);
    letter.greeting = match name {
        Some(name) => text.t_with("mail-hello-name", &[("name", name.into())]),
        None => text.t("mail-hello"),
    };
    letter.server = server.to_owned();
    let why = if contents.mail.is_asked_for() {
        "mail-why-asked"
    } else {
        "mail-why-account"
    };
    letter.why = text.t_with(why, &[("server", server.into())]);
    letter.fallback = text.t("mail-fallback");
    letter
}

/// A name that reads as one. Whoever registers somebody else's address chooses the name in the mail to them, so what
/// could be an advertisement or an address is left out.
pub(super) fn greeted(name: &str) -> Option<&str> {
    let name = name.trim();
    let suspicious = |c: char| c.is_control() || matches!(c, '/' | ':' | '@' | '<' | '>' | '{' | '}');
    let web = name.contains("www.")
        || name
            .split_whitespace()
            .any(|word| word.trim_end_matches('.').contains('.'));
    (!name.is_empty() && name.chars().count() <= 60 && !name.contains(suspicious) && !web).then_some(name)
}

type Values<'a> = &'a [(&'a str, FluentValue<'a>)];

/// The sentences of one mail: `mail-KEY-subject`, `-preheader`, and `-1` to `-PARAGRAPHS`.
struct Words<'a> {
    text: &'static Text,
    key: &'a str,
    values: Values<'a>,
}

impl Words<'_> {
    fn say(&self, part: &str) -> String {
        self.text.t_with(&format!("mail-{}-{part}", self.key), self.values)
    }

    fn letter(&self, paragraphs: usize) -> Letter {
        Letter {
            locale: self.text.locale(),
            subject: self.say("subject"),
            preheader: self.say("preheader"),
            greeting: String::new(),
            paragraphs: (1..=paragraphs).map(|n| self.say(&n.to_string())).collect(),
            facts: Vec::new(),
            code: None,
            button: None,
            aside: None,
            fallback: String::new(),
            why: String::new(),
            server: String::new(),
        }
    }

    fn with_button(&self, paragraphs: usize, url: &str) -> Letter {
        Letter {
            button: Some(self.action("button", url)),
            ..self.letter(paragraphs)
        }
    }

    fn action(&self, part: &str, url: &str) -> Action {
        Action {
            label: self.say(part),
            url: url.to_owned(),
        }
    }
}

fn draft(text: &'static Text, mail: &Mail) -> Letter {
    let words = |key, values| Words { text, key, values };
    match mail {
        Mail::VerifyEmail { link, hours } => words("verify-email", &[("hours", (*hours).into())]).with_button(2, link),
        Mail::Welcome { link } => words("welcome", &[]).with_button(2, link),
        Mail::AlreadyRegistered { login, forgot } => {
            let words = words("already-registered", &[]);
            Letter {
                aside: Some(words.action("aside", forgot)),
                ..words.with_button(2, login)
            }
        }
        Mail::ResetPassword { link, minutes } => {
            words("reset-password", &[("minutes", (*minutes).into())]).with_button(2, link)
        }
        Mail::PasswordChanged { forgot } => words("password-changed", &[]).with_button(2, forgot),
        Mail::ConfirmEmailChange { link, hours } => {
            words("confirm-email-change", &[("hours", (*hours).into())]).with_button(2, link)
        }
        Mail::EmailChanged { new_email, done } => {
            let key = if *done { "email-changed" } else { "email-change-asked" };
            words(key, &[("email", new_email.as_str().into())]).letter(2)
        }
        Mail::NewDevice {
            device,
            ip,
            at,
            sessions,
        } => Letter {
            facts: seen(text, device.as_deref(), ip.as_deref(), at),
            ..words("new-device", &[]).with_button(2, sessions)
        },
        Mail::SignInCode { code, minutes } => Letter {
            code: Some(code.clone()),
            ..words("sign-in-code", &[("minutes", (*minutes).into())]).letter(2)
        },
        _ => security(text, mail),
    }
}

/// What changed in how somebody signs in.
fn security(text: &'static Text, mail: &Mail) -> Letter {
    let words = |key, values| Words { text, key, values };
    match mail {
        Mail::SecondFactorChanged {
            factor,
            added,
            security,
        } => {
            let key = if *added { "factor-added" } else { "factor-removed" };
            let factor = factor_name(text, factor);
            words(key, &[("factor", factor.into())]).with_button(2, security)
        }
        Mail::ConnectionChanged {
            provider,
            added,
            security,
        } => {
            let key = if *added {
                "connection-added"
            } else {
                "connection-removed"
            };
            words(key, &[("provider", provider.as_str().into())]).with_button(2, security)
        }
        Mail::ApiKeyCreated { name, prefix, keys } => Letter {
            facts: vec![
                (text.t("mail-fact-name"), name.clone()),
                (text.t("mail-fact-key"), format!("{prefix}…")),
            ],
            ..words("api-key-created", &[]).with_button(2, keys)
        },
        Mail::SessionEndedForSafety { sessions } => words("session-ended", &[]).with_button(2, sessions),
        _ => unreachable!("written above"),
    }
}

fn factor_name(text: &Text, factor: &str) -> String {
    match factor {
        "totp" => text.t("mail-factor-totp"),
        "passkey" => text.t("mail-factor-passkey"),
        "recovery_codes" => text.t("mail-factor-recovery-codes"),
        "recovery_code" => text.t("mail-factor-recovery-code"),
        other => other.to_owned(),
    }
}

/// Device, place and time of a login, as far as they are known.
fn seen(text: &Text, device: Option<&str>, ip: Option<&str>, at: &str) -> Vec<(String, String)> {
    let fact = |key: &str, value: Option<&str>| Some((text.t(key), value?.to_owned()));
    [
        fact("mail-fact-device", device),
        fact("mail-fact-address", ip),
        fact("mail-fact-time", Some(&moment(text, at))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An RFC 3339 time in words and in UTC; anything else as it is.
fn moment(text: &Text, at: &str) -> String {
    let Ok(moment) = at.parse::<jiff::Timestamp>() else {
        return at.to_owned();
    };
    let now = moment.to_zoned(jiff::tz::TimeZone::UTC);
    format!("{} UTC", crate::ui::dates::When::new(text, moment, &now).full)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mail::samples, ui::LOCALES};

    /// MAIL-2: each mail in each language, as it was last looked at.
    #[test]
    fn mail_2_every_mail_in_every_language_is_as_it_was() {
        for locale in &LOCALES {
            for (name, mail) in samples::all() {
                let contents = Contents {
                    name: "Mira Holm".to_owned(),
                    mail,
                };
                let sent = render("https://parlor.example", locale.code, &contents, &Templates::default()).unwrap();
                check(&sent, name);
                let shown = format!("{}\n\n{}\n{}", sent.subject, sent.text, sent.html);
                insta::assert_snapshot!(format!("{name}.{}", locale.code), shown);
            }
        }
    }

    fn check(sent: &Rendered, name: &str) {
        for text in [&sent.subject, &sent.text, &sent.html] {
            assert!(!text.contains("mail-") && !text.contains("{ $"), "{name}: {text}");
        }
        assert!(!sent.html.contains("<on>") && !sent.html.contains("<img"), "{name}");
        // Mailboxes cut longer ones.
        assert!(sent.subject.chars().count() <= 60, "{name}: {}", sent.subject);
    }

    #[test]
    fn a_name_that_advertises_is_left_out() {
        assert_eq!(greeted(" Mira Holm "), Some("Mira Holm"));
        assert_eq!(greeted("Dr. Ömer Ünal"), Some("Dr. Ömer Ünal"));
        for name in [
            "",
            "http://evil.example",
            "evil.example",
            "Win at www.evil",
            "a@b",
            "<b>",
            &"x".repeat(61),
        ] {
            assert_eq!(greeted(name), None, "{name}");
        }
    }
}
