//! The floor under every feature: SEC-1, SEC-2, SEC-5, OBS-1.

use reqwest::Method;
use serde_json::json;

use crate::support::{PASSWORD, send, start};

#[tokio::test]
async fn errors_are_problem_details_with_the_request_id() {
    let t = start().await;
    let request = t
        .anon()
        .request(Method::GET, "/api/v1/nothing")
        .header("x-request-id", "trace-1.a_b");
    let answer = send(request).await.expect(404);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("x-request-id"), "trace-1.a_b");
    let problem = answer.json();
    assert_eq!(problem["type"], "urn:parlor:problem:not_found");
    assert_eq!(
        (&problem["status"], &problem["request_id"]),
        (&json!(404), &json!("trace-1.a_b"))
    );
    let invalid = t.anon().request(Method::GET, "/live").header("x-request-id", "a b\"");
    assert_eq!(
        send(invalid).await.header("x-request-id").len(),
        36,
        "an invalid id is replaced"
    );
    t.anon().call(Method::PUT, "/api/v1/auth/login", None).await.expect(405);
}

#[tokio::test]
async fn sec_1_every_answer_carries_the_security_headers() {
    let t = start().await;
    for path in [
        "/en/login",
        "/api/v1/me",
        "/live",
        "/nothing",
        "/api/v1/openapi.json",
        "/docs/",
    ] {
        let answer = send(t.anon().request(Method::GET, path).header("accept", "text/html")).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(answer.header("permissions-policy").contains("camera=()"), "{path}");
        let csp = answer.header("content-security-policy");
        assert!(
            csp.contains("frame-ancestors 'none'") && csp.contains("default-src 'none'"),
            "{path}: {csp}"
        );
    }
    let page = async || {
        t.anon()
            .get("/en/login")
            .await
            .header("content-security-policy")
            .to_owned()
    };
    let (one, two) = (page().await, page().await);
    assert!(one.contains("'strict-dynamic'") && !one.contains("unsafe"), "{one}");
    assert_ne!(one, two, "each page has a nonce of its own");
}

#[tokio::test]
async fn sec_2_a_cookie_alone_writes_nothing() {
    let t = start().await;
    let ada = t.browser("ada").await;
    let chat = json!({});
    let bare = || ada.request(Method::POST, "/api/v1/chats").json(&chat);
    let csrf = ada.csrf.clone().unwrap();
    let bob = t.browser("bob").await;
    let refused = [
        bare(),
        bare().header("x-csrf-token", "nonsense"),
        bare().header("x-csrf-token", bob.csrf.clone().unwrap()),
        bare()
            .header("x-csrf-token", &csrf)
            .header("sec-fetch-site", "cross-site"),
        bare()
            .header("x-csrf-token", &csrf)
            .header("sec-fetch-site", "same-site"),
        bare()
            .header("x-csrf-token", &csrf)
            .header("origin", "https://evil.example"),
        bare().header("x-csrf-token", &csrf).header("origin", "null"),
    ];
    for request in refused {
        assert_eq!(send(request).await.problem(), (403, "csrf_failed".to_owned()));
    }
    send(bare().header("x-csrf-token", &csrf)).await.expect(201);
    send(
        bare()
            .header("x-csrf-token", &csrf)
            .header("sec-fetch-site", "same-origin"),
    )
    .await
    .expect(201);
    send(bare().header("x-csrf-token", &csrf).header("origin", &t.base))
        .await
        .expect(201);
    // A token is sent by nobody by itself.
    let token = t.user("cy").await;
    send(
        token
            .request(Method::POST, "/api/v1/chats")
            .json(&chat)
            .header("sec-fetch-site", "cross-site"),
    )
    .await
    .expect(201);
}

#[tokio::test]
async fn sec_2_nobody_is_logged_in_from_another_site() {
    let t = start().await;
    t.user("ada").await;
    let login = json!({ "email": "ada@example.org", "password": PASSWORD });
    let request = t.anon().request(Method::POST, "/api/v1/auth/login").json(&login);
    assert_eq!(
        send(request.header("sec-fetch-site", "cross-site")).await.problem().1,
        "csrf_failed"
    );
    let form = [("email", "ada@example.org"), ("password", PASSWORD)];
    let request = t.anon().request(Method::POST, "/en/login").form(&form);
    send(request.header("origin", "https://evil.example")).await.expect(403);
    let answer = t.anon().submit("/en/login", &form).await.expect(303);
    assert!(answer.header("set-cookie").contains("HttpOnly; SameSite=Lax"));
}

#[tokio::test]
async fn sec_5_what_is_not_json_is_refused_as_such() {
    let t = start().await;
    let ada = t.user("ada").await;
    let post = |kind: &str, body: &'static str| {
        ada.request(Method::POST, "/api/v1/chats")
            .header("content-type", kind.to_owned())
            .body(body)
    };
    assert_eq!(
        send(post("text/plain", "{}")).await.problem(),
        (415, "unsupported_media_type".to_owned())
    );
    assert_eq!(
        send(post("application/json", "{")).await.problem(),
        (400, "malformed_request".to_owned())
    );
    assert_eq!(
        send(post("application/json", "[]")).await.problem(),
        (400, "malformed_request".to_owned())
    );
    assert_eq!(
        send(post("application/json", r#"{"title": 5}"#)).await.problem(),
        (400, "malformed_request".to_owned())
    );
    assert_eq!(
        send(post("application/json", r#"{"nope": 5}"#)).await.problem(),
        (422, "validation_failed".to_owned())
    );
    send(post("application/json; charset=utf-8", "{}")).await.expect(201);
}
