//! How a session begins: the old one of that browser ends with it, and a device that nobody has seen is reported.

use std::{net::IpAddr, time::Duration};

use parlor_db::{Timestamp, Tx};
use serde_json::json;

use super::{
    Begun, Client, Device, Login, Session, device::network_of, ended, issue, new_secret, refresh, store, watch,
};
use crate::{
    app::App,
    features::{
        accounts::User,
        audit::{self, Event},
        notices,
    },
    http::Result,
    mail::{self, Mail, Recipient},
    ui::{Text, dates::When},
};

/// What a login brings, for work that outlives its request.
struct Arrival {
    user: User,
    device: Device,
    remember: bool,
    method: String,
}

/// Begins a session; always a new id, whatever the browser had before.
///
/// # Errors
/// When the database fails.
pub async fn begin(app: &App, login: Login<'_>) -> Result<Begun> {
    let arrival = Arrival {
        user: login.user.clone(),
        device: login.device.clone(),
        remember: login.remember,
        method: login.method,
    };
    let own = app.clone();
    // A commit whose caches stay stale would leave the old session alive.
    app.to_the_end(async move { admit(&own, arrival).await }).await
}

async fn admit(app: &App, arrival: Arrival) -> Result<Begun> {
    let secret = new_secret();
    let login = Login {
        user: &arrival.user,
        device: &arrival.device,
        remember: arrival.remember,
        method: arrival.method.clone(),
    };
    let user_id = arrival.user.id;
    let tx = app.db.begin().await?;
    let replaced = replace(app, &tx, &arrival.device).await?;
    let earlier = store::earlier(&tx, user_id).await?;
    let session = store::insert(app, &tx, &login, &secret).await?;
    let refresh_token = refresh::first(app, &tx, &session).await?;
    let new_device = store::meet_device(app, &tx, user_id, &arrival.device).await?;
    let is_new = new_device.is_some() && is_strange(&earlier, &session, app.clock.now());
    if is_new {
        report(app, &tx, &arrival.user, &session).await?;
    }
    let created = Event {
        session_id: Some(session.id),
        device: Some(&arrival.device),
        data: json!({ "method": session.method, "remember": session.remember, "new_device": is_new }),
        ..Event::own(user_id, "session.created")
    };
    audit::record(app, &tx, created).await?;
    tx.commit().await?;
    ended(app, replaced.as_slice());
    if is_new {
        app.mailer.wake();
        app.notices.changed(user_id);
    }
    watch::changed(app, user_id);
    Ok(Begun {
        new_device,
        session_id: session.id,
        remember: arrival.remember,
        secret,
        tokens: issue(app, &session, refresh_token)?,
    })
}

/// Ends the session that this browser was in, whoever was: its cookie is being replaced, and a cookie that somebody
/// planted there must not become theirs and ours.
async fn replace(app: &App, tx: &Tx, device: &Device) -> Result<Option<uuid::Uuid>> {
    let Some(hash) = device.replaces else { return Ok(None) };
    let Some(old) = store::revoke_by_cookie(app, tx, hash, "replaced").await? else {
        return Ok(None);
    };
    let event = Event {
        session_id: Some(old.id),
        device: Some(device),
        data: json!({ "reason": "replaced" }),
        ..Event::own(old.user_id, "session.ended")
    };
    audit::record(app, tx, event).await?;
    Ok(Some(old.id))
}

/// How long a device stays familiar after its last use.
const FAMILIAR: Duration = Duration::from_secs(90 * 86_400);

/// Whether no earlier session came from such a browser in such a network. The first login of an account is no news.
fn is_strange(earlier: &[Session], new: &Session, now: Timestamp) -> bool {
    let recent = |session: &&Session| session.last_active_at + FAMILIAR > now;
    let alike = |session: &Session| client(session) == client(new) && network(session) == network(new);
    !earlier.is_empty() && !earlier.iter().filter(recent).any(alike)
}

fn client(session: &Session) -> Client {
    Client::parse(session.user_agent.as_deref())
}

/// None where addresses are not kept: then the browser alone decides.
fn network(session: &Session) -> Option<IpAddr> {
    let ip: IpAddr = session.ip.as_deref()?.parse().ok()?;
    Some(network_of(ip, 24, 48))
}

async fn report(app: &App, tx: &Tx, user: &User, session: &Session) -> Result<()> {
    let text = Text::for_locale(&user.locale);
    let client = client(session);
    let data = json!({ "session_id": session.id, "user_agent": session.user_agent, "ip": session.ip });
    notices::add(app, tx, user.id, "new-device", &data).await?;
    if !user.mail_new_device {
        return Ok(());
    }
    let utc = app.clock.now().to_jiff().to_zoned(jiff::tz::TimeZone::UTC);
    let device = Mail::NewDevice {
        device: client.browser.is_some().then(|| client.name(text)),
        ip: session.ip.clone(),
        at: format!("{} UTC", When::new(text, utc.timestamp(), &utc).full),
        sessions: format!("{}/{}/sessions", app.config.public_url, text.locale().code),
    };
    mail::enqueue(app, tx, &Recipient::from(user), &device).await
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36";
    const DAY: i64 = 86_400_000_000;

    fn session(agent: &str, ip: Option<&str>, day: i64) -> Session {
        let at = Timestamp::from_micros(day * DAY);
        Session {
            id: Uuid::nil(),
            user_id: Uuid::nil(),
            token_hash: Vec::new(),
            remember: false,
            user_agent: Some(agent.to_owned()),
            ip: ip.map(str::to_owned),
            created_at: at,
            last_active_at: at,
            expires_at: at,
            revoked_at: None,
            revoked_reason: None,
            authenticated_at: at,
            method: String::new(),
        }
    }

    #[test]
    fn ses_4_a_device_is_new_by_its_browser_and_its_network() {
        let now = Timestamp::from_micros(1000 * DAY);
        let earlier = [session(FIREFOX, Some("203.0.113.7"), 950)];
        let strange = |agent: &str, ip: Option<&str>| is_strange(&earlier, &session(agent, ip, 1000), now);
        assert!(!strange(FIREFOX, Some("203.0.113.200")), "the same network");
        assert!(strange(FIREFOX, Some("198.51.100.7")), "another network");
        assert!(strange(CHROME, Some("203.0.113.7")), "another browser");
        let newer = FIREFOX.replace("140", "141");
        assert!(!strange(&newer, Some("203.0.113.7")), "an update is no new device");
        assert!(strange(FIREFOX, None));
        let first = session(CHROME, Some("198.51.100.7"), 1000);
        assert!(!is_strange(&[], &first, now), "the first login of an account");
        let long_ago = [session(FIREFOX, Some("203.0.113.7"), 909)];
        assert!(is_strange(&long_ago, &session(FIREFOX, Some("203.0.113.7"), 1000), now));
        let without = [session(FIREFOX, None, 999)];
        assert!(
            !is_strange(&without, &session(FIREFOX, None, 1000), now),
            "no addresses kept"
        );
    }
}
