//! A bare axum server: one route, one small JSON answer, nothing else. usage: hello PORT

use axum::{Json, Router, routing::get};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port: u16 = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8081);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    axum::serve(listener, Router::new().route("/", get(hello))).await
}

/// As many fields as `GET /api/v1/me` answers with, so that both serialise as much.
async fn hello() -> Json<Value> {
    Json(json!({
        "id": "01970000-0000-7000-8000-000000000000", "email": "ada@example.com", "email_verified": false,
        "display_name": "Ada", "full_name": null, "avatar_url": null, "bio": null, "locale": "en", "role": "user",
        "plan": "free", "created_at": "2026-01-01T00:00:00.000000Z", "totals": { "chats": 0, "messages": 0 },
    }))
}
