//! Every route, as nobody and as the wrong person: generated from the OpenAPI document, so that none is forgotten.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, start};

struct Route {
    method: Method,
    path: String,
    public: bool,
}

fn routes() -> Vec<Route> {
    let document: Value = serde_json::to_value(parlor_server::router::document()).unwrap();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            let public = operation["security"]
                .as_array()
                .is_some_and(|schemes| schemes.iter().all(|s| s == &json!({})));
            routes.push(Route {
                method,
                path: path.clone(),
                public,
            });
        }
    }
    routes
}

fn with_ids(path: &str, chat: &str, message: &str, memory: &str) -> String {
    let id = if path.contains("/memories/") { memory } else { chat };
    path.replace("{id}", id).replace("{message_id}", message)
}

#[tokio::test]
async fn ses_11_every_route_is_private_unless_it_stands_on_the_list() {
    let t = start().await;
    let id = "01900000-0000-7000-8000-000000000000";
    let routes = routes();
    assert!(
        routes.iter().filter(|route| !route.public).count() > 15,
        "the document lists the routes"
    );
    for route in routes {
        let path = with_ids(&route.path, id, id, id);
        let answer = t.anon().call(route.method.clone(), &path, Some(&json!({}))).await;
        let refused = answer.status == 401 && answer.problem().1 == "unauthenticated";
        assert_eq!(refused, !route.public, "{} {path}: {}", route.method, answer.text);
    }
}

#[tokio::test]
async fn ses_13_nobody_reaches_what_is_somebody_elses() {
    let t = start().await;
    let (ada, bob) = (t.user("ada").await, t.user("bob").await);
    let chat = ada.chat().await;
    let answer = ada.say(&chat, "I live in Lisbon.").await;
    let message = answer["message"]["id"].as_str().unwrap();
    let memory = answer["memory"]["learned"][0]["id"].as_str().unwrap();
    let body = |method: &Method, path: &str| match (method.as_str(), path) {
        ("PATCH", path) if path.contains("/passkeys/") => json!({ "name": "mine now" }),
        ("PATCH", _) => json!({ "title": "mine now" }),
        ("POST", path) if path.ends_with("/messages") => json!({ "content": "hello" }),
        _ => json!({}),
    };
    let with_id: Vec<Route> = routes()
        .into_iter()
        .filter(|route| route.path.contains("{id}"))
        .collect();
    assert!(with_id.len() >= 9, "the document lists the routes");
    let mut refused = 0;
    for route in with_id {
        let path = with_ids(&route.path, &chat, message, memory);
        let answer: Answer = bob
            .call(route.method.clone(), &path, Some(&body(&route.method, &path)))
            .await;
        assert_eq!(
            answer.problem(),
            (404, "not_found".to_owned()),
            "{} {path}",
            route.method
        );
        refused += 1;
    }
    assert!(refused >= 9);
    // Ada still has all of it, or this test means nothing.
    let messages = ada
        .get(&format!("/api/v1/chats/{chat}/messages"))
        .await
        .expect(200)
        .json();
    assert_eq!(messages["data"].as_array().unwrap().len(), 2);
    ada.get(&format!("/api/v1/memories/{memory}")).await.expect(200);
    assert_ne!(
        ada.get(&format!("/api/v1/chats/{chat}")).await.json()["title"],
        "mine now"
    );
}

#[tokio::test]
async fn ses_13_pages_of_somebody_else_are_not_found() {
    let t = start().await;
    let (ada, bob) = (t.browser("ada").await, t.browser("bob").await);
    let chat = ada.chat().await;
    let message = ada.say(&chat, "hello").await["message"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let csrf = [
        ("csrf_token", bob.csrf.as_deref().unwrap()),
        ("title", "x"),
        ("content", "x"),
        ("confirm", "yes"),
    ];
    bob.get(&format!("/en/chats/{chat}")).await.expect(404);
    bob.get(&format!("/en/chats/{chat}/messages/{message}"))
        .await
        .expect(404);
    for action in [
        "messages",
        "rename",
        "delete",
        &format!("messages/{message}/cancel"),
        &format!("messages/{message}/continue"),
    ] {
        bob.submit(&format!("/en/chats/{chat}/{action}"), &csrf)
            .await
            .expect(404);
    }
    ada.get(&format!("/en/chats/{chat}")).await.expect(200);
}
