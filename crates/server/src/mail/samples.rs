//! One of each mail: what the templates of an operator are checked with, and what the snapshot tests show.

use super::Mail;

/// Every kind in every state, with a name for each.
pub(super) fn all() -> Vec<(&'static str, Mail)> {
    let page = |path: &str| format!("https://parlor.example/en{path}");
    let link = |path: &str| format!("https://parlor.example{path}?token=Zm9yIGEgc2FtcGxlIG9ubHk");
    let mut mails = vec![
        (
            "verify_email",
            Mail::VerifyEmail {
                link: link("/verify"),
                hours: 24,
            },
        ),
        ("welcome", Mail::Welcome { link: page("/chats") }),
        (
            "already_registered",
            Mail::AlreadyRegistered {
                login: page("/login"),
                forgot: page("/forgot"),
            },
        ),
        (
            "reset_password",
            Mail::ResetPassword {
                link: link("/reset"),
                minutes: 60,
            },
        ),
        (
            "password_changed",
            Mail::PasswordChanged {
                forgot: page("/forgot"),
            },
        ),
        (
            "confirm_email_change",
            Mail::ConfirmEmailChange {
                link: link("/change-email"),
                hours: 1,
            },
        ),
        (
            "sign_in_code",
            Mail::SignInCode {
                code: "482 916".to_owned(),
                minutes: 10,
            },
        ),
    ];
    mails.extend(security(&page));
    mails
}

fn security(page: &dyn Fn(&str) -> String) -> Vec<(&'static str, Mail)> {
    let email = |done| Mail::EmailChanged {
        new_email: "mira.new@example.org".to_owned(),
        done,
    };
    let factor = |factor: &str, added| Mail::SecondFactorChanged {
        factor: factor.to_owned(),
        added,
        security: page("/security/factors"),
    };
    let connection = |added| Mail::ConnectionChanged {
        provider: "GitHub".to_owned(),
        added,
        security: page("/security/connections"),
    };
    vec![
        ("email_changed-asked", email(false)),
        ("email_changed-done", email(true)),
        (
            "new_device",
            Mail::NewDevice {
                device: Some("Firefox <on> Linux".to_owned()),
                ip: Some("203.0.113.7".to_owned()),
                at: "2026-11-21T07:05:00Z".to_owned(),
                sessions: page("/sessions"),
            },
        ),
        ("second_factor_changed-added", factor("passkey", true)),
        ("second_factor_changed-removed", factor("totp", false)),
        ("connection_changed-added", connection(true)),
        ("connection_changed-removed", connection(false)),
        (
            "api_key_created",
            Mail::ApiKeyCreated {
                name: "Backup & more".to_owned(),
                prefix: "parlor_8Hx2".to_owned(),
                keys: page("/api-keys"),
            },
        ),
        (
            "session_ended_for_safety",
            Mail::SessionEndedForSafety {
                sessions: page("/sessions"),
            },
        ),
    ]
}
