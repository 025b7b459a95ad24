//! Sessions in the browser: the list of devices, notices, and what cookies look like.

use parlor_llm::Scripted;
use reqwest::Method;
use serde_json::json;

use crate::{
    sessions::{From, HOME, PHONE, behind_a_proxy, cookies, log_in},
    support::{self, Actor, Answer, PASSWORD, TestApp, start, start_configured},
};

const LOGIN: [(&str, &str); 2] = [("email", "ada@example.org"), ("password", PASSWORD)];

/// A browser that has logged in through the page.
struct Browser {
    actor: Actor,
    cookies: String,
}

impl Browser {
    async fn log_in(t: &TestApp, from: From<'_>) -> Self {
        let actor = t.anon();
        let request = actor
            .request(Method::POST, "/en/login")
            .header("user-agent", from.agent)
            .header("x-forwarded-for", from.ip)
            .form(&LOGIN);
        let answer = support::send(request).await.expect(303);
        let cookies = cookies(&answer);
        Self { actor, cookies }
    }

    async fn get(&self, path: &str) -> Answer {
        let request = self.actor.request(Method::GET, path).header("accept", "text/html");
        support::send(request.header("cookie", &self.cookies)).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get("/en/sessions").await.expect(200).text;
        let token = page.split("name=\"csrf_token\" value=\"").nth(1).unwrap();
        let token = token.split('"').next().unwrap();
        let mut fields = fields.to_vec();
        fields.push(("csrf_token", token));
        let request = self.actor.request(Method::POST, path).header("cookie", &self.cookies);
        support::send(request.form(&fields)).await
    }
}

fn ids(page: &str) -> Vec<String> {
    let parts = page.split("data-session=\"").skip(1);
    parts.map(|part| part.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn ses_3_a_person_logs_another_device_out_without_a_script() {
    let t = start_configured(Scripted::new(), behind_a_proxy).await;
    t.anon().register("ada@example.org").await;
    let browser = Browser::log_in(&t, HOME).await;
    let phone = Browser::log_in(&t, From { agent: PHONE, ..HOME }).await;
    let page = browser.get("/en/sessions").await.expect(200).text;
    assert!(page.contains("Firefox on Linux") && page.contains("Safari on iOS") && page.contains("203.0.113.7"));
    let shown = ids(&page);
    let revoke = format!("/en/sessions/{}/revoke", shown[1]);
    let asked = browser.post(&revoke, &[]).await.expect(200).text;
    assert!(
        asked.contains("Safari on iOS") && asked.contains("name=\"confirm\""),
        "it asks first"
    );
    phone.get("/en/sessions").await.expect(200);
    let done = browser.post(&revoke, &[("confirm", "yes")]).await.expect(303);
    assert_eq!(done.header("location"), "/en/sessions?notice=device-logged-out");
    assert_eq!(ids(&browser.get("/en/sessions").await.text), &shown[..1]);
    // Whoever was logged out is told so, and comes back to where they were.
    let out = phone.get("/en/chats?q=a").await.expect(303);
    assert_eq!(
        out.header("location"),
        "/en/login?notice=session-ended&next=%2Fen%2Fchats%3Fq%3Da"
    );
    let login = phone.get(out.header("location")).await.expect(200).text;
    assert!(login.contains("You are logged out on this device"));
    let own = format!("/en/sessions/{}/revoke", shown[0]);
    browser.post(&own, &[("confirm", "yes")]).await.expect(409);
    Browser::log_in(&t, HOME).await;
    browser.post("/en/sessions/revoke-others", &[]).await.expect(200);
    browser
        .post("/en/sessions/revoke-others", &[("confirm", "yes")])
        .await
        .expect(303);
    assert_eq!(ids(&browser.get("/en/sessions").await.text), &shown[..1]);
}

#[tokio::test]
async fn ses_4_the_notice_stands_on_every_page_until_it_is_put_away() {
    let t = start_configured(Scripted::new(), behind_a_proxy).await;
    t.anon().register("ada@example.org").await;
    let browser = Browser::log_in(&t, HOME).await;
    assert!(!browser.get("/en/chats").await.text.contains("data-banner"));
    log_in(&t, "ada@example.org", From { agent: PHONE, ..HOME }).await;
    for path in ["/en/chats", "/en/memories", "/en/account", "/en/sessions"] {
        let page = browser.get(path).await.expect(200).text;
        assert!(
            page.contains("New login to your account: Safari on iOS, from 203.0.113.7"),
            "{path}"
        );
    }
    let page = browser.get("/de/memories").await.text;
    assert!(page.contains("Safari unter iOS"));
    let id = page.split("data-banner=\"").nth(1).unwrap().split('"').next().unwrap();
    let away = browser
        .post(&format!("/en/notices/{id}/seen"), &[("next", "/de/memories")])
        .await
        .expect(303);
    assert_eq!(away.header("location"), "/de/memories");
    assert!(!browser.get("/en/chats").await.text.contains("data-banner"));
}

#[tokio::test]
async fn ses_4_the_page_switches_the_mail_off_and_on() {
    let t = start().await;
    t.anon().register("ada@example.org").await;
    let browser = Browser::log_in(&t, HOME).await;
    let is_on = async || {
        let page = browser.get("/en/sessions").await.expect(200).text;
        let input = page.split("id=\"mail_new_device\"").nth(1).unwrap();
        input.split('>').next().unwrap().contains("checked")
    };
    assert!(is_on().await);
    browser.post("/en/sessions/settings", &[]).await.expect(303);
    assert!(!is_on().await);
    browser
        .post("/en/sessions/settings", &[("mail_new_device", "yes")])
        .await
        .expect(303);
    assert!(is_on().await);
}

#[tokio::test]
async fn ses_6_every_page_has_a_way_out_and_it_clears_the_browser() {
    let t = start().await;
    t.anon().register("ada@example.org").await;
    let browser = Browser::log_in(&t, HOME).await;
    for path in ["/en/chats", "/en/memories", "/en/account", "/en/sessions"] {
        let page = browser.get(path).await.expect(200).text;
        assert!(page.contains("action=\"/en/logout\""), "{path}");
    }
    let out = browser.post("/en/logout", &[]).await.expect(303);
    assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
    assert!(
        out.header("set-cookie").starts_with("parlor_session=; ") && out.header("set-cookie").contains("Max-Age=0")
    );
    browser.get("/en/sessions").await.expect(303);
    let again = t.anon().log_in_with_cookie("ada@example.org").await;
    let out = again.post("/api/v1/auth/logout", &json!({})).await.expect(204);
    assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
}

#[tokio::test]
async fn ses_1_the_login_page_remembers_by_default_and_can_be_told_not_to() {
    let t = start().await;
    t.anon().register("ada@example.org").await;
    let page = t.anon().get("/en/login").await.expect(200).text;
    let input = page.split("id=\"remember\"").nth(1).unwrap();
    assert!(input.split('>').next().unwrap().contains("checked"));
    let session = async |fields: &[(&str, &str)]| t.anon().submit("/en/login", fields).await.expect(303);
    assert!(!session(&LOGIN).await.header("set-cookie").contains("Max-Age"));
    let remembered = session(&[LOGIN[0], LOGIN[1], ("remember", "yes")]).await;
    assert!(remembered.header("set-cookie").contains("Max-Age=7776000"));
}

/// Each cookie line with its secret left out.
fn shape(answer: &Answer) -> Vec<String> {
    let lines = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|line| line.to_str().unwrap());
    let shape = |line: &str| {
        assert!(line.len() < 4096, "{line}");
        let (pair, attributes) = line.split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        let value = if value.len() == 43 { "SECRET" } else { value };
        format!("{name}={value};{attributes}")
    };
    lines.map(shape).collect()
}

#[tokio::test]
async fn cookies_of_every_route_are_bound_to_this_host_and_out_of_reach() {
    const ON: &str = "Path=/; HttpOnly; SameSite=Lax; Secure";
    let t = start_configured(Scripted::new(), |config| {
        config.public_url = "https://parlor.example".to_owned();
    })
    .await;
    let fields = [
        ("email", "ada@example.org"),
        ("password", PASSWORD),
        ("display_name", "Ada"),
    ];
    let session = format!("__Host-parlor_session=SECRET; {ON}");
    let device = format!("__Host-parlor_device=SECRET; {ON}; Max-Age=31536000");
    let registered = t.anon().submit("/en/register", &fields).await.expect(303);
    assert_eq!(
        shape(&registered),
        [format!("{session}; Max-Age=7776000"), device.clone()],
        "register"
    );
    let logged_in = t.anon().submit("/en/login", &LOGIN).await.expect(303);
    assert_eq!(shape(&logged_in), [session.clone(), device.clone()], "login");
    let login = json!({ "email": "ada@example.org", "password": PASSWORD });
    let api = t.anon().post("/api/v1/auth/login", &login).await.expect(200);
    assert_eq!(shape(&api), [device.clone()], "for tokens alone");
    let request = t
        .anon()
        .request(Method::POST, "/api/v1/auth/login")
        .header("x-session", "cookie");
    let api = support::send(request.json(&login)).await.expect(200);
    assert_eq!(shape(&api), [session, device], "the API's login");
    let cookie = cookies(&api);
    let csrf = api.json()["csrf_token"].as_str().unwrap().to_owned();
    let post = |path: &str| t.anon().request(Method::POST, path).header("cookie", &cookie);
    let account = [("locale", "en"), ("theme", "dark"), ("csrf_token", &csrf)];
    let themed = support::send(post("/en/account").form(&account)).await.expect(303);
    assert_eq!(
        shape(&themed),
        [format!("__Host-parlor_theme=dark; {ON}; Max-Age=31536000")],
        "theme"
    );
    let out = support::send(post("/en/logout").form(&[("csrf_token", &csrf)]))
        .await
        .expect(303);
    assert_eq!(
        shape(&out),
        [format!("__Host-parlor_session=; {ON}; Max-Age=0")],
        "logout"
    );
    // Looking at things sets nothing.
    for path in ["/en/login", "/en/register", "/health", "/api/v1/openapi.json"] {
        assert_eq!(shape(&t.anon().get(path).await), Vec::<String>::new(), "{path}");
    }
}
