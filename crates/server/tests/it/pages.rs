use parlor_llm::Scripted;

use crate::support::{Actor, PASSWORD, start, start_with};

/// Follows the session cookie of a form's answer.
async fn with_cookie(base: &Actor, path: &str, fields: &[(&str, &str)]) -> String {
    let answer = base.submit(path, fields).await.expect(303);
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn ses_12_a_stranger_is_sent_to_the_login_and_back() {
    let t = start().await;
    let asked = t
        .anon()
        .request(reqwest::Method::GET, "/de/chats")
        .header("accept", "text/html");
    let answer = crate::support::send(asked).await.expect(303);
    assert_eq!(answer.header("location"), "/de/login?next=%2Fde%2Fchats");
    t.user("ada").await;
    let form = [
        ("email", "ada@example.org"),
        ("password", PASSWORD),
        ("next", "/de/chats"),
    ];
    let answer = t.anon().submit("/de/login", &form).await.expect(303);
    assert_eq!(answer.header("location"), "/de/chats");
    let form = [
        ("email", "ada@example.org"),
        ("password", PASSWORD),
        ("next", "//evil.example"),
    ];
    assert_eq!(
        t.anon().submit("/de/login", &form).await.header("location"),
        "/de/chats"
    );
}

#[tokio::test]
async fn ui_1_a_person_registers_chats_and_forgets_without_a_script() {
    let t = start_with(Scripted::new().fallback("**Noted**, Ada.")).await;
    assert_eq!(t.anon().get("/en").await.header("location"), "/en/register");
    let form = [
        ("email", "ada@example.org"),
        ("password", PASSWORD),
        ("display_name", "Ada"),
    ];
    let cookie = with_cookie(&t.anon(), "/en/register", &form).await;
    let get = async |path: &str| {
        let request = t.anon().request(reqwest::Method::GET, path).header("cookie", &cookie);
        crate::support::send(request).await
    };
    let home = get("/en/chats").await.expect(200).text;
    let csrf = home
        .split("name=\"csrf_token\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let post = async |path: &str, fields: &[(&str, &str)]| {
        let mut fields = fields.to_vec();
        fields.push(("csrf_token", &csrf));
        crate::support::send(
            t.anon()
                .request(reqwest::Method::POST, path)
                .header("cookie", &cookie)
                .form(&fields),
        )
        .await
    };
    let started = post(
        "/en/chats",
        &[("content", "I live in Lisbon. <b>really</b>"), ("tier", "quick")],
    )
    .await
    .expect(303);
    let chat = started.header("location").to_owned();
    let said = post(
        &format!("{chat}/messages"),
        &[("content", "Where do I live?"), ("tier", "enhanced")],
    )
    .await;
    assert!(said.expect(303).header("location").starts_with(&chat));
    let page = get(&chat).await.expect(200).text;
    assert!(
        page.contains("<strong>Noted</strong>") && page.contains("&#60;b&#62;really&#60;/b&#62;"),
        "{page}"
    );
    let memories = get("/en/memories").await.expect(200).text;
    assert!(memories.contains("I live in Lisbon"));
    let id = memories
        .split("id=\"memory-")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let asked = post(&format!("/en/memories/{id}/delete"), &[]).await.expect(200).text;
    assert!(asked.contains("name=\"confirm\""), "asks before it forgets");
    post(&format!("/en/memories/{id}/delete"), &[("confirm", "yes")])
        .await
        .expect(303);
    assert!(!get("/en/memories").await.text.contains("I live in Lisbon"));
    post(&format!("{chat}/delete"), &[("confirm", "yes")]).await.expect(303);
    assert_eq!(get(&chat).await.status, 404);
    post("/en/logout", &[]).await.expect(303);
    assert_eq!(get("/en/chats").await.status, 401);
}

#[tokio::test]
async fn sec_2_a_form_without_the_sessions_token_is_refused() {
    let t = start().await;
    let ada = t.browser("ada").await;
    ada.submit("/en/chats", &[("content", "hello")]).await.expect(403);
    ada.submit("/en/chats", &[("content", "hello"), ("csrf_token", "nonsense")])
        .await
        .expect(403);
    assert_eq!(ada.get("/api/v1/chats").await.json()["data"], serde_json::json!([]));
}

#[tokio::test]
async fn ui_2_errors_are_pages_in_the_language_of_the_address() {
    let t = start().await;
    let ada = t.browser("ada").await;
    for (path, lang) in [("/de/nothing", "lang=\"de\""), ("/en/nothing", "lang=\"en\"")] {
        let request = ada.request(reqwest::Method::GET, path).header("accept", "text/html");
        let page = crate::support::send(request).await.expect(404);
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.text.contains(lang) && page.text.contains(page.header("x-request-id")));
    }
    let wrong = t
        .anon()
        .submit(
            "/de/login",
            &[("email", "ada@example.org"), ("password", "wrong password")],
        )
        .await;
    assert!(
        wrong.expect(401).text.contains("value=\"ada@example.org\""),
        "what was typed is kept"
    );
}

#[tokio::test]
async fn ops_8_assets_are_immutable_at_their_address() {
    let t = start().await;
    let page = t.anon().get("/en/login").await.expect(200).text;
    let urls: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(urls.len() > 3, "{page}");
    for url in urls {
        let asset = t.anon().get(url).await.expect(200);
        assert!(asset.header("cache-control").contains("immutable"), "{url}");
    }
    t.anon().get("/assets/x/../../Cargo.toml").await.expect(404);
}
