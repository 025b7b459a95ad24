//! The page of the devices one is logged in on.

use askama::Template;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::{Client, Session};
use crate::ui::{Page, Text, dates::When};

/// `GET /{locale}/sessions`.
#[derive(Debug, Template)]
#[template(path = "features/sessions/sessions.html")]
pub struct SessionsView {
    /// The frame.
    pub page: Page,
    /// The one that looks at the page.
    pub current: DeviceView,
    /// The one that was active last first.
    pub others: Vec<DeviceView>,
    /// Whether there are more than the page shows.
    pub more: bool,
    /// Whether a login from a new device is reported by mail.
    pub mail_new_device: bool,
    /// When the page was made, in microseconds since 1970: its script asks for what happened since.
    pub seen: i64,
}

/// One session.
#[derive(Debug, Clone)]
pub struct DeviceView {
    /// The session's id.
    pub id: String,
    /// Of its kind.
    pub icon: String,
    /// "Firefox on Linux".
    pub name: String,
    /// What kind of device it is, in words.
    pub kind: String,
    /// Its address, as much of it as is kept.
    pub ip: Option<String>,
    /// When it logged in.
    pub since: When,
    /// When it was last active: near today, relative.
    pub active: When,
}

impl DeviceView {
    /// As seen from `now`.
    pub fn new(text: &Text, session: &Session, now: &Zoned) -> Self {
        let client = Client::parse(session.user_agent.as_deref());
        let active = session.last_active_at.to_jiff();
        Self {
            id: session.id.to_string(),
            icon: format!("device-{}", client.kind.id()),
            name: client.name(text),
            kind: text.t(&format!("device-kind-{}", client.kind.id())),
            ip: session.ip.clone(),
            since: When::new(text, session.created_at.to_jiff(), now),
            active: When {
                label: ago(text, active, now.timestamp()),
                ..When::new(text, active, now)
            },
        }
    }
}

/// "5 minutes ago". Activity is written once a minute, so nothing finer would be true.
fn ago(text: &Text, at: Timestamp, now: Timestamp) -> String {
    let past = now.duration_since(at).max(SignedDuration::ZERO);
    let (minutes, hours) = (past.as_mins(), past.as_hours());
    let (key, n) = match (minutes, hours) {
        (..=1, _) => return text.t("active-now"),
        (_, 0) => ("active-minutes", minutes),
        (_, ..=23) => ("active-hours", hours),
        _ => ("active-days", hours / 24),
    };
    text.t_with(key, &[("n", n.into())])
}

/// Sample data for tests.
#[cfg(test)]
mod sample {
    use parlor_db::Timestamp as At;
    use uuid::Uuid;

    use super::*;

    fn device(page: &Page, n: u128, agent: &str) -> DeviceView {
        let at = At::from_micros(1_700_000_000_000_000);
        let session = Session {
            id: Uuid::from_u128(n),
            user_id: Uuid::nil(),
            token_hash: Vec::new(),
            remember: true,
            user_agent: Some(agent.to_owned()),
            ip: Some("203.0.113.7".to_owned()),
            created_at: at,
            last_active_at: at,
            expires_at: at,
            revoked_at: None,
            revoked_reason: None,
            authenticated_at: at,
            method: "password".to_owned(),
        };
        let now = "2023-11-14T23:13:20Z[UTC]".parse().expect("a moment");
        DeviceView::new(page.text, &session, &now)
    }

    pub fn sessions(page: Page) -> SessionsView {
        SessionsView {
            current: device(
                &page,
                1,
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            ),
            others: vec![device(&page, 2, "curl/8.14.1"), device(&page, 3, "<script>")],
            more: true,
            mail_new_device: true,
            seen: 1_700_000_000_000_000,
            page: Page {
                path: "/sessions".into(),
                notice: None,
                ..page
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{check_html, pages};

    #[test]
    fn ses_2_each_device_says_what_and_where_it_is() {
        for page in pages() {
            let view = sample::sessions(page);
            let html = view.render().expect("renders");
            check_html(&html, &view.page);
            assert!(html.contains("curl") && html.contains("203.0.113.7"));
            assert!(html.contains(&view.page.t("device-kind-api")));
            assert_eq!(html.matches("data-session=").count(), 3);
            let own = html.split("data-session=").nth(1).expect("the first");
            assert!(
                own.contains(&view.page.t("device-this")) && !own.contains("/revoke\""),
                "{own}"
            );
        }
    }

    #[test]
    fn ses_4_notices_stand_on_every_page() {
        for page in pages() {
            let html = sample::sessions(page).render().expect("renders");
            assert!(html.contains("Something &#60;new&#62;") && html.contains("/seen\""));
        }
    }

    #[test]
    fn activity_is_told_as_people_say_it() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a moment");
        let said = |code, seconds| ago(Text::for_locale(code), now - SignedDuration::from_secs(seconds), now);
        assert_eq!(said("en", -5), "active now");
        assert_eq!(said("en", 119), "active now");
        assert_eq!(said("en", 120), "2 minutes ago");
        assert_eq!(said("en", 3600), "1 hour ago");
        assert_eq!(said("en", 23 * 3600), "23 hours ago");
        assert_eq!(said("en", 24 * 3600), "1 day ago");
        assert_eq!(said("de", 49 * 3600), "vor 2 Tagen");
    }
}
