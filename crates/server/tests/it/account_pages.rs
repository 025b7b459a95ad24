//! The pages of accounts, as a browser without scripts uses them.

use parlor_llm::Scripted;
use parlor_server::config::RateLimits;
use reqwest::Method;
use serde_json::json;

use crate::{
    letters,
    support::{Actor, Answer, PASSWORD, TestApp, send, start, start_configured},
};

const NEW: &str = "a wholly new password";

async fn start_with_mail() -> TestApp {
    start_configured(Scripted::new(), |config| config.mail.smtp_host = "127.0.0.1".to_owned()).await
}

fn heading(answer: &Answer) -> String {
    let inner = answer.text.split("<h1").nth(1).unwrap_or_default();
    let inner = inner.split_once('>').unwrap_or_default().1;
    inner.split("</h1>").next().unwrap_or_default().trim().to_owned()
}

/// A path of this server, from a link in a mail.
fn path(t: &TestApp, link: &str) -> String {
    link.strip_prefix(&t.base).unwrap().to_owned()
}

async fn follow(actor: &Actor, path: &str) -> Answer {
    let answer = send(actor.request(Method::GET, path).header("accept", "text/html")).await;
    if !answer.status.is_redirection() {
        return answer;
    }
    let location = answer.header("location").to_owned();
    send(actor.request(Method::GET, &location).header("accept", "text/html")).await
}

#[tokio::test]
async fn acc_7_a_person_registers_confirms_and_logs_in() {
    let t = start_with_mail().await;
    let form = [
        ("email", "ada@example.org"),
        ("password", PASSWORD),
        ("display_name", "Ada"),
    ];
    let first = t.anon().submit("/en/register", &form).await.expect(200);
    assert_eq!(heading(&first), "Look into your inbox");
    let again = t.anon().submit("/en/register", &form).await.expect(200);
    let without_nonce = |answer: &Answer| -> String {
        let parts: Vec<&str> = answer.text.split("nonce=\"").collect();
        parts
            .iter()
            .map(|part| part.split_once('"').map_or(*part, |(_, rest)| rest))
            .collect()
    };
    assert_eq!(
        without_nonce(&first),
        without_nonce(&again),
        "a known address looks the same"
    );
    let login = [
        ("email", "ada@example.org"),
        ("password", PASSWORD),
        ("next", "/en/memories"),
    ];
    let stopped = t.anon().submit("/en/login", &login).await.expect(403);
    assert!(stopped.text.contains("Send the link again") && stopped.text.contains("value=\"/en/memories\""));
    let sent = t
        .anon()
        .submit("/en/verify", &[("email", "ada@example.org")])
        .await
        .expect(200);
    assert_eq!(heading(&sent), "Look into your inbox");
    let letter = letters::nth(&t, "ada@example.org", "verify_email", 1).await;
    let page = follow(&t.anon(), &path(&t, &letters::link(&letter))).await.expect(200);
    assert_eq!(heading(&page), "Is this your address?");
    assert!(page.text.contains("ada@example.org"));
    let token = letters::token(&letter);
    let done = t.anon().submit("/en/verify", &[("token", &token)]).await.expect(200);
    assert_eq!(heading(&done), "Welcome in");
    let used = t.anon().submit("/de/verify", &[("token", &token)]).await.expect(400);
    assert_eq!(heading(&used), "Diese Adresse ist schon bestätigt");
    let answer = t.anon().submit("/en/login", &login).await.expect(303);
    assert_eq!(answer.header("location"), "/en/memories");
}

#[tokio::test]
async fn acc_4_a_person_who_forgot_chooses_a_new_password() {
    let t = start().await;
    t.user("ada").await;
    let login = t.anon().get("/en/login").await.expect(200);
    assert!(login.text.contains("href=\"/en/forgot\""));
    t.anon().get("/en/forgot").await.expect(200);
    let wrong = t.anon().submit("/en/forgot", &[("email", "ada")]).await.expect(422);
    assert!(wrong.text.contains("aria-invalid"));
    let known = t
        .anon()
        .submit("/en/forgot", &[("email", "ada@example.org")])
        .await
        .expect(200);
    let unknown = t
        .anon()
        .submit("/en/forgot", &[("email", "nobody@example.org")])
        .await
        .expect(200);
    assert_eq!(heading(&known), heading(&unknown));
    let letter = letters::nth(&t, "ada@example.org", "reset_password", 0).await;
    let token = letters::token(&letter);
    let page = follow(&t.anon(), &path(&t, &letters::link(&letter))).await.expect(200);
    assert_eq!(heading(&page), "Choose a new password");
    assert!(
        page.text.contains(&format!("/de/reset?token={token}")),
        "the language switch keeps the token"
    );
    let weak = t
        .anon()
        .submit("/en/reset", &[("token", &token), ("password", "qwerty123456")])
        .await
        .expect(422);
    assert!(weak.text.contains("among the first") && weak.text.contains(&token));
    let done = t
        .anon()
        .submit("/en/reset", &[("token", &token), ("password", NEW)])
        .await
        .expect(200);
    assert_eq!(heading(&done), "Your password is changed");
    let page = t.anon().get(&format!("/en/reset?token={token}")).await.expect(400);
    assert_eq!(heading(&page), "This link was used already");
    let page = t.anon().get("/en/reset?token=nothing").await.expect(400);
    assert_eq!(heading(&page), "This link does not work");
    let form = [("email", "ada@example.org"), ("password", NEW)];
    t.anon().submit("/en/login", &form).await.expect(303);
}

#[tokio::test]
async fn acc_11_who_tries_too_often_is_told_how_long_to_wait() {
    let t = start_configured(Scripted::new(), |config| config.rate_limits = RateLimits::Default).await;
    let form = [("email", "ada@example.org"), ("password", "wrong password here")];
    for _ in 0..5 {
        t.anon().submit("/en/login", &form).await.expect(401);
    }
    let stopped = t.anon().submit("/en/login", &form).await.expect(429);
    assert!(
        stopped.text.contains("Too many attempts. Wait") && stopped.text.contains("seconds"),
        "{}",
        stopped.text
    );
    assert!(!stopped.header("retry-after").is_empty());
    for _ in 0..15 {
        t.anon()
            .submit("/en/forgot", &[("email", "ada@example.org")])
            .await
            .expect(200);
    }
    let stopped = t
        .anon()
        .submit("/de/forgot", &[("email", "ada@example.org")])
        .await
        .expect(429);
    assert_eq!(heading(&stopped), "Bitte warte ein wenig");
}

#[tokio::test]
async fn a_login_leads_nowhere_but_into_this_site() {
    let t = start().await;
    t.user("ada").await;
    for evil in [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        " //evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.example",
        "@evil.example",
        "/\r\nSet-Cookie: a=b",
    ] {
        let form = [("email", "ada@example.org"), ("password", PASSWORD), ("next", evil)];
        let answer = t.anon().submit("/en/login", &form).await.expect(303);
        assert_eq!(answer.header("location"), "/en/chats", "{evil:?}");
    }
    for own in ["/de/chats/1?q=a", "/%2F%2Fevil.example"] {
        let form = [("email", "ada@example.org"), ("password", PASSWORD), ("next", own)];
        assert_eq!(t.anon().submit("/en/login", &form).await.header("location"), own);
    }
}

/// Somebody in a browser, with the token of their forms.
async fn submit(actor: &Actor, path: &str, fields: &[(&str, &str)]) -> Answer {
    let mut fields = fields.to_vec();
    fields.push(("csrf_token", actor.csrf.as_deref().unwrap()));
    actor.submit(path, &fields).await
}

#[tokio::test]
async fn acc_10_security_changes_password_and_address() {
    let t = start_with_mail().await;
    t.anon().register("ada@example.org").await;
    let token = letters::token(&letters::nth(&t, "ada@example.org", "verify_email", 0).await);
    t.anon()
        .post("/api/v1/auth/verify-email", &json!({ "token": token }))
        .await
        .expect(200);
    let ada = t.anon().log_in_with_cookie("ada@example.org").await;
    let page = ada.get("/en/security").await.expect(200);
    assert!(page.text.contains("ada@example.org") && page.text.contains("/en/api-keys"));
    let wrong = [("current_password", "not my password"), ("new_password", NEW)];
    let answer = submit(&ada, "/en/security/password", &wrong).await.expect(401);
    assert!(answer.text.contains("not your current password"));
    let weak = [("current_password", PASSWORD), ("new_password", "parlorparlor")];
    assert!(
        submit(&ada, "/en/security/password", &weak)
            .await
            .expect(422)
            .text
            .contains("mostly your address")
    );
    let fine = [("current_password", PASSWORD), ("new_password", NEW)];
    let answer = submit(&ada, "/en/security/password", &fine).await.expect(303);
    assert_eq!(answer.header("location"), "/en/security?notice=password-changed");
    assert!(
        ada.get("/en/security?notice=password-changed")
            .await
            .text
            .contains("Your password is changed")
    );
    let email = [("email", "ada@example.com"), ("password", NEW)];
    let answer = submit(&ada, "/en/security/email", &email).await.expect(303);
    assert_eq!(answer.header("location"), "/en/security?notice=email-change-sent");
    let letter = letters::nth(&t, "ada@example.com", "confirm_email_change", 0).await;
    let page = follow(&ada, &path(&t, &letters::link(&letter))).await.expect(200);
    assert_eq!(heading(&page), "Is this your new address?");
    let token = letters::token(&letter);
    let done = submit(&ada, "/en/change-email", &[("token", &token)]).await.expect(200);
    assert_eq!(heading(&done), "Your address is changed");
    assert!(
        ada.get("/en/account")
            .await
            .expect(200)
            .text
            .contains("ada@example.com")
    );
}

#[tokio::test]
async fn pro_3_the_profile_page_keeps_what_is_typed() {
    let t = start().await;
    let ada = t.browser("ada").await;
    let form = [
        ("display_name", "Ada"),
        ("full_name", "Ada Lovelace"),
        ("avatar_url", "https://pictures.example/ada.png"),
        ("bio", "Counts."),
        ("locale", "de"),
        ("theme", "dark"),
    ];
    submit(&ada, "/en/account", &form).await.expect(303);
    let me = ada.get("/api/v1/me").await.json();
    assert_eq!(
        (&me["full_name"], &me["bio"], &me["locale"]),
        (&json!("Ada Lovelace"), &json!("Counts."), &json!("de"))
    );
    let page = ada.get("/de/account").await.expect(200);
    assert!(page.text.contains("src=\"https://pictures.example/ada.png\""));
    assert!(
        page.header("content-security-policy")
            .contains("img-src 'self' data: https://pictures.example;")
    );
    let other = ada.get("/de/security").await.expect(200);
    assert!(
        !other.header("content-security-policy").contains("pictures.example"),
        "only there"
    );
    for wrong in ["javascript:alert(1)", "http://pictures.example/a.png", "ada.png"] {
        let form = [("display_name", "Ada"), ("avatar_url", wrong), ("locale", "de")];
        submit(&ada, "/en/account", &form).await.expect(422);
    }
    let form = [("display_name", "Ada"), ("avatar_url", ""), ("locale", "en")];
    submit(&ada, "/en/account", &form).await.expect(303);
    let me = ada.get("/api/v1/me").await.json();
    assert_eq!(
        (&me["avatar_url"], &me["bio"]),
        (&json!(null), &json!("Counts.")),
        "what the form lacks stays"
    );
}
