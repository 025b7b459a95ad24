//! API keys: SES-9, SES-10, and what the database holds of them.

use std::time::Duration;

use parlor_db::{
    entities::{api_keys, audit_events, mails, users},
    sea_orm::{
        ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
        prelude::Expr,
    },
};
use parlor_llm::Scripted;
use parlor_server::features::api_keys as feature;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Actor, Answer, TestApp, log, send, start, start_with, until};

const PATH: &str = "/api/v1/me/api-keys";

async fn make(owner: &Actor, settings: Value) -> (Value, String) {
    let made = owner.post(PATH, &settings).await.expect(201).json();
    let key = made["key"].as_str().unwrap().to_owned();
    (made, key)
}

fn at(made: &Value) -> String {
    format!("{PATH}/{}", made["id"].as_str().unwrap())
}

async fn me(t: &TestApp, key: &str) -> Answer {
    t.anon().with_token(key).get("/api/v1/me").await
}

fn refusal(answer: &Answer) -> (u16, String) {
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    (answer.status.as_u16(), detail.chars().take(25).collect())
}

#[tokio::test]
async fn ses_10_a_key_is_shown_once_and_opens_what_its_scopes_name() {
    let t = start().await;
    let ada = t.user("ada").await;
    let (made, key) = make(
        &ada,
        json!({ "name": " Backup ", "scopes": ["chats:read", "account:read"] }),
    )
    .await;
    assert_eq!(made["name"], "Backup");
    assert_eq!(made["scopes"], json!(["chats:read", "account:read"]));
    assert!(
        key.starts_with(made["prefix"].as_str().unwrap()) && key.len() == 64,
        "{key}"
    );
    let listed = ada.get(PATH).await.expect(200);
    assert!(!listed.text.contains(&key[16..]), "never shown again");
    assert_eq!(listed.json()["data"][0]["prefix"], made["prefix"]);
    assert_eq!(listed.json()["data"][0]["status"], "active");
    let me = me(&t, &key).await.expect(200).json();
    assert_eq!(me["email"], "ada@example.org");
    let program = t.anon().with_key(&key);
    program.get("/api/v1/chats").await.expect(200);
    let refused = program.post("/api/v1/chats", &json!({})).await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("chats:write"));
    let refused = program.get(PATH).await;
    assert_eq!(refusal(&refused), (403, "An API key cannot do this".to_owned()));
    // Without scopes it may do all that keys may; nothing else sent is believed.
    let (all, _) = make(&ada, json!({ "name": "All" })).await;
    assert_eq!(all["scopes"].as_array().unwrap().len(), feature::Scope::ALL.len());
    for wrong in [
        json!({}),
        json!({ "name": " " }),
        json!({ "name": "x".repeat(101) }),
        json!({ "name": "x", "scopes": [] }),
        json!({ "name": "x", "scopes": ["admin"] }),
        json!({ "name": "x", "allowed_ips": ["here"] }),
        json!({ "name": "x", "expires_at": "2020-01-01T00:00:00Z" }),
        json!({ "name": "x", "user_id": "01900000-0000-7000-8000-000000000000" }),
    ] {
        assert_eq!(ada.post(PATH, &wrong).await.problem().1, "validation_failed", "{wrong}");
    }
}

#[tokio::test]
async fn ses_10_revoked_expired_or_from_elsewhere_it_is_refused_with_the_reason() {
    let t = start().await;
    let ada = t.user("ada").await;
    let (revoked, key) = make(&ada, json!({ "name": "a" })).await;
    me(&t, &key).await.expect(200);
    ada.delete(&at(&revoked)).await.expect(204);
    assert_eq!(
        refusal(&me(&t, &key).await),
        (401, "This API key was revoked.".to_owned())
    );
    ada.delete(&at(&revoked)).await.expect(204);
    // Who does not know the secret learns nothing of how the key stands.
    let forged = forge(&key);
    let unknown = forge(&make(&t.user("bob").await, json!({ "name": "b" })).await.1);
    assert_eq!(refusal(&me(&t, &forged).await), refusal(&me(&t, &unknown).await));
    assert_eq!(
        refusal(&me(&t, &forged).await),
        (401, "This API key is not known".to_owned())
    );
    let soon = t.app.clock.now() + Duration::from_secs(60);
    let (_, key) = make(&ada, json!({ "name": "b", "expires_at": soon })).await;
    me(&t, &key).await.expect(200);
    t.clock.advance(Duration::from_secs(61));
    assert_eq!(
        refusal(&me(&t, &key).await),
        (401, "This API key has expired.".to_owned())
    );
    let (bound, key) = make(&ada, json!({ "name": "c", "allowed_ips": ["10.0.0.0/8", "::1"] })).await;
    assert_eq!(
        refusal(&me(&t, &key).await),
        (403, "This API key does not wor".to_owned())
    );
    ada.patch(&at(&bound), &json!({ "allowed_ips": ["127.0.0.0/8"] }))
        .await
        .expect(200);
    me(&t, &key).await.expect(200);
    // Taking a scope away holds at once, although the key is cached.
    ada.patch(&at(&bound), &json!({ "scopes": ["chats:read"] }))
        .await
        .expect(200);
    assert_eq!(me(&t, &key).await.problem(), (403, "forbidden".to_owned()));
    assert_eq!(ada.patch(&at(&revoked), &json!({ "name": "x" })).await.problem().0, 409);
}

/// The same public id with another secret, and a checksum that is right.
fn forge(key: &str) -> String {
    let flipped = if key.as_bytes()[20] == b'A' { "B" } else { "A" };
    let mut forged = format!("{}{flipped}{}", &key[..20], &key[21..58]);
    let mut crc = u32::MAX;
    for byte in forged.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut number = !crc as usize;
    let mut sum = Vec::new();
    for _ in 0..6 {
        sum.insert(0, digits[number % 62]);
        number /= 62;
    }
    forged.push_str(std::str::from_utf8(&sum).unwrap());
    forged
}

#[tokio::test]
async fn ses_10_rotation_lets_the_old_key_work_until_the_overlap_ends() {
    let t = start().await;
    let ada = t.browser("ada").await;
    let settings = json!({ "name": "a", "scopes": ["account:read"], "allowed_ips": ["127.0.0.1"] });
    let (old, old_key) = make(&ada, settings).await;
    let made = ada
        .post(&format!("{}/rotate", at(&old)), &json!({}))
        .await
        .expect(201)
        .json();
    let new_key = made["key"].as_str().unwrap();
    assert_eq!(
        (&made["name"], &made["scopes"], &made["allowed_ips"]),
        (&old["name"], &old["scopes"], &old["allowed_ips"])
    );
    let listed = ada.get(PATH).await.json()["data"].clone();
    assert_eq!(
        (&listed[1]["status"], &listed[1]["replaced_by"]),
        (&json!("replaced"), &made["id"])
    );
    me(&t, &old_key).await.expect(200);
    assert_eq!(
        ada.post(&format!("{}/rotate", at(&old)), &json!({})).await.problem().0,
        409,
        "one key has one successor"
    );
    t.clock.advance(Duration::from_secs(24 * 3600 - 60));
    me(&t, &old_key).await.expect(200);
    t.clock.advance(Duration::from_secs(61));
    me(&t, &old_key).await.expect(401);
    me(&t, new_key).await.expect(200);
    let rotate = format!("{}/rotate", at(&made));
    assert_eq!(
        ada.post(&rotate, &json!({})).await.problem(),
        (403, "step_up_required".to_owned())
    );
    assert_eq!(
        ada.post(PATH, &json!({ "name": "b" })).await.problem().1,
        "step_up_required"
    );
    assert_eq!(
        ada.patch(&at(&made), &json!({ "name": "b" })).await.problem().1,
        "step_up_required"
    );
    let ada = t.anon().log_in_with_cookie("ada@example.org").await;
    let newest = ada
        .post(&format!("{}/rotate", at(&made)), &json!({ "overlap_hours": 0 }))
        .await
        .expect(201);
    me(&t, new_key).await.expect(401);
    me(&t, newest.json()["key"].as_str().unwrap()).await.expect(200);
    let too_long = ada
        .post(
            &format!("{}/rotate", at(&newest.json())),
            &json!({ "overlap_hours": 169 }),
        )
        .await;
    assert_eq!(too_long.problem().1, "validation_failed");
}

#[tokio::test]
async fn ses_10_of_many_rotations_at_once_one_succeeds() {
    let t = start().await;
    let ada = t.user("ada").await;
    let (old, _) = make(&ada, json!({ "name": "a" })).await;
    let (path, body) = (format!("{}/rotate", at(&old)), json!({}));
    let all = futures_util::future::join_all((0..8).map(|_| ada.post(&path, &body))).await;
    let statuses: Vec<u16> = all.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 409).count(),
        7,
        "{statuses:?}"
    );
}

#[tokio::test]
async fn ses_10_a_repeated_request_shows_the_key_again_and_the_database_never_has_it() {
    let t = start().await;
    let ada = t.user("ada").await;
    let body = json!({ "name": "canary-name" });
    let ask = async |body: &Value| {
        let request = ada.request(Method::POST, PATH).header("idempotency-key", "once-1");
        send(request.json(body)).await
    };
    let first = ask(&body).await.expect(201);
    let again = ask(&body).await.expect(201);
    assert_eq!(first.json(), again.json());
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(
        ask(&json!({ "name": "other" })).await.problem().1,
        "idempotency_key_reused"
    );
    let key = first.json()["key"].as_str().unwrap().to_owned();
    me(&t, &key).await.expect(200);
    let secret = &key[15..58];
    let dump = dump(&t).await;
    let has = |text: &str| dump.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(
        has("canary-name") && has(&key[..14]),
        "the dump shows what is stored in the clear"
    );
    assert!(!has(secret) && !has(&hex(secret)), "the secret is nowhere");
    assert!(!has(&key[24..44]), "nor a part of it");
    assert!(!log::text().contains(&key[24..44]), "nor is it in the log");
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything in the database: the file itself, or every row as text.
async fn dump(t: &TestApp) -> Vec<u8> {
    let db = t.app.db.write();
    if t.app.db.is_exclusive() {
        let mut bytes = Vec::new();
        for entry in std::fs::read_dir(&t.app.config.data_dir).unwrap().flatten() {
            bytes.extend(std::fs::read(entry.path()).unwrap_or_default());
        }
        return bytes;
    }
    let text = |sql: String| Statement::from_string(t.app.db.backend(), sql);
    let tables = "select table_name::text from information_schema.tables where table_schema = 'public'".to_owned();
    let mut dump = String::new();
    for table in db.query_all_raw(text(tables)).await.unwrap() {
        let table: String = table.try_get_by_index(0).unwrap();
        let rows = format!("select coalesce(string_agg(t::text, ' '), '') from \"{table}\" t");
        let row = db.query_one_raw(text(rows)).await.unwrap().unwrap();
        dump.push_str(&row.try_get_by_index::<String>(0).unwrap());
    }
    dump.into_bytes()
}

#[tokio::test]
async fn ses_10_the_owner_is_told_by_mail_and_every_change_stands_in_the_trail() {
    let t = start().await;
    let ada = t.user("ada").await;
    let (first, _) = make(&ada, json!({ "name": "a" })).await;
    ada.patch(&at(&first), &json!({ "name": "b" })).await.expect(200);
    let second = ada
        .post(&format!("{}/rotate", at(&first)), &json!({}))
        .await
        .expect(201)
        .json();
    ada.delete(&at(&second)).await.expect(204);
    ada.delete(&at(&second)).await.expect(204);
    let mails = mails::Entity::find().filter(mails::Column::Kind.eq("api_key_created"));
    assert_eq!(mails.count(t.app.db.write()).await.unwrap(), 2, "one for each new key");
    let events = audit_events::Entity::find()
        .filter(audit_events::Column::Action.starts_with("api_key."))
        .order_by_asc(audit_events::Column::Id)
        .all(t.app.db.write())
        .await
        .unwrap();
    let actions: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "api_key.created",
            "api_key.changed",
            "api_key.rotated",
            "api_key.revoked"
        ]
    );
    let data: Value = serde_json::from_str(&events[0].data).unwrap();
    assert_eq!(data, json!({ "api_key_id": first["id"], "prefix": first["prefix"] }));
    assert!(
        events
            .iter()
            .all(|event| event.session_id.is_some() && event.ip.as_deref() == Some("127.0.0.1"))
    );
}

#[tokio::test]
async fn ses_10_the_last_use_is_written_once_a_minute() {
    let t = start().await;
    let ada = t.user("ada").await;
    let (made, key) = make(&ada, json!({ "name": "a" })).await;
    assert_eq!(made["last_used_at"], Value::Null);
    let used = async || {
        let row = ada.get(PATH).await.json()["data"][0].clone();
        (row["last_used_at"].clone(), row["last_used_ip"].clone())
    };
    futures_util::future::join_all((0..20).map(|_| me(&t, &key))).await;
    until("the first use is written", async || used().await.0 != Value::Null).await;
    let first = used().await;
    assert_eq!(first.1, "127.0.0.1");
    t.clock.advance(Duration::from_secs(30));
    me(&t, &key).await.expect(200);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(used().await, first, "within the minute nothing is written");
    t.clock.advance(Duration::from_secs(31));
    me(&t, &key).await.expect(200);
    until("the next minute is written", async || used().await != first).await;
}

#[tokio::test]
async fn ses_10_a_key_in_an_address_is_refused_everywhere() {
    let t = start().await;
    let (_, key) = make(&t.user("ada").await, json!({ "name": "a" })).await;
    for path in ["/api/v1/me", "/en/login", "/live"] {
        let answer = t.anon().get(&format!("{path}?api_key={key}")).await;
        assert_eq!(answer.problem(), (400, "malformed_request".to_owned()), "{path}");
    }
    let typo = format!("/api/v1/me?api_key={}", &key[..63]);
    assert_eq!(
        t.anon().get(&typo).await.status,
        401,
        "what is no key opens nothing either"
    );
}

#[tokio::test]
async fn ses_10_fifty_keys_work_at_a_time_and_all_are_listed() {
    let t = start().await;
    let ada = t.user("ada").await;
    let mut first = Value::Null;
    for n in 0..50 {
        let (made, _) = make(&ada, json!({ "name": format!("key {n}") })).await;
        first = if n == 0 { made } else { first };
    }
    assert_eq!(
        ada.post(PATH, &json!({ "name": "more" })).await.problem(),
        (409, "conflict".to_owned())
    );
    ada.delete(&at(&first)).await.expect(204);
    make(&ada, json!({ "name": "more" })).await;
    let mut names = Vec::new();
    let mut path = format!("{PATH}?limit=20");
    loop {
        let page = ada.get(&path).await.expect(200).json();
        names.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|key| key["name"].to_string()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("{PATH}?limit=20&cursor={cursor}");
    }
    assert_eq!((names.len(), &*names[0], &*names[50]), (51, "\"more\"", "\"key 0\""));
}

#[tokio::test]
async fn keys_that_ended_are_listed_for_ninety_days() {
    let t = start().await;
    let ada = t.user("ada").await;
    let soon = t.app.clock.now() + Duration::from_secs(60);
    make(&ada, json!({ "name": "expires", "expires_at": soon })).await;
    let (revoked, _) = make(&ada, json!({ "name": "revoked" })).await;
    ada.delete(&at(&revoked)).await.expect(204);
    let (_, key) = make(&ada, json!({ "name": "lives" })).await;
    let names = async || {
        feature::purge(&t.app).await.unwrap();
        let rows = api_keys::Entity::find().order_by_asc(api_keys::Column::Id);
        let rows = rows.all(t.app.db.write()).await.unwrap();
        rows.into_iter().map(|row| row.name).collect::<Vec<_>>()
    };
    t.clock.advance(Duration::from_secs(90 * 86_400));
    assert_eq!(names().await, ["expires", "lives"], "revoked first, so gone first");
    t.clock.advance(Duration::from_secs(61));
    assert_eq!(names().await, ["lives"]);
    me(&t, &key).await.expect(200);
}

#[tokio::test]
async fn ses_10_the_key_of_a_disabled_account_opens_nothing() {
    let t = start().await;
    let (_, key) = make(&t.user("ada").await, json!({ "name": "a" })).await;
    let id: parlor_db::sea_orm::prelude::Uuid = me(&t, &key).await.expect(200).json()["id"]
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
    assert_eq!(me(&t, &key).await.problem(), (403, "account_disabled".to_owned()));
}

#[tokio::test]
async fn ses_3_the_streams_of_a_revoked_key_close_within_a_second() {
    let slow = "one two three four five six seven eight nine ten"
        .split_inclusive(' ')
        .cycle()
        .take(400);
    let t = start_with(
        Scripted::new()
            .fallback(slow.collect::<String>())
            .delay_per_token(Duration::from_millis(25)),
    )
    .await;
    let ada = t.user("ada").await;
    let (made, key) = make(&ada, json!({ "name": "a" })).await;
    let chat = ada.chat().await;
    let mut events = t.anon().with_token(&key).say_streamed(&chat, "hello").await;
    events.until("delta").await;
    ada.delete(&at(&made)).await.expect(204);
    let rest = tokio::time::timeout(Duration::from_secs(1), events.rest()).await;
    let rest = rest.expect("the stream ends within a second");
    assert!(
        rest.iter().all(|event| event.kind != "done"),
        "it ends before the answer does"
    );
}

#[tokio::test]
async fn ses_10_a_person_makes_replaces_and_revokes_a_key_without_a_script() {
    let t = start().await;
    let ada = t.browser("ada").await;
    let csrf = ada.csrf.clone().unwrap();
    let post = async |path: &str, fields: &[(&str, &str)]| {
        let mut fields = fields.to_vec();
        fields.push(("csrf_token", &csrf));
        ada.submit(path, &fields).await
    };
    let empty = ada.get("/en/api-keys").await.expect(200).text;
    assert!(empty.contains("No keys yet"));
    let wrong = post("/en/api-keys", &[("name", ""), ("days", "30"), ("addresses", "home")])
        .await
        .expect(422);
    assert!(wrong.text.contains("give the key a name") && wrong.text.contains("neither an address nor a network"));
    assert!(
        wrong.text.contains("at least one thing") && wrong.text.contains(">home</textarea>"),
        "{}",
        wrong.text
    );
    let fields = [
        ("name", "Backup"),
        ("account:read", "on"),
        ("days", "30"),
        ("addresses", "127.0.0.1\r\n10.0.0.0/8"),
    ];
    let shown = post("/en/api-keys", &fields).await.expect(200);
    assert_eq!(shown.header("cache-control"), "no-store");
    let at = shown.text.find("<code>prl_").expect("the key") + 6;
    let key = shown.text[at..at + 64].to_owned();
    assert!(shown.text.contains(&format!("{}/api/v1/me", t.base)));
    me(&t, &key).await.expect(200);
    t.anon().with_token(&key).get("/api/v1/chats").await.expect(403);
    let listed = ada.get("/en/api-keys").await.expect(200).text;
    assert!(listed.contains("Backup") && listed.contains(&key[..14]) && !listed.contains(&key[..20]));
    let id: String = api_keys::Entity::find()
        .one(t.app.db.write())
        .await
        .unwrap()
        .unwrap()
        .id
        .to_string();
    let asked = post(&format!("/en/api-keys/{id}/rotate"), &[]).await.expect(200).text;
    assert!(asked.contains("name=\"confirm\""), "asks first");
    let replaced = post(&format!("/en/api-keys/{id}/rotate"), &[("confirm", "yes")])
        .await
        .expect(200)
        .text;
    assert!(replaced.contains("old key still works until"), "{replaced}");
    post(&format!("/en/api-keys/{id}/revoke"), &[]).await.expect(200);
    me(&t, &key).await.expect(200);
    let gone = post(&format!("/en/api-keys/{id}/revoke"), &[("confirm", "yes")])
        .await
        .expect(303);
    assert_eq!(gone.header("location"), "/en/api-keys?notice=api-key-revoked");
    me(&t, &key).await.expect(401);
    let rows = api_keys::Entity::find()
        .select_only()
        .column(api_keys::Column::Id)
        .count(t.app.db.write())
        .await
        .unwrap();
    assert_eq!(rows, 2);
}
