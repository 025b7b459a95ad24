//! The second step of a login: ACC-13, and the rows of the security checklist about it.

use std::time::Duration;

use parlor_db::{
    entities::{audit_events, mails, recovery_codes, totp as totp_rows, users},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, prelude::Expr},
};
use parlor_llm::Scripted;
use parlor_server::features::second_factors;
use serde_json::{Value, json};

use crate::support::{
    Actor, Answer, PASSWORD, TestApp,
    authenticator::{Passkey, totp, wrong_totp},
    start, start_configured,
};

const LOGIN: &str = "/api/v1/auth/login";
const ANSWER: &str = "/api/v1/auth/second-factor";

/// Somebody with an authenticator app, and what they keep of it.
struct WithApp {
    actor: Actor,
    email: String,
    key: String,
    codes: Vec<String>,
}

/// Sets an app up for somebody; the clock then stands a minute later, so that fresh codes are unused.
async fn with_app(t: &TestApp, name: &str) -> WithApp {
    let actor = t.user(name).await;
    let key = actor.post("/api/v1/me/totp", &json!({})).await.expect(200).json()["secret"].clone();
    let key = key.as_str().unwrap().to_owned();
    let answer = actor
        .post("/api/v1/me/totp/confirm", &json!({ "code": totp(&key, &t.clock, 0) }))
        .await
        .expect(200);
    t.clock.advance(Duration::from_secs(60));
    WithApp {
        actor,
        email: format!("{name}@example.org"),
        key,
        codes: strings(&answer.json()["recovery_codes"]),
    }
}

fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// The password alone: the challenge that it leads to.
async fn challenge(t: &TestApp, email: &str) -> Value {
    let answer = t
        .anon()
        .post(LOGIN, &json!({ "email": email, "password": PASSWORD }))
        .await;
    assert_eq!(answer.problem(), (401, "second_factor_required".into()), "{answer:?}");
    assert!(answer.header("set-cookie").is_empty());
    answer.json()["challenge"].clone()
}

async fn token(t: &TestApp, email: &str) -> Value {
    challenge(t, email).await["token"].clone()
}

async fn code(t: &TestApp, challenge: &Value, code: &str) -> Answer {
    t.anon()
        .post(ANSWER, &json!({ "challenge": challenge, "code": code }))
        .await
}

async fn recover(t: &TestApp, challenge: &Value, code: &str) -> Answer {
    t.anon()
        .post(ANSWER, &json!({ "challenge": challenge, "recovery_code": code }))
        .await
}

async fn audited(t: &TestApp, action: &str) -> usize {
    let found = audit_events::Entity::find().filter(audit_events::Column::Action.eq(action));
    found.all(t.app.db.write()).await.unwrap().len()
}

async fn mailed(t: &TestApp) -> usize {
    let found = mails::Entity::find().filter(mails::Column::Kind.eq("second_factor_changed"));
    found.all(t.app.db.write()).await.unwrap().len()
}

#[tokio::test]
async fn acc_13_a_password_alone_opens_nothing_once_an_app_is_set_up() {
    let t = start().await;
    let ada = t.user("ada").await;
    let other = t.anon().log_in("ada@example.org").await;
    let setup = ada.post("/api/v1/me/totp", &json!({})).await.expect(200).json();
    let key = setup["secret"].as_str().unwrap();
    assert!(setup["otpauth_url"].as_str().unwrap().contains(key));
    assert!(setup["qr_svg"].as_str().unwrap().starts_with("<svg"));
    // Not before the first code is right.
    other.get("/api/v1/me").await.expect(200);
    t.anon().log_in("ada@example.org").await;
    let wrong = json!({ "code": wrong_totp(key, &t.clock) });
    let refused = ada.post("/api/v1/me/totp/confirm", &wrong).await;
    assert_eq!(refused.problem(), (422, "validation_failed".into()));
    let first = totp(key, &t.clock, 0);
    let confirmed = ada
        .post("/api/v1/me/totp/confirm", &json!({ "code": first }))
        .await
        .expect(200);
    assert_eq!(strings(&confirmed.json()["recovery_codes"]).len(), 10);
    // The other sessions are over, this one is not.
    ada.get("/api/v1/me").await.expect(200);
    other.get("/api/v1/me").await.expect(401);
    assert_eq!((audited(&t, "second_factor.added").await, mailed(&t).await), (1, 1));
    let factors = ada.get("/api/v1/me/second-factors").await.expect(200).json();
    assert_eq!(
        factors,
        json!({ "totp": true, "recovery_codes_left": 10, "passkeys": [] })
    );
    assert_eq!(
        ada.post("/api/v1/me/totp", &json!({})).await.problem().0,
        409,
        "one at a time"
    );

    let asked = challenge(&t, "ada@example.org").await;
    assert_eq!(asked["methods"], json!(["totp", "recovery_code"]));
    assert_eq!(asked["expires_in"], 300);
    // The code of the set-up is used; the next one opens, and says how.
    assert_eq!(
        code(&t, &asked["token"], &first).await.problem(),
        (401, "second_factor_invalid".into())
    );
    let opened = code(&t, &asked["token"], &totp(key, &t.clock, 1))
        .await
        .expect(200)
        .json();
    let session = t.anon().with_token(opened["access_token"].as_str().unwrap());
    session.get("/api/v1/me").await.expect(200);
    let methods: Vec<String> = parlor_db::entities::sessions::Entity::find()
        .all(t.app.db.write())
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.method)
        .collect();
    assert!(methods.contains(&"password+totp".to_owned()), "{methods:?}");
    // A challenge opens once.
    let again = code(&t, &asked["token"], &totp(key, &t.clock, 1)).await;
    assert_eq!(again.problem(), (401, "challenge_expired".into()));
}

#[tokio::test]
async fn acc_13_a_code_opens_once_however_many_ask_at_once() {
    let t = start().await;
    let ada = with_app(&t, "ada").await;
    let right = totp(&ada.key, &t.clock, 0);
    let mut tokens = Vec::new();
    for _ in 0..8 {
        tokens.push(token(&t, &ada.email).await);
    }
    let answers = tokens.iter().map(|token| code(&t, token, &right));
    let answers = futures_util::future::join_all(answers).await;
    let opened = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(opened, 1, "{answers:?}");
    // Negative control: the next code opens.
    t.clock.advance(Duration::from_secs(30));
    code(&t, &token(&t, &ada.email).await, &totp(&ada.key, &t.clock, 0))
        .await
        .expect(200);
}

#[tokio::test]
async fn acc_13_a_recovery_code_opens_once_however_many_ask_at_once() {
    let t = start().await;
    let ada = with_app(&t, "ada").await;
    let mut tokens = Vec::new();
    for _ in 0..8 {
        tokens.push(token(&t, &ada.email).await);
    }
    let before = mailed(&t).await;
    let answers = tokens.iter().map(|token| recover(&t, token, &ada.codes[0]));
    let answers = futures_util::future::join_all(answers).await;
    let opened = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(opened, 1, "{answers:?}");
    assert_eq!(audited(&t, "recovery_code.used").await, 1);
    assert_eq!(mailed(&t).await, before + 1, "the owner is told");
    let left = async || ada.actor.get("/api/v1/me/second-factors").await.json()["recovery_codes_left"].clone();
    assert_eq!(left().await, 9);
    // Typed by hand: capitals, spaces, no dashes.
    let typed = ada.codes[1].to_uppercase().replace('-', " ");
    recover(&t, &token(&t, &ada.email).await, &typed).await.expect(200);
    // A new set voids the old one.
    let renewed = ada
        .actor
        .post("/api/v1/me/recovery-codes", &json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(left().await, 10);
    let asked = token(&t, &ada.email).await;
    assert_eq!(recover(&t, &asked, &ada.codes[2]).await.problem().0, 401);
    recover(&t, &asked, &strings(&renewed["recovery_codes"])[0])
        .await
        .expect(200);
}

#[tokio::test]
async fn acc_13_five_wrong_answers_end_a_challenge() {
    let t = start().await;
    let ada = with_app(&t, "ada").await;
    let wrong = wrong_totp(&ada.key, &t.clock);
    // Negative control: after four the right one opens.
    let asked = token(&t, &ada.email).await;
    for left in [4, 3, 2, 1] {
        let refused = code(&t, &asked, &wrong).await;
        assert_eq!(refused.problem(), (401, "second_factor_invalid".into()));
        assert_eq!(refused.json()["attempts_left"], left);
    }
    code(&t, &asked, &totp(&ada.key, &t.clock, 0)).await.expect(200);
    t.clock.advance(Duration::from_secs(30));
    // Twenty at once are five.
    let asked = token(&t, &ada.email).await;
    let answers = (0..20).map(|_| recover(&t, &asked, "aaaa-aaaa-aaaa-aaaa"));
    let answers = futures_util::future::join_all(answers).await;
    let looked_at = answers
        .iter()
        .filter(|answer| answer.problem().1 == "second_factor_invalid")
        .count();
    assert!(looked_at <= 4, "{looked_at}");
    let late = code(&t, &asked, &totp(&ada.key, &t.clock, 0)).await;
    assert_eq!(late.problem(), (401, "challenge_void".into()));
    assert!(audited(&t, "second_factor.failed").await >= 1);
    // The owner begins again and gets in.
    code(&t, &token(&t, &ada.email).await, &totp(&ada.key, &t.clock, 0))
        .await
        .expect(200);
}

#[tokio::test]
async fn acc_13_guesses_count_for_the_account_and_lock_nobody_out() {
    let t = start().await;
    let ada = with_app(&t, "ada").await;
    let wrong = wrong_totp(&ada.key, &t.clock);
    let mut limited = None;
    for guess in 0..15 {
        let refused = code(&t, &token(&t, &ada.email).await, &wrong).await;
        if refused.problem() == (429, "rate_limited".into()) {
            assert_eq!(refused.header("retry-after"), "3600");
            limited = Some(guess);
            break;
        }
    }
    assert_eq!(limited, Some(10));
    let right = totp(&ada.key, &t.clock, 0);
    assert_eq!(code(&t, &token(&t, &ada.email).await, &right).await.problem().0, 429);
    // What cannot be guessed still opens, and an hour later the app does too.
    recover(&t, &token(&t, &ada.email).await, &ada.codes[0])
        .await
        .expect(200);
    t.clock.advance(Duration::from_secs(3601));
    let right = totp(&ada.key, &t.clock, 0);
    code(&t, &token(&t, &ada.email).await, &right).await.expect(200);
}

#[tokio::test]
async fn acc_13_a_challenge_is_of_one_person_and_of_five_minutes() {
    let t = start().await;
    let ada = with_app(&t, "ada").await;
    let bob = with_app(&t, "bob").await;
    let asked = token(&t, &ada.email).await;
    let foreign = code(&t, &asked, &totp(&bob.key, &t.clock, 0)).await;
    assert_eq!(foreign.problem(), (401, "second_factor_invalid".into()));
    assert_eq!(recover(&t, &asked, &bob.codes[0]).await.problem().0, 401);
    let both = json!({ "challenge": asked, "code": "123456", "recovery_code": "x" });
    assert_eq!(t.anon().post(ANSWER, &both).await.problem().0, 422);
    let unknown = code(&t, &json!("nonsense"), "123456").await;
    assert_eq!(unknown.problem(), (401, "challenge_expired".into()));
    code(&t, &asked, &totp(&ada.key, &t.clock, 0)).await.expect(200);

    let asked = token(&t, &ada.email).await;
    t.clock.advance(Duration::from_secs(301));
    let late = code(&t, &asked, &totp(&ada.key, &t.clock, 0)).await;
    assert_eq!(late.problem(), (401, "challenge_expired".into()));
}

#[tokio::test]
async fn acc_13_a_changed_password_voids_what_the_old_one_began() {
    let t = start().await;
    let ada = with_app(&t, "ada").await;
    let asked = token(&t, &ada.email).await;
    t.clock.advance(Duration::from_secs(1));
    let now = t.app.clock.now();
    users::Entity::update_many()
        .col_expr(users::Column::PasswordChangedAt, Expr::value(now))
        .exec(t.app.db.write())
        .await
        .unwrap();
    let id = ada.actor.get("/api/v1/me").await.json()["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    t.app.users.invalidate(id);
    let refused = code(&t, &asked, &totp(&ada.key, &t.clock, 0)).await;
    assert_eq!(refused.problem(), (401, "challenge_expired".into()));
    t.clock.advance(Duration::from_secs(1));
    code(&t, &token(&t, &ada.email).await, &totp(&ada.key, &t.clock, 0))
        .await
        .expect(200);
}

#[tokio::test]
async fn acc_13_the_database_gives_no_factor_away() {
    let t = start().await;
    let ada = with_app(&t, "ada").await;
    let row = totp_rows::Entity::find().one(t.app.db.write()).await.unwrap().unwrap();
    // Key id, nonce, 20 bytes and a tag; not the 20 bytes.
    assert_eq!(row.secret.len(), 16 + 12 + 20 + 16);
    let rows = recovery_codes::Entity::find().all(t.app.db.write()).await.unwrap();
    assert!(rows.iter().all(|row| row.code_hash.len() == 32));
    let everything = format!("{rows:?}{row:?}");
    assert!(!everything.contains(&ada.key) && ada.codes.iter().all(|code| !everything.contains(code)));
    let log = crate::support::log::text();
    assert!(!log.contains(&ada.key) && ada.codes.iter().all(|code| !log.contains(code)));
}

#[tokio::test]
async fn acc_13_without_a_factor_the_codes_are_gone_and_the_password_is_enough() {
    let t = start().await;
    let ada = with_app(&t, "ada").await;
    ada.actor.delete("/api/v1/me/totp").await.expect(204);
    ada.actor.delete("/api/v1/me/totp").await.expect(404);
    let factors = ada.actor.get("/api/v1/me/second-factors").await.json();
    assert_eq!(
        factors,
        json!({ "totp": false, "recovery_codes_left": 0, "passkeys": [] })
    );
    assert_eq!(audited(&t, "second_factor.removed").await, 1);
    assert_eq!(
        ada.actor
            .post("/api/v1/me/recovery-codes", &json!({}))
            .await
            .problem()
            .0,
        409
    );
    t.anon().log_in(&ada.email).await;
}

#[tokio::test]
async fn acc_13_a_code_within_a_session_counts_once() {
    let t = start().await;
    let ada = with_app(&t, "ada").await;
    let id = ada.actor.get("/api/v1/me").await.json()["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let verify = async |code: &str| {
        second_factors::verify_code(&t.app, id, code)
            .await
            .map_err(|e| e.code().as_str())
    };
    let right = totp(&ada.key, &t.clock, 0);
    assert_eq!(verify(&right).await, Ok(true));
    assert_eq!(verify(&right).await, Ok(false));
    assert_eq!(verify(&ada.codes[0]).await, Ok(true));
    assert_eq!(verify(&ada.codes[0]).await, Ok(false));
    assert_eq!(verify("").await, Ok(false));
    let wrong = wrong_totp(&ada.key, &t.clock);
    let mut last = Ok(false);
    for _ in 0..10 {
        last = verify(&wrong).await;
    }
    assert_eq!(last, Err("rate_limited"), "guesses have an end here too");
}

/// Somebody who reached Parlor by name, as browsers demand for passkeys.
fn by_name(t: &TestApp, actor: &Actor) -> (Actor, String) {
    let base = t.base.replace("127.0.0.1", "localhost");
    let named = Actor::new(&base);
    (
        actor.try_token().map_or(named.clone(), |token| named.with_token(token)),
        base,
    )
}

async fn add_passkey(actor: &Actor, origin: &str) -> (Passkey, Value) {
    let begun = actor
        .post("/api/v1/me/passkeys/options", &json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        begun["publicKey"]["authenticatorSelection"]["userVerification"],
        "required"
    );
    assert_eq!(begun["publicKey"]["authenticatorSelection"]["residentKey"], "preferred");
    let (passkey, credential) = Passkey::create(&begun["publicKey"], origin);
    let body = json!({ "challenge": begun["challenge"], "credential": credential, "name": " Blue key " });
    let added = actor.post("/api/v1/me/passkeys", &body).await.expect(201).json();
    let again = actor.post("/api/v1/me/passkeys", &body).await;
    assert_eq!(
        again.problem(),
        (401, "challenge_expired".into()),
        "a challenge counts once"
    );
    (passkey, added)
}

async fn log_in(anon: &Actor, passkey: &mut Passkey) -> Answer {
    let begun = anon
        .post("/api/v1/auth/passkey/options", &json!({}))
        .await
        .expect(200)
        .json();
    let credential = passkey.sign(&begun["publicKey"]);
    let body = json!({ "challenge": begun["challenge"], "credential": credential });
    anon.post("/api/v1/auth/passkey", &body).await
}

#[tokio::test]
async fn acc_13_a_passkey_logs_in_without_a_password() {
    let t = start().await;
    let ada = t.user("ada").await;
    let other = t.anon().log_in("ada@example.org").await;
    let by_number = ada.post("/api/v1/me/passkeys/options", &json!({})).await;
    assert_eq!(by_number.problem(), (409, "conflict".into()));
    assert!(by_number.text.contains("http://localhost:"), "{}", by_number.text);
    let (ada, origin) = by_name(&t, &ada);
    let anon = Actor::new(&origin);
    let (mut passkey, added) = add_passkey(&ada, &origin).await;
    assert_eq!(added["name"], "Blue key");
    assert_eq!(
        strings(&added["recovery_codes"]).len(),
        10,
        "the first factor brings them"
    );
    other.get("/api/v1/me").await.expect(401);

    let opened = log_in(&anon, &mut passkey).await.expect(200).json();
    assert_eq!(opened["user"]["email"], "ada@example.org");
    let factors = ada.get("/api/v1/me/second-factors").await.json();
    assert!(factors["passkeys"][0]["last_used_at"].is_string(), "{factors}");

    // A second one brings no codes; names change; what is removed opens nothing.
    let (mut second, added) = add_passkey(&ada, &origin).await;
    assert!(added.get("recovery_codes").is_none());
    let path = format!("/api/v1/me/passkeys/{}", added["id"].as_str().unwrap());
    let renamed = ada.patch(&path, &json!({ "name": "Phone" })).await.expect(200).json();
    assert_eq!(renamed["name"], "Phone");
    let bob = t.user("bob").await;
    bob.patch(&path, &json!({ "name": "Mine" })).await.expect(404);
    bob.delete(&path).await.expect(404);
    log_in(&anon, &mut second).await.expect(200);
    ada.delete(&path).await.expect(204);
    assert_eq!(
        log_in(&anon, &mut second).await.problem(),
        (401, "invalid_credentials".into())
    );
    log_in(&anon, &mut passkey).await.expect(200);
}

#[tokio::test]
async fn acc_13_a_passkey_must_be_the_right_one_used_by_its_owner_here_and_now() {
    let t = start().await;
    let (ada, origin) = by_name(&t, &t.user("ada").await);
    let anon = Actor::new(&origin);
    let (mut passkey, _) = add_passkey(&ada, &origin).await;
    let refused = (401, "invalid_credentials".to_owned());

    let mut unverified = passkey.clone();
    unverified.verifies = false;
    assert_eq!(
        log_in(&anon, &mut unverified).await.problem(),
        refused,
        "no fingerprint"
    );
    let mut elsewhere = passkey.clone();
    elsewhere.origin = "http://evil.example".to_owned();
    assert_eq!(log_in(&anon, &mut elsewhere).await.problem(), refused, "another site");
    let mut forged = passkey.forged();
    assert_eq!(log_in(&anon, &mut forged).await.problem(), refused, "another key");
    let begin = async || anon.post("/api/v1/auth/passkey/options", &json!({})).await.json();
    let (one, two) = (begin().await, begin().await);
    let mixed = json!({ "challenge": one["challenge"], "credential": passkey.sign(&two["publicKey"]) });
    let mixed = anon.post("/api/v1/auth/passkey", &mixed).await;
    assert_eq!(mixed.problem(), refused, "another challenge");
    let begun = anon.post("/api/v1/auth/passkey/options", &json!({})).await.json();
    let late = json!({ "challenge": begun["challenge"], "credential": passkey.sign(&begun["publicKey"]) });
    t.clock.advance(Duration::from_secs(301));
    let expired = anon.post("/api/v1/auth/passkey", &late).await;
    assert_eq!(expired.problem(), (401, "challenge_expired".into()));

    // Negative control, and a copy whose counter stayed behind.
    let mut copy = passkey.clone();
    copy.counter = 1;
    log_in(&anon, &mut passkey).await.expect(200);
    assert_eq!(log_in(&anon, &mut copy).await.problem(), refused, "a copy");
    assert_eq!(audited(&t, "passkey.refused").await, 1);
    log_in(&anon, &mut passkey).await.expect(200);
}

#[tokio::test]
async fn acc_13_a_passkey_is_a_second_step_too() {
    let t = start().await;
    let (ada, origin) = by_name(&t, &t.user("ada").await);
    let (mut passkey, added) = add_passkey(&ada, &origin).await;
    let asked = challenge(&t, "ada@example.org").await;
    assert_eq!(asked["methods"], json!(["passkey", "recovery_code"]));
    let answer = async |credential: Value| {
        let body = json!({ "challenge": asked["token"], "credential": credential });
        t.anon().post(ANSWER, &body).await
    };
    // Another person's passkey, and one that was never added.
    let (bob, _) = by_name(&t, &t.user("bob").await);
    let (mut foreign, _) = add_passkey(&bob, &origin).await;
    let refused = answer(foreign.sign(&asked["publicKey"])).await;
    assert_eq!(refused.problem(), (401, "second_factor_invalid".into()));
    assert_eq!(answer(json!({ "id": "x" })).await.problem().0, 422);
    answer(passkey.sign(&asked["publicKey"])).await.expect(200);
    recover(
        &t,
        &token(&t, "ada@example.org").await,
        &strings(&added["recovery_codes"])[0],
    )
    .await
    .expect(200);
    // Taken away between the question and the answer, it opens nothing.
    let asked = challenge(&t, "ada@example.org").await;
    ada.post("/api/v1/me/totp", &json!({})).await.expect(200);
    ada.delete(&format!("/api/v1/me/passkeys/{}", added["id"].as_str().unwrap()))
        .await
        .expect(204);
    let body = json!({ "challenge": asked["token"], "credential": passkey.sign(&asked["publicKey"]) });
    assert_eq!(t.anon().post(ANSWER, &body).await.problem().0, 401);
}

#[tokio::test]
async fn acc_13_an_administrator_may_be_made_to_have_one() {
    let t = start_configured(Scripted::new(), |config| {
        config.second_factor.required_for_admins = true
    })
    .await;
    let ada = t.user("ada").await;
    let bob = t.user("bob").await;
    let due = (403, "second_factor_setup_required".to_owned());
    for path in ["/api/v1/chats", "/api/v1/memories"] {
        assert_eq!(ada.get(path).await.problem(), due, "{path}");
        bob.get(path).await.expect(200);
    }
    assert_eq!(ada.post("/api/v1/chats", &json!({})).await.problem(), due);
    assert_eq!(ada.patch("/api/v1/me", &json!({ "bio": "x" })).await.problem(), due);
    ada.get("/api/v1/me").await.expect(200);
    let browser = t.anon().log_in_with_cookie("ada@example.org").await;
    let page = browser
        .request(reqwest::Method::GET, "/de/chats")
        .header("accept", "text/html");
    let page = crate::support::send(page).await.expect(303);
    assert_eq!(page.header("location"), "/de/security/factors");
    let html = browser.get("/de/security/factors").await.expect(200).text;
    assert!(html.contains("Du betreibst diesen Server"));

    let key = ada.post("/api/v1/me/totp", &json!({})).await.expect(200).json()["secret"].clone();
    let first = totp(key.as_str().unwrap(), &t.clock, 0);
    ada.post("/api/v1/me/totp/confirm", &json!({ "code": first }))
        .await
        .expect(200);
    ada.get("/api/v1/chats").await.expect(200);
    // Without it, the door closes again; leaving is always possible.
    ada.delete("/api/v1/me/totp").await.expect(204);
    assert_eq!(ada.get("/api/v1/chats").await.problem(), due);
    ada.post("/api/v1/auth/logout", &json!({})).await.expect(204);
}

#[tokio::test]
async fn acc_13_the_operator_rescues_somebody_who_lost_everything() {
    let t = start().await;
    let ada = with_app(&t, "ada").await;
    let row = users::Entity::find().one(t.app.db.write()).await.unwrap().unwrap();
    assert_eq!(second_factors::reset(&t.app, &row).await.unwrap(), 1);
    ada.actor.get("/api/v1/me").await.expect(401);
    t.anon().log_in(&ada.email).await;
    assert_eq!(audited(&t, "second_factor.reset").await, 1);
}

fn field(html: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let rest = html
        .split(&start)
        .nth(1)
        .unwrap_or_else(|| panic!("no {name} in {html}"));
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn acc_13_the_pages_need_no_script() {
    let t = start().await;
    let ada = t.browser("ada").await;
    let csrf = ada.csrf.clone().unwrap();
    let send = async |path: &str, fields: &[(&str, &str)]| {
        let fields = [&[("csrf_token", csrf.as_str())], fields].concat();
        ada.submit(path, &fields).await
    };
    let page = ada.get("/en/security/factors").await.expect(200).text;
    assert!(page.contains("Set up an app") && page.contains("http://localhost:"));
    let begun = send("/en/security/factors/totp", &[]).await.expect(303);
    assert_eq!(begun.header("location"), "/en/security/factors/totp");
    let page = ada.get("/en/security/factors/totp").await.expect(200).text;
    let key = page
        .split("<code class=\"secret-key\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap()
        .replace(' ', "");
    assert!(page.contains("<svg") && page.contains("role=\"img\""));
    let wrong = send(
        "/en/security/factors/totp/confirm",
        &[("code", &wrong_totp(&key, &t.clock))],
    )
    .await;
    assert!(wrong.expect(422).text.contains("This is not the code"));
    let shown = send(
        "/en/security/factors/totp/confirm",
        &[("code", &totp(&key, &t.clock, 0))],
    )
    .await
    .expect(200);
    assert_eq!(shown.text.matches("<code class=\"secret-key\">").count(), 10);
    assert_eq!(shown.header("cache-control"), "no-store");

    // The login asks, and keeps where the person wanted to go.
    let form = [
        ("email", "ada@example.org"),
        ("password", PASSWORD),
        ("next", "/en/memories"),
    ];
    let asked = t.anon().submit("/en/login", &form).await.expect(303);
    assert_eq!(
        asked.header("location"),
        "/en/login/second-factor?next=%2Fen%2Fmemories"
    );
    let line = asked.header("set-cookie").to_owned();
    assert!(line.contains("HttpOnly") && line.contains("Max-Age=300"), "{line}");
    let cookie = line.split(';').next().unwrap();
    let path = asked.header("location").to_owned();
    let get = t.anon().request(reqwest::Method::GET, &path).header("cookie", cookie);
    let page = crate::support::send(get).await.expect(200).text;
    assert_eq!(field(&page, "next"), "/en/memories");
    assert!(page.contains("name=\"recovery_code\""));
    let answer = async |code: &str| {
        let form = [("code", code), ("next", "/en/memories")];
        let request = t.anon().request(reqwest::Method::POST, "/en/login/second-factor");
        crate::support::send(request.header("cookie", cookie).form(&form)).await
    };
    let wrong = answer(&wrong_totp(&key, &t.clock)).await.expect(401);
    assert!(wrong.text.contains("Take the newest code"));
    let opened = answer(&totp(&key, &t.clock, 1)).await.expect(303);
    assert_eq!(opened.header("location"), "/en/memories");
    assert!(
        opened.headers.get_all("set-cookie").iter().count() >= 2,
        "a session, and no challenge any more"
    );
    let over = answer(&totp(&key, &t.clock, 1)).await.expect(401);
    assert!(over.text.contains("Please log in again") && !over.text.contains("name=\"code\""));

    // Removing asks first.
    let asked = send("/en/security/factors/totp/remove", &[]).await.expect(200);
    assert!(asked.text.contains("name=\"confirm\" value=\"yes\""));
    let gone = send("/en/security/factors/totp/remove", &[("confirm", "yes")])
        .await
        .expect(303);
    assert_eq!(gone.header("location"), "/en/security/factors?notice=totp-removed");
}
