//! Sessions: who is logged in where, and how it ends.

use std::time::{Duration, Instant};

use parlor_db::{
    entities::{audit_events, mails, sessions},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use parlor_llm::Scripted;
use parlor_server::config::{Config, IpMode};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{self, Actor, Answer, Events, PASSWORD, TestApp, start, start_configured, start_with};

pub const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
pub const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                         Version/18.4 Mobile/15E148 Safari/604.1";
const DAY: Duration = Duration::from_secs(86_400);

/// Somewhere to log in from.
#[derive(Clone, Copy)]
pub struct From<'a> {
    pub agent: &'a str,
    pub ip: &'a str,
    pub cookies: &'a str,
}

pub const HOME: From<'_> = From {
    agent: FIREFOX,
    ip: "203.0.113.7",
    cookies: "",
};

/// Believes what tests say of their address.
pub fn behind_a_proxy(config: &mut Config) {
    config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
}

pub async fn log_in(t: &TestApp, email: &str, from: From<'_>) -> Answer {
    let request = t
        .anon()
        .request(Method::POST, "/api/v1/auth/login")
        .header("user-agent", from.agent)
        .header("x-forwarded-for", from.ip)
        .header("cookie", from.cookies)
        .json(&json!({ "email": email, "password": PASSWORD }));
    support::send(request).await.expect(200)
}

/// The cookies of an answer, as a browser sends them back.
pub fn cookies(answer: &Answer) -> String {
    let lines = answer.headers.get_all("set-cookie").iter();
    let pairs = lines.map(|line| line.to_str().unwrap().split(';').next().unwrap());
    pairs.collect::<Vec<_>>().join("; ")
}

fn with_token(t: &TestApp, login: &Answer) -> Actor {
    t.anon().with_token(login.json()["access_token"].as_str().unwrap())
}

async fn listed(actor: &Actor) -> Vec<Value> {
    let list = actor.get("/api/v1/me/sessions").await.expect(200).json();
    list["data"].as_array().unwrap().clone()
}

async fn current(actor: &Actor) -> String {
    let own = listed(actor)
        .await
        .into_iter()
        .find(|session| session["current"] == true);
    own.unwrap()["id"].as_str().unwrap().to_owned()
}

async fn events(actor: &Actor, after: Option<i64>) -> Events {
    let mut request = actor.request(Method::GET, "/api/v1/me/sessions/events");
    if let Some(after) = after {
        request = request.header("last-event-id", after.to_string());
    }
    Events::open(request).await
}

async fn audit(t: &TestApp) -> Vec<(String, Value)> {
    let rows = audit_events::Entity::find()
        .filter(audit_events::Column::Action.starts_with("session."))
        .order_by_asc(audit_events::Column::Id)
        .all(t.app.db.write())
        .await
        .unwrap();
    rows.into_iter()
        .map(|row| (row.action, serde_json::from_str(&row.data).unwrap()))
        .collect()
}

#[tokio::test]
async fn ses_2_the_list_names_each_device_and_marks_the_current_one() {
    let t = start_configured(Scripted::new(), behind_a_proxy).await;
    t.anon().register("ada@example.org").await;
    t.anon().register("bob@example.org").await;
    let desktop = with_token(&t, &log_in(&t, "ada@example.org", HOME).await);
    t.clock.advance(Duration::from_secs(5));
    let phone = From { agent: PHONE, ..HOME };
    let phone = with_token(&t, &log_in(&t, "ada@example.org", phone).await);
    let program = From {
        agent: "curl/8.14.1",
        ip: "2001:db8::7",
        ..HOME
    };
    t.clock.advance(Duration::from_secs(5));
    log_in(&t, "ada@example.org", program).await;
    log_in(&t, "bob@example.org", HOME).await;
    let list = desktop.get("/api/v1/me/sessions").await.expect(200).json();
    assert_eq!(list["next_cursor"], Value::Null);
    let told: Vec<Value> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["device"].clone())
        .collect();
    let device = |browser: &str, os: Option<&str>, kind: &str| json!({ "browser": browser, "os": os, "kind": kind });
    assert_eq!(
        told,
        [
            device("curl", None, "api"),
            device("Safari", Some("iOS"), "mobile"),
            device("Firefox", Some("Linux"), "desktop"),
        ]
    );
    let marks = |list: &[Value]| list.iter().map(|s| s["current"].as_bool().unwrap()).collect::<Vec<_>>();
    assert_eq!(marks(&listed(&desktop).await), [false, false, true]);
    assert_eq!(marks(&listed(&phone).await), [false, true, false]);
    let first = &list["data"][0];
    assert_eq!(
        (&first["ip"], &first["location"]),
        (&json!("2001:db8::7"), &Value::Null)
    );
    for name in ["created_at", "last_active_at"] {
        assert!(first[name].as_str().is_some_and(|at| at.ends_with('Z')), "{first}");
    }
}

#[tokio::test]
async fn ses_2_the_list_comes_in_pages() {
    let t = start().await;
    let ada = t.user("ada").await;
    for _ in 0..4 {
        t.anon().log_in("ada@example.org").await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/me/sessions?limit=2".to_owned();
    loop {
        let page = ada.get(&path).await.expect(200).json();
        let ids = page["data"].as_array().unwrap().iter().map(|s| s["id"].to_string());
        seen.extend(ids);
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/me/sessions?limit=2&cursor={cursor}");
    }
    let all: Vec<String> = listed(&ada).await.iter().map(|s| s["id"].to_string()).collect();
    assert_eq!((seen.len(), &seen), (5, &all));
}

#[tokio::test]
async fn ses_3_a_person_ends_their_other_sessions_and_nobody_elses() {
    let t = start().await;
    let (ada, bob) = (t.user("ada").await, t.user("bob").await);
    let browser = t.anon().log_in_with_cookie("ada@example.org").await;
    let third = t.anon().log_in("ada@example.org").await;
    let id = current(&browser).await;
    let path = |id: &str| format!("/api/v1/me/sessions/{id}");
    assert_eq!(bob.delete(&path(&id)).await.problem(), (404, "not_found".to_owned()));
    assert_eq!(browser.delete(&path(&id)).await.problem(), (409, "conflict".to_owned()));
    browser.get("/api/v1/me").await.expect(200);
    ada.delete(&path(&id)).await.expect(204);
    assert_eq!(browser.get("/api/v1/me").await.problem().0, 401);
    assert_eq!(ada.delete(&path(&id)).await.problem().0, 404, "it is gone");
    assert_eq!(
        ada.delete(&path("0198c0de-0000-7000-8000-000000000000"))
            .await
            .problem()
            .0,
        404
    );
    assert_eq!(ada.delete(&path("nonsense")).await.problem().0, 404);
    third.get("/api/v1/me").await.expect(200);
    ada.delete("/api/v1/me/sessions").await.expect(204);
    assert_eq!(
        third.get("/api/v1/me").await.problem(),
        (401, "session_revoked".to_owned())
    );
    let refresh = json!({ "refresh_token": third.refresh_token.clone().unwrap() });
    t.anon().post("/api/v1/auth/refresh", &refresh).await.expect(401);
    assert_eq!(listed(&ada).await.len(), 1);
    // Bob goes on, or this test means nothing.
    bob.get("/api/v1/me").await.expect(200);
}

/// Reads to the end of a stream; how long that took.
async fn closes(mut stream: Events) -> Duration {
    let asked = Instant::now();
    stream.rest().await;
    asked.elapsed()
}

#[tokio::test]
async fn ses_3_streams_of_an_ended_session_close_within_a_second() {
    let t = start_with(Scripted::new().fallback("one two three four five six")).await;
    let gate = t.model.hold();
    let ada = t.user("ada").await;
    let lost = t.anon().log_in("ada@example.org").await;
    let chat = ada.chat().await;
    let mut answer = lost.say_streamed(&chat, "count").await;
    gate.release(2);
    let begun = answer.until("delta").await;
    let message = begun[0].data["message_id"].as_str().unwrap().to_owned();
    let listening = events(&lost, None).await;
    let mut own = ada.join(&chat, &message, None).await;
    ada.delete(&format!("/api/v1/me/sessions/{}", current(&lost).await))
        .await
        .expect(204);
    for stream in [answer, listening] {
        let took = closes(stream).await;
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
    assert_eq!(t.app.streams.count(), 1, "nothing is left of them");
    let again = lost.request(Method::GET, &format!("/api/v1/chats/{chat}/messages/{message}/events"));
    assert_eq!(
        support::send(again).await.problem(),
        (401, "session_revoked".to_owned())
    );
    // The answer itself goes on, and who is still here reads it to its end.
    gate.release_all();
    assert_eq!(support::kinds(&own.rest().await).last(), Some(&"done"));
}

#[tokio::test]
async fn ses_3_every_way_out_closes_streams() {
    let t = start().await;
    let ada = t.user("ada").await;
    let id = {
        let me = ada.get("/api/v1/me").await.json();
        me["id"].as_str().unwrap().parse().unwrap()
    };
    let out = t.anon().log_in("ada@example.org").await;
    let stream = events(&out, None).await;
    out.post("/api/v1/auth/logout", &json!({})).await.expect(204);
    assert!(closes(stream).await < Duration::from_secs(1), "logout");

    let other = t.anon().log_in("ada@example.org").await;
    let (kept, stream) = (events(&ada, None).await, events(&other, None).await);
    let own = current(&ada).await.parse().unwrap();
    let tx = t.app.db.begin().await.unwrap();
    let ended = parlor_server::features::sessions::end_all(&t.app, &tx, id, Some(own), "password_changed")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ended.len(), 1);
    parlor_server::features::sessions::ended(&t.app, &ended);
    assert!(closes(stream).await < Duration::from_secs(1), "a password change");
    other.get("/api/v1/me").await.expect(401);
    ada.get("/api/v1/me").await.expect(200);

    let stream = kept;
    t.clock.advance(31 * DAY);
    assert!(closes(stream).await < Duration::from_secs(2), "its time is over");
}

#[tokio::test]
async fn ses_3_a_list_follows_what_happens() {
    let t = start().await;
    let ada = t.user("ada").await;
    let bob = t.user("bob").await;
    let mut stream = events(&ada, None).await;
    let mut bobs = events(&bob, None).await;
    let other = t.anon().log_in("ada@example.org").await;
    let created = stream.next().await.unwrap();
    let id = current(&other).await;
    assert_eq!(
        (created.kind.as_str(), &created.data["id"]),
        ("session.created", &json!(id))
    );
    assert_eq!(created.data["current"], false);
    assert!(created.data["device"]["kind"].is_string());
    t.clock.advance(Duration::from_secs(90));
    other.get("/api/v1/me").await.expect(200);
    let active = stream.next().await.unwrap();
    assert_eq!(
        (active.kind.as_str(), &active.data["id"]),
        ("session.active", &json!(id))
    );
    ada.delete(&format!("/api/v1/me/sessions/{id}")).await.expect(204);
    let told = stream.until("session.revoked").await;
    assert_eq!(told.last().unwrap().data, json!({ "id": id, "current": false }));
    let ids: Vec<i64> = [created, active].iter().chain(&told).map(|event| event.id).collect();
    assert!(ids.is_sorted() && ids[0] > 0, "{ids:?}");
    // The end of the reader's own session is the last that it hears.
    let own = current(&ada).await;
    let third = t.anon().log_in("ada@example.org").await;
    third.delete(&format!("/api/v1/me/sessions/{own}")).await.expect(204);
    let rest = stream.rest().await;
    assert_eq!(rest.last().unwrap().data, json!({ "id": own, "current": true }));
    // Nothing of it is Bob's business.
    t.anon().log_in("bob@example.org").await;
    assert_eq!(bobs.next().await.unwrap().kind, "session.created");
}

#[tokio::test]
async fn ses_3_a_reader_that_comes_back_hears_what_it_missed() {
    let t = start().await;
    let ada = t.user("ada").await;
    let gone = t.anon().log_in("ada@example.org").await;
    let gone_id = current(&gone).await;
    t.clock.advance(Duration::from_secs(10));
    let left = t.app.clock.now().as_micros();
    t.clock.advance(Duration::from_secs(10));
    ada.delete(&format!("/api/v1/me/sessions/{gone_id}")).await.expect(204);
    let new = t.anon().log_in("ada@example.org").await;
    let mut stream = events(&ada, Some(left)).await;
    let told = [stream.next().await.unwrap(), stream.next().await.unwrap()];
    let told: Vec<_> = told
        .iter()
        .map(|event| (event.kind.as_str(), event.data["id"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            ("session.revoked", json!(gone_id)),
            ("session.created", json!(current(&new).await)),
        ]
    );
}

#[tokio::test]
async fn ses_3_a_session_that_ends_on_another_node_ends_here_within_a_second() {
    let t = start_with(Scripted::new().fallback("one two three four")).await;
    let Some(node) = t.node_beside().await else { return };
    let gate = t.model.hold();
    let ada = t.user("ada").await;
    let lost = t.anon().log_in("ada@example.org").await;
    let there = Actor::new(&node.base).with_token(ada.token());
    let chat = ada.chat().await;
    let mut answer = lost.say_streamed(&chat, "count").await;
    gate.release(1);
    answer.until("delta").await;
    let listening = events(&lost, None).await;
    let mut list = events(&ada, None).await;
    let elsewhere = Actor::new(&node.base).log_in("ada@example.org").await;
    let created = list.next().await.unwrap();
    assert_eq!(created.data["id"], json!(current(&elsewhere).await));
    let id = current(&lost).await;
    lost.get("/api/v1/me").await.expect(200);
    there.delete(&format!("/api/v1/me/sessions/{id}")).await.expect(204);
    let ended = Instant::now();
    support::until("the cached session dies", async || {
        lost.get("/api/v1/me").await.status == 401
    })
    .await;
    assert!(ended.elapsed() < Duration::from_millis(1500), "{:?}", ended.elapsed());
    for stream in [answer, listening] {
        closes(stream).await;
        assert!(ended.elapsed() < Duration::from_millis(2500), "{:?}", ended.elapsed());
    }
    let told = list.until("session.revoked").await;
    assert_eq!(told.last().unwrap().data["id"], json!(id));
    ada.get("/api/v1/me").await.expect(200);
}

async fn mailed(t: &TestApp) -> usize {
    let rows = mails::Entity::find().filter(mails::Column::Kind.eq("new_device"));
    rows.all(t.app.db.write()).await.unwrap().len()
}

async fn noticed(actor: &Actor) -> Vec<Value> {
    let list = actor.get("/api/v1/me/notices").await.expect(200).json();
    list["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn ses_4_a_login_from_a_new_device_is_reported() {
    let t = start_configured(Scripted::new(), behind_a_proxy).await;
    t.anon().register("ada@example.org").await;
    let first = log_in(&t, "ada@example.org", HOME).await;
    let ada = with_token(&t, &first);
    assert_eq!(
        (mailed(&t).await, noticed(&ada).await.len()),
        (0, 0),
        "the first login is no news"
    );
    let near = From {
        ip: "203.0.113.99",
        ..HOME
    };
    log_in(&t, "ada@example.org", near).await;
    let device = cookies(&first);
    let known = From {
        ip: "198.51.100.7",
        agent: PHONE,
        cookies: &device,
    };
    log_in(&t, "ada@example.org", known).await;
    assert_eq!(mailed(&t).await, 0, "the same network; a device that has been here");
    let stranger = From {
        ip: "192.0.2.1",
        agent: "curl/8.14.1",
        cookies: "",
    };
    log_in(&t, "ada@example.org", stranger).await;
    assert_eq!(mailed(&t).await, 1);
    let notices = noticed(&ada).await;
    assert_eq!(
        (&notices[0]["kind"], &notices[0]["data"]["ip"]),
        (&json!("new-device"), &json!("192.0.2.1"))
    );
    log_in(&t, "ada@example.org", stranger).await;
    assert_eq!(mailed(&t).await, 1, "now it has been here");
    let told = audit(&t).await;
    let new: Vec<bool> = told.iter().map(|(_, data)| data["new_device"] == true).collect();
    assert_eq!(new, [false, false, false, true, false]);
}

#[tokio::test]
async fn ses_4_mail_of_new_devices_can_be_switched_off_and_the_notice_stays() {
    let t = start_configured(Scripted::new(), behind_a_proxy).await;
    t.anon().register("ada@example.org").await;
    let ada = with_token(&t, &log_in(&t, "ada@example.org", HOME).await);
    assert_eq!(ada.get("/api/v1/me").await.json()["notify_new_device"], true);
    let me = ada
        .patch("/api/v1/me", &json!({ "notify_new_device": false }))
        .await
        .expect(200)
        .json();
    assert_eq!(me["notify_new_device"], false);
    let phone = From { agent: PHONE, ..HOME };
    log_in(&t, "ada@example.org", phone).await;
    assert_eq!((mailed(&t).await, noticed(&ada).await.len()), (0, 1));
    let bob = t.user("bob").await;
    let path = format!(
        "/api/v1/me/notices/{}/seen",
        noticed(&ada).await[0]["id"].as_str().unwrap()
    );
    assert_eq!(bob.post(&path, &json!({})).await.problem().0, 404);
    assert!(noticed(&ada).await[0]["seen_at"].is_null());
    ada.post(&path, &json!({})).await.expect(204);
    assert!(noticed(&ada).await[0]["seen_at"].is_string());
}

#[tokio::test]
async fn ses_5_activity_is_written_once_a_minute_however_many_requests() {
    let t = start().await;
    let ada = t.user("ada").await;
    let mut writes = Vec::new();
    for _ in 0..2 {
        t.clock.advance(Duration::from_secs(61));
        let before = last_active(&t).await;
        for _ in 0..20 {
            ada.get("/api/v1/me").await.expect(200);
            t.clock.advance(Duration::from_millis(100));
        }
        support::until("the activity is written", async || last_active(&t).await > before).await;
        let written = last_active(&t).await;
        ada.get("/api/v1/me").await.expect(200);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(last_active(&t).await, written, "one write");
        writes.push(written);
    }
    assert!(writes[1] - writes[0] >= 60_000_000);
}

async fn last_active(t: &TestApp) -> i64 {
    let rows = sessions::Entity::find().all(t.app.db.write()).await.unwrap();
    rows.iter().map(|row| row.last_active_at.as_micros()).max().unwrap()
}

#[tokio::test]
async fn ses_5_the_life_of_a_session_is_in_the_trail() {
    let t = start().await;
    let ada = t.user("ada").await;
    let second = t.anon().log_in("ada@example.org").await;
    let third = t.anon().log_in("ada@example.org").await;
    ada.delete(&format!("/api/v1/me/sessions/{}", current(&second).await))
        .await
        .expect(204);
    third.post("/api/v1/auth/logout", &json!({})).await.expect(204);
    t.anon().log_in("ada@example.org").await;
    ada.delete("/api/v1/me/sessions").await.expect(204);
    let told: Vec<(String, Value)> = audit(&t)
        .await
        .into_iter()
        .map(|(kind, data)| (kind, data["reason"].clone()))
        .collect();
    let told: Vec<(&str, Option<&str>)> = told
        .iter()
        .map(|(kind, reason)| (kind.as_str(), reason.as_str()))
        .collect();
    let created = ("session.created", None);
    assert_eq!(
        told,
        [
            created,
            created,
            created,
            ("session.revoked", Some("revoked")),
            ("session.ended", Some("logout")),
            created,
            ("session.revoked", Some("revoked")),
        ]
    );
}

#[tokio::test]
async fn ses_1_idle_absolute_and_remembered_sessions_end_by_the_clock() {
    let t = start().await;
    t.anon().register("ada@example.org").await;
    let log_in = async |remember: bool| {
        let login = json!({ "email": "ada@example.org", "password": PASSWORD, "remember_me": remember });
        let request = t
            .anon()
            .request(Method::POST, "/api/v1/auth/login")
            .header("x-session", "cookie");
        let answer = support::send(request.json(&login)).await.expect(200);
        let lines: Vec<String> = answer
            .headers
            .get_all("set-cookie")
            .iter()
            .map(|line| line.to_str().unwrap().to_owned())
            .collect();
        let session = lines.iter().find(|line| line.starts_with("parlor_session=")).unwrap();
        (
            session.split(';').next().unwrap().to_owned(),
            session.contains("Max-Age"),
        )
    };
    let me = async |cookie: &str| {
        let request = t.anon().request(Method::GET, "/api/v1/me").header("cookie", cookie);
        support::send(request).await.status.as_u16()
    };
    let (idle, lasts) = log_in(false).await;
    assert!(!lasts, "it goes with the browser");
    let (remembered, lasts) = log_in(true).await;
    assert!(lasts, "it stays");
    t.clock.advance(7 * DAY - Duration::from_secs(60));
    assert_eq!(me(&idle).await, 200);
    support::until("the activity is written", async || {
        let rows = sessions::Entity::find().all(t.app.db.write()).await.unwrap();
        rows.iter().any(|row| row.last_active_at > row.created_at)
    })
    .await;
    t.clock.advance(7 * DAY - Duration::from_secs(60));
    assert_eq!(me(&idle).await, 200, "use keeps it alive");
    t.clock.advance(7 * DAY);
    assert_eq!(
        (me(&idle).await, me(&remembered).await),
        (401, 200),
        "nobody used it for a week"
    );
    // Used every day, it still ends.
    let (used, _) = log_in(false).await;
    for day in 1..=30 {
        t.clock.advance(DAY - Duration::from_secs(1));
        assert_eq!(me(&used).await, 200, "day {day}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    t.clock.advance(Duration::from_secs(31));
    assert_eq!(me(&used).await, 401, "30 days are over");
    t.clock.advance(40 * DAY);
    assert_eq!(me(&remembered).await, 401, "90 days are over");
}

#[tokio::test]
async fn ses_1_a_disabled_account_is_out_at_once() {
    use parlor_db::{entities::users, sea_orm::prelude::Expr};
    let t = start().await;
    let ada = t.user("ada").await;
    let bob = t.user("bob").await;
    let bobs = events(&bob, None).await;
    let id: parlor_db::sea_orm::prelude::Uuid = bob.get("/api/v1/me").await.json()["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    users::Entity::update_many()
        .col_expr(users::Column::Status, Expr::value("disabled"))
        .filter(users::Column::Id.eq(id))
        .exec(t.app.db.write())
        .await
        .unwrap();
    t.app.users.invalidate(id);
    bob.get("/api/v1/me").await.expect(401);
    t.app.streams.end_user(id);
    assert!(closes(bobs).await < Duration::from_secs(1));
    ada.get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn session_fixation_the_cookie_of_before_the_login_is_dead_after_it() {
    let t = start().await;
    t.anon().register("ada@example.org").await;
    t.anon().register("mallory@example.org").await;
    // Mallory plants her own session in Ada's browser; then Ada logs in there.
    let planted = t.anon().log_in_with_cookie("mallory@example.org").await;
    let login = json!({ "email": "ada@example.org", "password": PASSWORD });
    let request = planted
        .request(Method::POST, "/api/v1/auth/login")
        .header("x-session", "cookie")
        .header("x-csrf-token", planted.csrf.clone().unwrap());
    let answer = support::send(request.json(&login)).await.expect(200);
    assert!(!cookies(&answer).contains(planted.cookie()), "a new id");
    planted.get("/api/v1/me").await.expect(401);
    let request = t
        .anon()
        .request(Method::GET, "/api/v1/me")
        .header("cookie", cookies(&answer));
    assert_eq!(support::send(request).await.json()["email"], "ada@example.org");
    let told = audit(&t).await;
    assert_eq!(told[1], ("session.ended".to_owned(), json!({ "reason": "replaced" })));
    // A cookie that nobody made is not taken over either.
    let made_up = t
        .anon()
        .request(Method::POST, "/en/login")
        .header("cookie", "parlor_session=made-up");
    let form = [("email", "ada@example.org"), ("password", PASSWORD)];
    let answer = support::send(made_up.form(&form)).await.expect(303);
    assert!(!answer.header("set-cookie").contains("made-up"));
    // A login for tokens alone leaves the browser its cookie.
    let browser = t.anon().log_in_with_cookie("ada@example.org").await;
    let csrf = browser.csrf.clone().unwrap();
    let request = browser
        .request(Method::POST, "/api/v1/auth/login")
        .header("x-csrf-token", csrf);
    support::send(request.json(&login)).await.expect(200);
    browser.get("/api/v1/me").await.expect(200);
}

#[tokio::test]
async fn ses_2_no_more_of_an_address_is_kept_than_is_configured() {
    for (mode, kept) in [
        (IpMode::Full, json!("203.0.113.7")),
        (IpMode::Truncated, json!("203.0.113.0")),
        (IpMode::None, Value::Null),
    ] {
        let configured = |config: &mut Config| {
            behind_a_proxy(config);
            config.sessions.ip_mode = mode;
        };
        let t = start_configured(Scripted::new(), configured).await;
        t.anon().register("ada@example.org").await;
        let ada = with_token(&t, &log_in(&t, "ada@example.org", HOME).await);
        assert_eq!(listed(&ada).await[0]["ip"], kept, "{mode:?}");
        // Another browser is new in each mode; the same one is not.
        log_in(&t, "ada@example.org", HOME).await;
        assert_eq!(mailed(&t).await, 0, "{mode:?}");
        log_in(&t, "ada@example.org", From { agent: PHONE, ..HOME }).await;
        assert_eq!(mailed(&t).await, 1, "{mode:?}");
        assert_eq!(noticed(&ada).await[0]["data"]["ip"], kept, "{mode:?}");
    }
}
