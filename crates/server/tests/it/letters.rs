//! What lies in somebody's mailbox.

use parlor_db::{
    entities::mails,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use parlor_server::secrets::Purpose;
use serde_json::Value;

use crate::support::{TestApp, until};

/// The mails to this address, oldest first, as `{kind, link, …}`.
pub async fn to(t: &TestApp, email: &str) -> Vec<Value> {
    let rows = mails::Entity::find()
        .filter(mails::Column::Recipient.eq(email))
        .order_by_asc(mails::Column::Id)
        .all(t.app.db.write())
        .await
        .unwrap();
    let mut letters = Vec::new();
    for row in rows {
        let Some(sealed) = row.parameters else { continue };
        let plain = t
            .app
            .vault
            .unseal(Purpose::Mail, row.id.as_bytes(), &sealed)
            .await
            .unwrap();
        let parameters: Value = serde_json::from_slice(&plain).unwrap();
        letters.push(parameters["mail"].clone());
    }
    letters
}

pub async fn kinds(t: &TestApp, email: &str) -> Vec<String> {
    let letters = to(t, email).await;
    letters
        .iter()
        .map(|letter| letter["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits for the n-th mail of this kind: some are queued apart from the request.
pub async fn nth(t: &TestApp, email: &str, kind: &str, n: usize) -> Value {
    let mut found = None;
    until(&format!("{kind} number {n} to {email}"), async || {
        let letters = to(t, email).await;
        found = letters.into_iter().filter(|letter| letter["kind"] == kind).nth(n);
        found.is_some()
    })
    .await;
    found.unwrap()
}

pub fn link(letter: &Value) -> String {
    letter["link"].as_str().unwrap().to_owned()
}

pub fn token(letter: &Value) -> String {
    link(letter).split_once("?token=").unwrap().1.to_owned()
}
