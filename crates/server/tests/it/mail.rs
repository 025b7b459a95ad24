//! Mail: queued with what it is about, handed over by a worker, to a real server.

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use parlor_db::{
    entities::mails,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use parlor_llm::Scripted;
use parlor_server::{
    app::{App, Overrides},
    config::{Config, Environment, Secret, SmtpTls},
    mail::{self, Failure, Mail, Memory, Recipient, Transport},
};
use serde_json::{Value, json};

use crate::support::{self, TestApp, TestDatabase, send, smtp::MailServer, start_mailing, start_with_mail, until};

const TOKEN: &str = "canary-mailed-token-5VY";

async fn start_sending(server: &MailServer) -> TestApp {
    start_mailing(Scripted::new(), None, |config| {
        server.configure(config);
        config.require_verified_email = false;
    })
    .await
}

fn to(email: &str) -> Recipient {
    Recipient {
        user_id: None,
        email: email.to_owned(),
        name: "Ada Müller".to_owned(),
        locale: "de".to_owned(),
    }
}

fn reset(app: &App) -> Mail {
    Mail::ResetPassword {
        link: mail::link(app, "/reset", TOKEN),
        minutes: 60,
    }
}

fn welcome(app: &App) -> Mail {
    Mail::Welcome {
        link: mail::page_link(app, "de", "/chats"),
    }
}

async fn post(app: &App, email: &str, mail: &Mail) {
    let tx = app.db.begin().await.unwrap();
    mail::enqueue(app, &tx, &to(email), mail).await.unwrap();
    tx.commit().await.unwrap();
    app.mailer.wake();
}

async fn row(app: &App, email: &str) -> mails::Model {
    mails::Entity::find()
        .filter(mails::Column::Recipient.eq(email))
        .one(app.db.write())
        .await
        .unwrap()
        .unwrap()
}

async fn until_status(app: &App, email: &str, status: &str) -> mails::Model {
    until(&format!("{email} is {status}"), async || {
        row(app, email).await.status == status
    })
    .await;
    row(app, email).await
}

async fn until_tried(app: &App, email: &str, attempts: i64) -> mails::Model {
    until(&format!("{email} was tried"), async || {
        let row = row(app, email).await;
        row.attempts == attempts && row.last_error.is_some() && row.locked_until <= app.clock.now()
    })
    .await;
    row(app, email).await
}

#[tokio::test]
async fn mail_3_a_mail_exists_only_if_what_it_is_about_does() {
    let t = start_with_mail().await;
    assert!(t.app.config.must_verify_email(), "mail is on");
    let tx = t.app.db.begin().await.unwrap();
    mail::enqueue(&t.app, &tx, &to("ada@example.org"), &reset(&t.app))
        .await
        .unwrap();
    drop(tx);
    assert!(t.mails_to("ada@example.org").await.is_empty(), "rolled back");
    post(&t.app, "ada@example.org", &reset(&t.app)).await;
    let received = t.mail_to("ada@example.org", "reset_password").await;
    assert_eq!(received.mail, reset(&t.app));
    assert_eq!(received.path(), format!("/reset?token={TOKEN}"));
    assert_eq!(received.token(), TOKEN);
    assert_eq!(received.subject, "Wähle ein neues Passwort");
    assert!(received.text.starts_with("Hallo Ada Müller,"), "{}", received.text);
    assert!(received.html.contains(&received.link()));
}

#[tokio::test]
async fn mail_1_a_mail_arrives_once_in_both_forms_and_in_its_language() {
    let server = MailServer::start();
    let t = start_sending(&server).await;
    post(&t.app, "ada@example.org", &reset(&t.app)).await;
    let mail = server.taken(1).await.remove(0);
    let sent = until_status(&t.app, "ada@example.org", "sent").await;
    assert_eq!(mail["defects"], json!([]), "{mail}");
    assert_eq!(mail["envelope_from"], "parlor@mail.example");
    assert_eq!(mail["envelope_to"], json!(["ada@example.org"]));
    let header = |name: &str| mail["headers"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(header("subject"), "Wähle ein neues Passwort");
    assert_eq!(header("from"), "Parlor Tést <parlor@mail.example>");
    assert_eq!(header("to"), "Ada Müller <ada@example.org>");
    assert_eq!(header("message-id"), format!("<{}@mail.example>", sent.id));
    assert_eq!(header("auto-submitted"), "auto-generated");
    assert_eq!(mail["kind"], "multipart/alternative");
    let link = mail::link(&t.app, "/reset", TOKEN);
    let text = mail["text"].as_str().unwrap();
    assert!(
        text.contains(&link) && text.contains("gilt einmal und 60 Minuten lang"),
        "{text}"
    );
    let html = mail["html"].as_str().unwrap();
    assert!(
        html.contains(&format!("href=\"{link}\"")) && html.contains("Müller"),
        "{html}"
    );
    t.app.mailer.wake();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.mails().len(), 1, "once");
}

#[tokio::test]
async fn mail_3_what_opens_accounts_is_readable_nowhere() {
    let server = MailServer::start();
    let t = start_sending(&server).await;
    post(&t.app, "busy-1@example.org", &reset(&t.app)).await;
    let queued = until_tried(&t.app, "busy-1@example.org", 1).await;
    assert_eq!(queued.status, "queued");
    let sealed = queued.parameters.unwrap();
    assert!(
        !sealed.is_empty() && !contains(&sealed, TOKEN.as_bytes()),
        "sealed while it waits"
    );
    let admin = t.user("admin").await;
    let shown = admin
        .get(&format!("/api/v1/admin/mails/{}", queued.id))
        .await
        .expect(200);
    assert!(
        !shown.text.contains(TOKEN) && shown.json()["redacted"] == true,
        "{}",
        shown.text
    );
    assert!(
        shown.json()["text"].as_str().unwrap().contains("Hallo Ada Müller"),
        "the rest is there"
    );
    t.clock.advance(Duration::from_secs(7));
    t.app.mailer.wake();
    let sent = until_status(&t.app, "busy-1@example.org", "sent").await;
    assert_eq!((sent.parameters, sent.last_error), (None, None), "emptied");
    assert!(
        server
            .mails()
            .iter()
            .any(|mail| mail["text"].as_str().unwrap().contains(TOKEN)),
        "or this test means nothing"
    );
    let gone = admin.get(&format!("/api/v1/admin/mails/{}", sent.id)).await.expect(200);
    assert_eq!(gone.json()["text"], Value::Null);
    let log = support::log::text();
    assert!(log.contains(&sent.id.to_string()), "the log speaks of this mail");
    for canary in [TOKEN, "busy-1@example.org", "Ada Müller"] {
        assert!(!log.contains(canary), "{canary} is in the log");
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn mail_3_a_refused_mail_is_dead_at_once_and_an_administrator_may_try_again() {
    let server = MailServer::start();
    let t = start_sending(&server).await;
    post(&t.app, "refused@example.org", &welcome(&t.app)).await;
    post(&t.app, "not an address", &welcome(&t.app)).await;
    let dead = until_status(&t.app, "refused@example.org", "dead").await;
    assert_eq!(dead.attempts, 1);
    assert!(dead.last_error.unwrap().contains("User unknown"));
    until_status(&t.app, "not an address", "dead").await;
    let log = support::log::text();
    let line = log
        .lines()
        .find(|line| line.contains(&dead.id.to_string()) && line.contains("mail not sent"))
        .unwrap();
    assert!(
        line.contains("\"reason\":\"550\"") && line.contains("\"dead\":true"),
        "{line}"
    );
    let (admin, bob) = (t.user("admin").await, t.user("bob").await);
    let path = format!("/api/v1/admin/mails/{}/retry", dead.id);
    bob.post(&path, &json!({})).await.expect(404);
    let listed = admin
        .get("/api/v1/admin/mails?status=dead&limit=1")
        .await
        .expect(200)
        .json();
    assert!(listed["next_cursor"].is_string() && listed["data"].as_array().unwrap().len() == 1);
    assert_eq!(
        admin.post(&path, &json!({})).await.expect(200).json()["status"],
        "queued"
    );
    let again = until_status(&t.app, "refused@example.org", "dead").await;
    assert_eq!(again.attempts, 1, "tried anew, and refused anew");
    let sent = json!({});
    post(&t.app, "ada@example.org", &welcome(&t.app)).await;
    let id = until_status(&t.app, "ada@example.org", "sent").await.id;
    let refused = admin.post(&format!("/api/v1/admin/mails/{id}/retry"), &sent).await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
}

#[tokio::test]
async fn mail_3_a_busy_server_is_asked_again_later_and_later() {
    let server = MailServer::start();
    let t = start_sending(&server).await;
    post(&t.app, "busy-2@example.org", &welcome(&t.app)).await;
    let first = until_tried(&t.app, "busy-2@example.org", 1).await;
    let pause = first.run_at.since(t.app.clock.now());
    assert!(pause <= Duration::from_secs(6), "{pause:?}");
    t.app.mailer.wake();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(
        row(&t.app, "busy-2@example.org").await.attempts,
        1,
        "not before its time"
    );
    t.clock.advance(Duration::from_secs(7));
    t.app.mailer.wake();
    let second = until_tried(&t.app, "busy-2@example.org", 2).await;
    let pause = second.run_at.since(t.app.clock.now());
    assert!((20..=36).contains(&pause.as_secs()), "{pause:?}");
    t.clock.advance(Duration::from_secs(37));
    t.app.mailer.wake();
    assert_eq!(until_status(&t.app, "busy-2@example.org", "sent").await.attempts, 3);
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn mail_3_a_mail_that_never_gets_through_is_given_up_after_about_a_day() {
    let memory = Memory::default();
    (0..8).for_each(|_| memory.fail_next(Failure::trouble("451", "451 later")));
    let t = start_mailing(
        Scripted::new(),
        Some(Transport::Memory(memory.clone())),
        support::with_mail,
    )
    .await;
    let begun = t.app.clock.now();
    post(&t.app, "ada@example.org", &welcome(&t.app)).await;
    for attempt in 1..8 {
        let waiting = until_tried(&t.app, "ada@example.org", attempt).await;
        t.clock
            .advance(waiting.run_at.since(t.app.clock.now()) + Duration::from_secs(1));
        t.app.mailer.wake();
    }
    let dead = until_status(&t.app, "ada@example.org", "dead").await;
    assert_eq!(dead.attempts, 8);
    let hours = t.app.clock.now().since(begun).as_secs() / 3600;
    assert!((17..=30).contains(&hours), "{hours}");
    assert!(dead.parameters.is_some(), "it can be sent again");
}

#[tokio::test]
async fn mail_3_a_link_that_expired_on_the_way_is_not_sent() {
    let memory = Memory::default();
    memory.fail_next(Failure::trouble("451", "451 later"));
    let t = start_mailing(
        Scripted::new(),
        Some(Transport::Memory(memory.clone())),
        support::with_mail,
    )
    .await;
    post(&t.app, "ada@example.org", &reset(&t.app)).await;
    until_tried(&t.app, "ada@example.org", 1).await;
    t.clock.advance(Duration::from_secs(3601));
    t.app.mailer.wake();
    let dead = until_status(&t.app, "ada@example.org", "dead").await;
    assert!(dead.last_error.unwrap().contains("expired"));
    assert!(memory.sent().is_empty());
}

#[tokio::test]
async fn mail_3_a_slow_mailbox_keeps_nobody_waiting_and_times_out() {
    let server = MailServer::start();
    let t = start_mailing(Scripted::new(), None, |config| {
        server.configure(config);
        config.mail.timeout_s = 5;
        config.mail.max_concurrent = 2;
    })
    .await;
    let begun = Instant::now();
    post(&t.app, "slow@example.org", &welcome(&t.app)).await;
    for n in 0..5 {
        post(&t.app, &format!("fast{n}@example.org"), &welcome(&t.app)).await;
    }
    server.taken(5).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let slow = until_tried(&t.app, "slow@example.org", 1).await;
    assert_eq!(
        (slow.status.as_str(), slow.last_error.as_deref()),
        ("queued", Some("the mail server did not answer in time"))
    );
    // The connection that was left in the middle of a mail carries no other one.
    post(&t.app, "after@example.org", &welcome(&t.app)).await;
    until_status(&t.app, "after@example.org", "sent").await;
    assert!(server.mails().iter().all(|mail| mail["defects"] == json!([])));
}

#[tokio::test]
async fn mail_3_a_cut_connection_is_tried_again_under_the_same_message_id() {
    let server = MailServer::start();
    let t = start_sending(&server).await;
    post(&t.app, "drop-1@example.org", &welcome(&t.app)).await;
    let waiting = until_tried(&t.app, "drop-1@example.org", 1).await;
    assert_eq!(waiting.status, "queued");
    t.clock.advance(Duration::from_secs(7));
    t.app.mailer.wake();
    until_status(&t.app, "drop-1@example.org", "sent").await;
    let id = server.mails()[0]["headers"]["message-id"].as_str().unwrap().to_owned();
    assert_eq!(id, format!("<{}@mail.example>", waiting.id));
}

#[tokio::test]
async fn mail_1_a_certificate_that_nobody_vouches_for_gets_nothing() {
    let server = MailServer::start_with_tls();
    let t = start_mailing(Scripted::new(), None, |config| {
        server.configure(config);
        config.mail.smtp_tls = SmtpTls::Starttls;
    })
    .await;
    post(&t.app, "ada@example.org", &welcome(&t.app)).await;
    let waiting = until_tried(&t.app, "ada@example.org", 1).await;
    assert_eq!(waiting.status, "queued", "somebody can mend it");
    assert!(server.mails().is_empty());
    let health = t.anon().get("/health").await.expect(200).json();
    assert_eq!(
        mail_component(&health),
        "healthy",
        "one failure may be about one mailbox"
    );
    for n in 0..2 {
        let email = format!("bob{n}@example.org");
        post(&t.app, &email, &welcome(&t.app)).await;
        until_tried(&t.app, &email, 1).await;
    }
    let health = t.anon().get("/health").await.expect(503).json();
    assert_eq!(mail_component(&health), "unhealthy");
}

fn mail_component(health: &Value) -> &str {
    let all = health["components"].as_array().unwrap();
    let mail = all.iter().find(|component| component["name"] == "mail").unwrap();
    mail["status"].as_str().unwrap()
}

#[tokio::test]
async fn mail_1_without_starttls_a_mail_for_a_remote_server_stays_here() {
    let server = MailServer::start();
    let t = start_mailing(Scripted::new(), None, |config| {
        server.configure(config);
        config.mail.smtp_tls = SmtpTls::Starttls;
    })
    .await;
    post(&t.app, "ada@example.org", &welcome(&t.app)).await;
    assert_eq!(until_tried(&t.app, "ada@example.org", 1).await.status, "queued");
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn mail_1_the_password_opens_the_mail_server() {
    let server = MailServer::start();
    let with = async |password: &str| {
        start_mailing(Scripted::new(), None, |config| {
            server.configure(config);
            config.mail.smtp_user = "parlor".to_owned();
            config.mail.smtp_password = Secret::new(password.to_owned());
        })
        .await
    };
    let t = with("canary-wrong-password").await;
    post(&t.app, "ada@example.org", &welcome(&t.app)).await;
    let waiting = until_tried(&t.app, "ada@example.org", 1).await;
    assert_eq!(waiting.status, "queued", "a wrong password is not about this mail");
    assert!(!waiting.last_error.unwrap().contains("canary"));
    let t = with("mail-password").await;
    post(&t.app, "ada@example.org", &welcome(&t.app)).await;
    assert_eq!(server.taken(1).await[0]["login"], "parlor");
}

#[tokio::test]
async fn mail_1_without_a_mail_server_administrators_find_mail_in_the_outbox() {
    let t = start_mailing(Scripted::new(), None, |config| {
        config.env = Environment::Production;
    })
    .await;
    let (admin, bob) = (t.browser("admin").await, t.browser("bob").await);
    post(&t.app, "ada@example.org", &reset(&t.app)).await;
    let id = until_status(&t.app, "ada@example.org", "sent").await.id;
    let list = admin.get("/en/admin/mail").await.expect(200).text;
    assert!(
        list.contains("ada@example.org") && list.contains("There is no mail server"),
        "{list}"
    );
    assert!(
        admin.get("/en/chats").await.text.contains("/en/admin/mail"),
        "the menu leads there"
    );
    let link = mail::link(&t.app, "/reset", TOKEN);
    let page = admin.get(&format!("/en/admin/mail/{id}")).await.expect(200).text;
    assert!(page.contains(&link), "{page}");
    let html = admin.get(&format!("/en/admin/mail/{id}/html")).await.expect(200);
    assert!(html.text.contains(&link));
    assert!(html.header("content-security-policy").ends_with("sandbox"));
    for path in ["", &format!("/{id}"), &format!("/{id}/html")] {
        bob.get(&format!("/en/admin/mail{path}")).await.expect(404);
    }
    bob.get("/api/v1/admin/mails").await.expect(404);
    assert!(!bob.get("/en/chats").await.text.contains("/admin/mail"));
    assert!(!support::log::text().contains(TOKEN), "in production no link is logged");
    let health = t.anon().get("/health").await.expect(200).json();
    assert_eq!(mail_component(&health), "disabled");
}

#[tokio::test]
async fn mail_3_a_dead_mail_is_sent_again_from_its_page() {
    let memory = Memory::default();
    memory.fail_next(Failure::refused("550", "550 no such <user>"));
    let t = start_mailing(Scripted::new(), Some(Transport::Memory(memory.clone())), |_| {}).await;
    let admin = t.browser("admin").await;
    post(&t.app, "ada@example.org", &welcome(&t.app)).await;
    let id = until_status(&t.app, "ada@example.org", "dead").await.id;
    let page = admin.get(&format!("/de/admin/mail/{id}")).await.expect(200).text;
    assert!(
        page.contains("Noch einmal versuchen") && page.contains("550 no such"),
        "{page}"
    );
    let csrf = [("csrf_token", admin.csrf.as_deref().unwrap())];
    admin
        .submit(&format!("/de/admin/mail/{id}/retry"), &[])
        .await
        .expect(403);
    admin
        .submit(&format!("/de/admin/mail/{id}/retry"), &csrf)
        .await
        .expect(303);
    until_status(&t.app, "ada@example.org", "sent").await;
    assert_eq!(memory.sent().len(), 1);
}

#[tokio::test]
async fn mail_4_unusually_many_mails_are_a_security_event() {
    parlor_server::telemetry::metrics::start();
    let t = start_with_mail().await;
    let burst = |text: &str| {
        text.lines()
            .filter(|line| line.contains("\"event\":\"mail_burst\""))
            .count()
    };
    let before = burst(&support::log::text());
    for _ in 0..12 {
        post(&t.app, "victim@example.org", &welcome(&t.app)).await;
    }
    mail::look(&t.app).await.unwrap();
    assert_eq!(burst(&support::log::text()), before, "a busy evening");
    post(&t.app, "Victim@example.org", &welcome(&t.app)).await;
    mail::look(&t.app).await.unwrap();
    mail::look(&t.app).await.unwrap();
    assert_eq!(
        burst(&support::log::text()),
        before + 1,
        "one event, however long it lasts"
    );
    until("they left", async || {
        let metrics = send(t.anon().request(reqwest::Method::GET, "/metrics"))
            .await
            .expect(200)
            .text;
        metrics.contains("parlor_security_events_total{kind=\"mail_burst\"}")
            && metrics.contains("parlor_mails_total{kind=\"welcome\",outcome=\"sent\"}")
            && metrics.contains("parlor_mail_delivery_ratio ")
            && metrics.contains("parlor_mails_oldest_queued_seconds ")
    })
    .await;
    t.clock.advance(Duration::from_secs(601));
    mail::look(&t.app).await.unwrap();
    assert_eq!(burst(&support::log::text()), before + 1);
}

/// Settings for a folder and database that outlive an app.
fn settings(folder: &std::path::Path, database: &TestDatabase) -> Config {
    support::log::collect();
    let mut config = Config::for_tests();
    config.data_dir = folder.to_owned();
    config.database.url = Secret::new(database.url());
    config
}

/// Leaves a mail behind that was tried once, five seconds ago.
async fn leave_behind(config: Config, email: &str) {
    let memory = Memory::default();
    memory.fail_next(Failure::trouble("451", "451 later"));
    let overrides = Overrides {
        mail_transport: Some(Transport::Memory(memory)),
        ..Overrides::default()
    };
    let app = App::start(config, overrides).await.unwrap();
    post(&app, email, &welcome(&app)).await;
    until_tried(&app, email, 1).await;
    app.stopping.cancel();
    app.tasks.close();
    app.tasks.wait().await;
    app.db.clone().close().await.unwrap();
}

fn serve(config: &Config, host: &str, smtp_port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    command
        .env("PARLOR_BIND", "127.0.0.1:0")
        .env("PARLOR_DATA_DIR", &config.data_dir)
        .env("PARLOR_MODELS_DIR", config.data_dir.join("models"))
        .env("DATABASE_URL", config.database.url.expose())
        .env("SMTP_HOST", host)
        .env("SMTP_PORT", smtp_port.to_string())
        .env("PARLOR_MAIL_SMTP_TLS", "starttls")
        .env("SMTP_USER", "parlor")
        .env("SMTP_PASSWORD", "mail-password")
        .env("SMTP_FROM", "parlor@mail.example")
        .stderr(Stdio::null());
    command
}

#[tokio::test]
async fn mail_3_what_a_killed_node_held_is_delivered_by_the_next() {
    let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::create().await);
    let config = settings(folder.path(), &database);
    leave_behind(config.clone(), "ada@example.org").await;
    // It takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut first = serve(&config, "127.0.0.1", silent.local_addr().unwrap().port())
        .spawn()
        .unwrap();
    let held = tokio::task::spawn_blocking(move || silent.accept().unwrap())
        .await
        .unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    drop(held);
    let server = MailServer::start();
    let mut sending = config;
    server.configure(&mut sending);
    let overrides = Overrides::default();
    // Another node waits until the lock of the lost one has ended.
    overrides.clock.advance(Duration::from_secs(100));
    let app = App::start(sending, overrides).await.unwrap();
    let sent = until_status(&app, "ada@example.org", "sent").await;
    assert_eq!(sent.attempts, 3, "refused, killed, sent");
    assert_eq!(server.mails().len(), 1);
    app.stopping.cancel();
}

#[tokio::test]
async fn mail_1_over_starttls_with_a_trusted_certificate_and_a_login() {
    let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::create().await);
    let config = settings(folder.path(), &database);
    leave_behind(config.clone(), "ada@example.org").await;
    let server = MailServer::start_with_tls();
    let mut process = serve(&config, "localhost", server.port)
        .env("SSL_CERT_FILE", server.certificate())
        .spawn()
        .unwrap();
    let mail = server.taken(1).await.remove(0);
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!((&mail["protected"], &mail["login"]), (&json!(true), &json!("parlor")));
}

#[tokio::test]
async fn mail_3_nodes_share_the_work_and_none_sends_what_another_has() {
    let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::create().await);
    let memory = Memory::default();
    // SQLite belongs to one process; there the workers of one node must not meet each other's mails either.
    let nodes = if database.is_postgres() { 3 } else { 1 };
    let mut apps = Vec::new();
    for _ in 0..nodes {
        let overrides = Overrides {
            mail_transport: Some(Transport::Memory(memory.clone())),
            ..Overrides::default()
        };
        let config = settings(folder.path(), &database);
        apps.push(App::start(config, overrides).await.unwrap());
    }
    let tx = apps[0].db.begin().await.unwrap();
    for n in 0..40 {
        let email = format!("person{n}@example.org");
        mail::enqueue(&apps[0], &tx, &to(&email), &welcome(&apps[0]))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    apps.iter().for_each(|app| app.mailer.wake());
    for n in 0..40 {
        until_status(&apps[0], &format!("person{n}@example.org"), "sent").await;
    }
    let recipients: BTreeSet<String> = memory.sent().iter().map(|mail| recipient(mail)).collect();
    assert_eq!((memory.sent().len(), recipients.len()), (40, 40));
    apps.iter().for_each(|app| app.stopping.cancel());
}

fn recipient(mail: &[u8]) -> String {
    let text = String::from_utf8_lossy(mail);
    let (_, rest) = text.split_once("<person").unwrap();
    rest.split('>').next().unwrap().to_owned()
}
