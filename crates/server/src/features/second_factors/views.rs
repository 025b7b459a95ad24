//! The pages of the second step: setting it up, and answering it.

use askama::Template;

use crate::ui::{Page, When};

/// `GET /{locale}/security/factors`.
#[derive(Debug, Template)]
#[template(path = "features/second_factors/factors.html")]
pub struct FactorsView {
    /// The frame.
    pub page: Page,
    /// Whether the operator demands a factor and this person has none.
    pub due: bool,
    /// Whether an authenticator app is set up.
    pub totp: bool,
    /// Recovery codes that were not used.
    pub codes_left: usize,
    /// The passkeys, oldest first.
    pub passkeys: Vec<PasskeyRow>,
    /// The address to open instead, when passkeys cannot work under this one.
    pub open_instead: Option<String>,
    /// Why something did not work.
    pub error: Option<String>,
}

impl FactorsView {
    fn any(&self) -> bool {
        self.totp || !self.passkeys.is_empty()
    }
}

/// A passkey in the list.
#[derive(Debug)]
pub struct PasskeyRow {
    /// Its id.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub added: When,
    /// When it was used last.
    pub used: Option<When>,
}

/// `GET /{locale}/security/factors/totp`, and again when the code was wrong.
#[derive(Debug, Template)]
#[template(path = "features/second_factors/totp.html")]
pub struct TotpView {
    /// The frame.
    pub page: Page,
    /// The key in groups, for typing it.
    pub key: String,
    /// What a tap on a telephone opens in its app.
    pub otpauth_url: String,
    /// The QR code; ours, so the template prints it as it is.
    pub qr_svg: String,
    /// Whether the code was wrong.
    pub wrong: bool,
}

/// The recovery codes, shown once.
#[derive(Debug, Template)]
#[template(path = "features/second_factors/codes.html")]
pub struct CodesView {
    /// The frame.
    pub page: Page,
    /// All of them.
    pub codes: Vec<String>,
}

impl CodesView {
    /// A text file of them, as an address: saving it needs no script.
    fn file(&self) -> String {
        let text = format!("{}\n\n{}\n", self.page.t("codes-file-title"), self.codes.join("\n"));
        let encoded = url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        format!("data:text/plain;charset=utf-8,{}", encoded.replace('+', "%20"))
    }
}

/// `GET /{locale}/login/second-factor`, and again when the answer was wrong.
#[derive(Debug, Template)]
#[template(path = "features/second_factors/challenge.html")]
pub struct ChallengeView {
    /// The frame; nobody is signed in.
    pub page: Page,
    /// What can be answered; none when this challenge is over.
    pub asking: Option<Asking>,
    /// What went wrong: a sentence.
    pub error: Option<String>,
    /// Where to go afterwards: a path of this site.
    pub next: Option<String>,
}

/// What a challenge asks for.
#[derive(Debug)]
pub struct Asking {
    /// A code of the app.
    pub totp: bool,
    /// A recovery code.
    pub recovery: bool,
    /// Options for `navigator.credentials.get`, as JSON.
    pub passkey: Option<String>,
}

impl ChallengeView {
    fn login(&self) -> String {
        let query = self
            .next
            .as_deref()
            .map(|next| serde_urlencoded::to_string([("next", next)]));
        match query {
            Some(Ok(query)) => format!("{}?{query}", self.page.url("/login")),
            _ => self.page.url("/login"),
        }
    }
}

/// Sample data for tests and for looking at the pages.
#[cfg(test)]
pub mod sample {
    use jiff::{Timestamp, tz::TimeZone};

    use super::*;

    fn when(page: &Page) -> When {
        let now = Timestamp::UNIX_EPOCH;
        When::new(page.text, now, &now.to_zoned(TimeZone::UTC))
    }

    /// Somebody with everything.
    pub fn factors(page: Page) -> FactorsView {
        FactorsView {
            due: false,
            totp: true,
            codes_left: 8,
            passkeys: vec![PasskeyRow {
                id: "0192f000-0000-7000-8000-000000000001".into(),
                name: "Mira's <laptop>".into(),
                added: when(&page),
                used: Some(when(&page)),
            }],
            open_instead: None,
            error: None,
            page: Page {
                path: "/security/factors".into(),
                ..page
            },
        }
    }

    /// An administrator who must begin, under an address that passkeys do not take.
    pub fn nothing(page: Page) -> FactorsView {
        FactorsView {
            due: true,
            totp: false,
            codes_left: 0,
            passkeys: Vec::new(),
            open_instead: Some("http://localhost:8080".into()),
            error: Some("No <luck>".into()),
            ..factors(page)
        }
    }

    /// The second step of setting up, after a wrong code.
    pub fn totp(page: Page) -> TotpView {
        TotpView {
            page,
            key: "GEZD GNBV".into(),
            otpauth_url: "otpauth://totp/Parlor:mira".into(),
            qr_svg: "<svg role=\"img\" aria-label=\"x\"></svg>".into(),
            wrong: true,
        }
    }

    /// Two of them.
    pub fn codes(page: Page) -> CodesView {
        CodesView {
            page,
            codes: vec!["k3vd-9x2m-0rtw-8hqe".into(), "aaaa-bbbb-cccc-dddd".into()],
        }
    }

    /// Asked for everything, after a wrong code.
    pub fn challenge(page: Page) -> ChallengeView {
        ChallengeView {
            error: Some(page.t("challenge-wrong")),
            page: Page {
                viewer: None,
                notice: None,
                ..page
            },
            asking: Some(Asking {
                totp: true,
                recovery: true,
                passkey: Some("{\"challenge\":\"x\"}".into()),
            }),
            next: Some("/en/chats?q=a b".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{check_html, pages};

    #[test]
    fn the_factors_page_shows_each_state() {
        for page in pages() {
            let view = sample::factors(page.clone());
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("&#60;laptop&#62;"), "names are escaped");
            assert!(html.contains(&view.page.count("codes-left", 8)));
            assert!(html.contains("/security/factors/totp/remove"));
            assert!(html.contains("data-passkey-add"));
            let view = sample::nothing(page);
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains(&view.page.t("factors-due")));
            assert!(html.contains("http://localhost:8080"));
            assert!(!html.contains("data-passkey-add") && !html.contains("recovery-codes"));
        }
    }

    #[test]
    fn setting_up_shows_the_key_beside_the_picture() {
        for page in pages() {
            let view = sample::totp(page);
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("<svg role=\"img\"") && html.contains("GEZD GNBV"));
            assert!(html.contains("autocomplete=\"one-time-code\"") && html.contains("inputmode=\"numeric\""));
            assert!(html.contains("aria-invalid=\"true\""));
        }
    }

    #[test]
    fn recovery_codes_can_be_saved_without_a_script() {
        for page in pages() {
            let view = sample::codes(page);
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("k3vd-9x2m-0rtw-8hqe</code>"));
            assert!(html.contains("download=\"parlor-recovery-codes.txt\""));
            assert!(html.contains("%0Ak3vd-9x2m-0rtw-8hqe%0A"), "{html}");
        }
    }

    #[test]
    fn the_second_step_offers_what_the_account_has() {
        for page in pages() {
            let view = sample::challenge(page.clone());
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("name=\"code\"") && html.contains("name=\"recovery_code\""));
            assert!(html.contains("data-passkey-answer"));
            assert!(html.contains("name=\"next\" value=\"/en/chats?q=a b\""));
            let over = ChallengeView {
                asking: None,
                ..sample::challenge(page)
            };
            let html = over.render().expect("renders");
            check_html(&html, &over.page);
            assert!(!html.contains("name=\"code\""));
            assert!(html.contains("/login?next=%2Fen%2Fchats%3Fq%3Da+b\""), "{html}");
        }
    }
}
