//! What could give an account away asks for a fresh proof of who is there.

use std::time::Duration;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use parlor_db::{
    entities::{audit_events, mails, users},
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, prelude::Expr},
};
use parlor_server::{
    http::{StepUp, auth, edge},
    mail::Mail,
    router::{document, router},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use utoipa::openapi::{HttpMethod, PathItem, path::OperationBuilder};

use crate::support::{
    Actor, Answer, PASSWORD, TestApp,
    node::{Node, serve},
    send, start,
};

/// Every route that must ask. Extend it with each feature that changes what protects an account: the test calls those
/// that the OpenAPI document has, with a session whose proof is old.
const NEED_STEP_UP: &[(&str, &str)] = &[
    ("PATCH", "/api/v1/me/api-keys/{id}"),
    ("POST", "/api/v1/me/api-keys/{id}/rotate"),
    ("POST", "/api/v1/me/totp"),
    ("POST", "/api/v1/me/totp/confirm"),
    ("DELETE", "/api/v1/me/totp"),
    ("POST", "/api/v1/me/recovery-codes"),
    ("POST", "/api/v1/me/passkeys/options"),
    ("POST", "/api/v1/me/passkeys"),
    ("DELETE", "/api/v1/me/passkeys/{id}"),
    ("POST", "/api/v1/probe"),
    ("DELETE", "/api/v1/me/sessions/{id}"),
    ("DELETE", "/api/v1/me/sessions"),
    ("POST", "/api/v1/me/api-keys"),
    ("DELETE", "/api/v1/me/connections/{provider}"),
];

const MINUTES_5: Duration = Duration::from_secs(300);

/// What the product says of itself, and of the route beside it.
fn probed() -> utoipa::openapi::OpenApi {
    let mut document = document();
    let probe = PathItem::new(HttpMethod::Post, OperationBuilder::new().build());
    document.paths.paths.insert("/api/v1/probe".to_owned(), probe);
    document
}

/// The product, and beside it a page and a route that ask: what they need is tested apart from what they do.
async fn with_probe(t: &TestApp) -> String {
    let probes = Router::new()
        .route("/api/v1/probe", post(async |_: StepUp| "done"))
        .route(
            "/{locale}/probe",
            get(async |_: StepUp| "page").post(async |_: StepUp| "done"),
        )
        .layer(from_fn_with_state(
            auth::Guard::new(t.app.clone(), &probed()),
            auth::authenticate,
        ))
        .layer(from_fn_with_state(t.app.clone(), edge::edge))
        .with_state(t.app.clone())
        .fallback_service(router(&t.app));
    serve(&t.app, probes).await
}

/// Somebody with a cookie, as a browser is.
#[derive(Clone)]
struct Browser {
    base: String,
    cookie: String,
    csrf: String,
}

impl Browser {
    fn of(base: &str, actor: &Actor) -> Self {
        Self {
            base: base.to_owned(),
            cookie: actor.cookie().to_owned(),
            csrf: actor.csrf.clone().unwrap(),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = Actor::new(&self.base).request(method, path);
        request.header("cookie", &self.cookie)
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).header("x-csrf-token", &self.csrf);
        send(request.json(body)).await
    }

    async fn page(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path).header("accept", "text/html")).await
    }

    async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        fields.push(("csrf_token", &self.csrf));
        let request = self.request(Method::POST, path).header("accept", "text/html");
        send(request.form(&fields)).await
    }

    /// With the cookie of an answer.
    fn after(&self, answer: &Answer) -> Self {
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        Self { cookie, ..self.clone() }
    }
}

fn required() -> (u16, String) {
    (403, "step_up_required".to_owned())
}

fn password() -> Value {
    json!({ "password": PASSWORD })
}

#[tokio::test]
async fn asvs_7_5_every_listed_route_asks_for_a_fresh_proof() {
    let t = start().await;
    t.user("ada").await;
    let base = with_probe(&t).await;
    let ada = Actor::new(&base).log_in("ada@example.org").await;
    t.clock.advance(Duration::from_secs(6 * 60));
    for (method, path) in NEED_STEP_UP {
        let id = "01900000-0000-7000-8000-000000000000";
        let path = path.replace("{id}", id).replace("{provider}", "github");
        let answer = ada.call(method.parse().unwrap(), &path, Some(&json!({}))).await;
        assert_eq!(answer.problem(), required(), "{method} {path}");
    }
}

#[tokio::test]
async fn a_login_is_a_proof_for_five_minutes_and_a_step_up_for_five_more() {
    let t = start().await;
    t.user("ada").await;
    let base = with_probe(&t).await;
    let ada = Actor::new(&base).log_in("ada@example.org").await;
    let other = Actor::new(&base).log_in("ada@example.org").await;
    let nothing = json!({});
    ada.post("/api/v1/probe", &nothing).await.expect(200);
    t.clock.advance(MINUTES_5);
    assert_eq!(ada.post("/api/v1/probe", &nothing).await.problem(), required());
    // What asks for nothing goes on.
    ada.get("/api/v1/me").await.expect(200);

    let wrong = ada
        .post("/api/v1/auth/step-up", &json!({ "password": "wrong password" }))
        .await;
    assert_eq!(wrong.problem(), (401, "invalid_credentials".to_owned()));
    let code = ada.post("/api/v1/auth/step-up", &json!({ "code": "000000" })).await;
    assert_eq!(code.problem().0, 401);
    for body in [json!({}), json!({ "password": PASSWORD, "code": "1" })] {
        assert_eq!(ada.post("/api/v1/auth/step-up", &body).await.problem().0, 422, "{body}");
    }
    assert_eq!(ada.post("/api/v1/probe", &nothing).await.problem(), required());

    let answer = ada.post("/api/v1/auth/step-up", &password()).await.expect(204);
    assert_eq!(answer.header("set-cookie"), "", "a token client has no cookie to renew");
    ada.post("/api/v1/probe", &nothing).await.expect(200);
    // It proves this session, not the others of the same person.
    assert_eq!(other.post("/api/v1/probe", &nothing).await.problem(), required());
    t.clock.advance(MINUTES_5);
    assert_eq!(ada.post("/api/v1/probe", &nothing).await.problem(), required());

    let events = audit_events::Entity::find().filter(audit_events::Column::Action.eq("session.stepped_up"));
    let events = events.all(t.app.db.write()).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].data, json!({ "method": "password" }).to_string());
    let nobody = Actor::new(&base).post("/api/v1/auth/step-up", &password()).await;
    assert_eq!(nobody.problem(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn asvs_7_2_4_a_step_up_gives_the_browser_another_cookie_and_the_old_one_is_dead() {
    let t = start().await;
    let base = with_probe(&t).await;
    let browser = Browser::of(&base, &t.browser("ada").await);
    t.clock.advance(MINUTES_5);
    let answer = browser.post("/api/v1/auth/step-up", &password()).await.expect(204);
    let line = answer.header("set-cookie");
    assert!(
        line.contains("HttpOnly; SameSite=Lax") && line.contains("Path=/"),
        "{line}"
    );
    let renewed = browser.after(&answer);
    assert_ne!(renewed.cookie, browser.cookie);
    browser.post("/api/v1/probe", &json!({})).await.expect(401);
    send(browser.request(Method::GET, "/api/v1/me")).await.expect(401);
    // The page that was open stays good: its CSRF token belongs to the session.
    renewed.post("/api/v1/probe", &json!({})).await.expect(200);
    if let Some(node) = Node::beside(&t).await {
        let there = |cookie: &str| {
            node.anon()
                .request(Method::GET, "/api/v1/me")
                .header("cookie", cookie.to_owned())
        };
        send(there(&renewed.cookie)).await.expect(200);
        let again = renewed.post("/api/v1/auth/step-up", &password()).await.expect(204);
        // The other node has the session in memory as it was.
        send(there(&renewed.after(&again).cookie)).await.expect(200);
        send(there(&renewed.cookie)).await.expect(401);
    }
}

#[tokio::test]
async fn two_proofs_at_once_leave_the_browser_one_cookie_that_works() {
    let t = start().await;
    let base = with_probe(&t).await;
    let browser = Browser::of(&base, &t.browser("ada").await);
    let (proof, path) = (password(), "/api/v1/auth/step-up");
    let (one, two) = tokio::join!(browser.post(path, &proof), browser.post(path, &proof));
    // The slower one may find its cookie dead already; neither may take the other's new one away.
    let set: Vec<&Answer> = [&one, &two]
        .into_iter()
        .filter(|a| !a.header("set-cookie").is_empty())
        .collect();
    assert_eq!(set.len(), 1, "{one:?} {two:?}");
    browser
        .after(set[0])
        .post("/api/v1/probe", &json!({}))
        .await
        .expect(200);
}

#[tokio::test]
async fn the_page_asks_and_leads_back() {
    let t = start().await;
    let base = with_probe(&t).await;
    let browser = Browser::of(&base, &t.browser("ada").await);
    browser.page("/en/probe").await.expect(200);
    let nothing_to_ask = browser.page("/en/step-up?next=/en/probe").await.expect(303);
    assert_eq!(nothing_to_ask.header("location"), "/en/probe");
    t.clock.advance(MINUTES_5);

    let sent = browser
        .page("/de/probe?a=1&b=x y".replace(' ', "%20").as_str())
        .await
        .expect(303);
    assert_eq!(
        sent.header("location"),
        "/de/step-up?next=%2Fde%2Fprobe%3Fa%3D1%26b%3Dx%2520y"
    );
    let page = browser.page(sent.header("location")).await.expect(200);
    assert!(
        page.text.contains("value=\"/de/probe?a=1&#38;b=x%20y\""),
        "{}",
        page.text
    );

    let form = [("password", "wrong password"), ("next", "/de/probe?a=1")];
    let wrong = browser.submit("/de/step-up", &form).await.expect(401);
    assert!(wrong.text.contains("role=\"alert\"") && wrong.text.contains("value=\"/de/probe?a=1\""));
    let form = [("password", PASSWORD), ("next", "/de/probe?a=1")];
    let right = browser.submit("/de/step-up", &form).await.expect(303);
    assert_eq!(right.header("location"), "/de/probe?a=1");
    browser.after(&right).page("/de/probe?a=1").await.expect(200);
    let away = [("password", PASSWORD), ("next", "https://evil.example/")];
    let stays = browser.after(&right).submit("/de/step-up", &away).await.expect(303);
    assert_eq!(stays.header("location"), "/de/chats");
}

#[tokio::test]
async fn a_form_that_was_stopped_leads_back_to_its_page() {
    let t = start().await;
    let base = with_probe(&t).await;
    let browser = Browser::of(&base, &t.browser("ada").await);
    t.clock.advance(MINUTES_5);
    let stopped = async |referer: String| {
        let request = browser.request(Method::POST, "/en/probe").header("accept", "text/html");
        let answer = send(
            request
                .header("referer", referer)
                .form(&[("csrf_token", &browser.csrf)]),
        )
        .await;
        answer.expect(303).header("location").to_owned()
    };
    assert_eq!(
        stopped(format!("{base}/en/account?tab=1")).await,
        "/en/step-up?next=%2Fen%2Faccount%3Ftab%3D1"
    );
    assert_eq!(
        stopped("https://evil.example/en/account".to_owned()).await,
        "/en/step-up?next="
    );
}

/// The code of the newest mail.
async fn mailed_code(t: &TestApp) -> String {
    match t.mail_to("ada@example.org", "sign_in_code").await.mail {
        Mail::SignInCode { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

async fn mails_sent(t: &TestApp) -> u64 {
    let rows = mails::Entity::find().filter(mails::Column::Kind.eq("sign_in_code"));
    rows.count(t.app.db.write()).await.unwrap()
}

/// As after a login at a provider.
async fn forget_password(t: &TestApp) {
    let rows = users::Entity::find().all(t.app.db.write()).await.unwrap();
    users::Entity::update_many()
        .col_expr(users::Column::PasswordHash, Expr::value(None::<String>))
        .exec(t.app.db.write())
        .await
        .unwrap();
    rows.iter().for_each(|row| t.app.users.invalidate(row.id));
}

#[tokio::test]
async fn without_a_password_a_code_by_mail_proves_once() {
    let t = start().await;
    t.user("ada").await;
    let base = with_probe(&t).await;
    let ada = Actor::new(&base).log_in("ada@example.org").await;
    let other = Actor::new(&base).log_in("ada@example.org").await;
    let nothing = json!({});
    let has_one = ada.post("/api/v1/auth/step-up/email", &nothing).await;
    assert_eq!(
        has_one.problem(),
        (409, "conflict".to_owned()),
        "people with a password use it"
    );
    forget_password(&t).await;
    t.clock.advance(MINUTES_5);
    ada.post("/api/v1/auth/step-up", &password()).await.expect(401);

    ada.post("/api/v1/auth/step-up/email", &nothing).await.expect(202);
    let code = mailed_code(&t).await;
    assert!(code.len() == 8 && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
    ada.post("/api/v1/auth/step-up/email", &nothing).await.expect(202);
    assert_eq!(mails_sent(&t).await, 1, "an impatient click sends no second mail");
    let proof = json!({ "email_code": format!(" {} {}", &code[..4], &code[4..]) });
    let elsewhere = other.post("/api/v1/auth/step-up", &proof).await;
    assert_eq!(elsewhere.problem().0, 401, "the code is for the session that asked");
    ada.post("/api/v1/auth/step-up", &proof).await.expect(204);
    ada.post("/api/v1/probe", &nothing).await.expect(200);
    assert_eq!(ada.post("/api/v1/auth/step-up", &proof).await.problem().0, 401, "once");
}

#[tokio::test]
async fn a_mailed_code_bears_few_guesses_and_little_time() {
    let t = start().await;
    let ada = t.user("ada").await;
    forget_password(&t).await;
    let nothing = json!({});
    let prove = async |code: &str| {
        let answer = ada.post("/api/v1/auth/step-up", &json!({ "email_code": code })).await;
        answer.status.as_u16()
    };
    ada.post("/api/v1/auth/step-up/email", &nothing).await.expect(202);
    let code = mailed_code(&t).await;
    let wrong = if code == "00000000" { "00000001" } else { "00000000" };
    for _ in 0..5 {
        assert_eq!(prove(wrong).await, 401);
    }
    assert_eq!(prove(&code).await, 401, "after five guesses the right one is too late");

    // Another one may be asked for; four guesses leave it good.
    ada.post("/api/v1/auth/step-up/email", &nothing).await.expect(202);
    let code = mailed_code(&t).await;
    let wrong = if code == "00000000" { "00000001" } else { "00000000" };
    for _ in 0..4 {
        assert_eq!(prove(wrong).await, 401);
    }
    assert_eq!(prove(&code).await, 204);

    ada.post("/api/v1/auth/step-up/email", &nothing).await.expect(202);
    let code = mailed_code(&t).await;
    t.clock.advance(Duration::from_secs(600));
    assert_eq!(prove(&code).await, 401, "after ten minutes");
    // Many at once: one wins.
    ada.post("/api/v1/auth/step-up/email", &nothing).await.expect(202);
    let code = mailed_code(&t).await;
    let at_once = futures_util::future::join_all((0..4).map(|_| prove(&code))).await;
    assert_eq!(
        at_once.iter().filter(|status| **status == 204).count(),
        1,
        "{at_once:?}"
    );
}

#[tokio::test]
async fn the_page_mails_a_code_to_those_without_a_password() {
    let t = start().await;
    let base = with_probe(&t).await;
    let browser = Browser::of(&base, &t.browser("ada").await);
    forget_password(&t).await;
    t.clock.advance(MINUTES_5);
    let page = browser.page("/en/step-up?next=%2Fen%2Fprobe").await.expect(200);
    assert!(!page.text.contains("name=\"password\"") && page.text.contains("action=\"/en/step-up/email\""));
    let sent = browser
        .submit("/en/step-up/email", &[("next", "/en/probe")])
        .await
        .expect(303);
    assert_eq!(sent.header("location"), "/en/step-up?sent=1&next=%2Fen%2Fprobe");
    let page = browser.page(sent.header("location")).await.expect(200);
    assert!(page.text.contains("name=\"email_code\"") && page.text.contains("ada@example.org"));
    let wrong = [("email_code", "1"), ("next", "/en/probe")];
    let page = browser.submit("/en/step-up", &wrong).await.expect(401);
    assert!(page.text.contains("name=\"email_code\"") && page.text.contains("role=\"alert\""));
    let code = mailed_code(&t).await;
    let right = browser
        .submit("/en/step-up", &[("email_code", &code), ("next", "/en/probe")])
        .await
        .expect(303);
    assert_eq!(right.header("location"), "/en/probe");
    browser.after(&right).page("/en/probe").await.expect(200);
}

#[tokio::test]
async fn step_ups_and_refreshes_are_counted() {
    parlor_server::telemetry::metrics::start();
    let t = start().await;
    let ada = t.user("ada").await;
    ada.post("/api/v1/auth/step-up", &password()).await.expect(204);
    let refresh = json!({ "refresh_token": ada.refresh_token.clone().unwrap() });
    t.anon().post("/api/v1/auth/refresh", &refresh).await.expect(200);
    let metrics = t.anon().get("/metrics").await.expect(200).text;
    for line in [
        "parlor_step_ups_total{method=\"password\",outcome=\"success\"}",
        "parlor_token_refreshes_total{outcome=\"exchanged\"}",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}
