//! What is generated agrees with what is committed.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::start;

#[test]
fn doc_1_the_committed_openapi_document_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let generated = parlor_server::router::document().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("PARLOR_TEST_WRITE_DOCS").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "run PARLOR_TEST_WRITE_DOCS=1 cargo test -p parlor-server --test it openapi"
    );
}

#[tokio::test]
async fn doc_1_the_document_and_its_page_are_served_from_here_alone() {
    let t = start().await;
    let document = t.anon().get("/api/v1/openapi.json").await.expect(200).json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let page = t.anon().get("/docs/").await.expect(200);
    assert!(
        !page.text.contains("https://") || !page.text.contains("cdn"),
        "{}",
        page.text
    );
    let initializer = t.anon().get("/docs/swagger-initializer.js").await.expect(200);
    assert!(initializer.text.contains("/api/v1/openapi.json"));
    t.anon().get("/docs/swagger-ui-bundle.js").await.expect(200);
}

#[tokio::test]
async fn answers_have_the_fields_that_the_document_says() {
    let t = start().await;
    let ada = t.user("ada").await;
    let document: Value = serde_json::to_value(parlor_server::router::document()).unwrap();
    let fields = |schema: &str| {
        let properties = document["components"]["schemas"][schema]["properties"]
            .as_object()
            .unwrap();
        properties.keys().cloned().collect::<Vec<_>>()
    };
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    let me = ada.get("/api/v1/me").await.json();
    assert_eq!(sorted(keys(&me)), sorted(fields("UserView")));
    let answer = ada.say(&ada.chat().await, "I live in Lisbon.").await;
    assert_eq!(sorted(keys(&answer["message"])), sorted(fields("MessageView")));
    assert_eq!(
        sorted(keys(&answer["memory"]["learned"][0])),
        sorted(fields("MemoryView"))
    );
    assert_eq!(sorted(keys(&answer)), sorted(fields("Answered")));
    assert_eq!(
        json!(sorted(keys(&answer))),
        json!(["memory", "message", "usage", "user_message"])
    );
}
