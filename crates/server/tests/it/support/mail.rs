//! What people find in their mailbox.

use parlor_db::{
    entities::mails,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use parlor_server::mail::{self, Mail, Memory, Transport};

use super::{TestApp, until};

/// A mail as its recipient reads it.
#[derive(Clone, Debug)]
pub struct Received {
    pub kind: String,
    /// What was queued, for a test that wants a field of it.
    pub mail: Mail,
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Received {
    /// The address of its button: the first link of its text.
    #[track_caller]
    pub fn link(&self) -> String {
        let found = self.text.split_whitespace().find(|word| word.starts_with("http"));
        found.unwrap_or_else(|| panic!("no link in {}", self.text)).to_owned()
    }

    /// The path and query of its link, for `actor.get`.
    #[track_caller]
    pub fn path(&self) -> String {
        let link = self.link();
        let (_, rest) = link.split_once("://").unwrap();
        rest[rest.find('/').unwrap_or(rest.len())..].to_owned()
    }

    /// The token that its link carries.
    #[track_caller]
    pub fn token(&self) -> String {
        let link = self.link();
        let token = link
            .split_once("token=")
            .unwrap_or_else(|| panic!("no token in {link}"));
        token.1.split('&').next().unwrap().to_owned()
    }
}

/// Mail that stays in this process.
pub fn memory() -> Transport {
    Transport::Memory(Memory::default())
}

impl TestApp {
    /// Everything that was written to this address so far, oldest first.
    pub async fn mails_to(&self, email: &str) -> Vec<Received> {
        let rows = mails::Entity::find()
            .filter(mails::Column::Recipient.eq(email))
            .order_by_asc(mails::Column::Id)
            .all(self.app.db.write())
            .await
            .unwrap();
        let mut received = Vec::new();
        for row in rows {
            let contents = mail::contents(&self.app, &row).await.unwrap().expect("kept in tests");
            let rendered = mail::render(&self.app, &row.locale, &contents).unwrap();
            received.push(Received {
                kind: row.kind,
                mail: contents.mail,
                subject: rendered.subject,
                text: rendered.text,
                html: rendered.html,
            });
        }
        received
    }

    /// The newest mail of this kind to this address, as soon as there is one.
    pub async fn mail_to(&self, email: &str, kind: &str) -> Received {
        let mut found = None;
        until(&format!("a mail {kind} to {email}"), async || {
            found = self.mails_to(email).await.into_iter().rfind(|mail| mail.kind == kind);
            found.is_some()
        })
        .await;
        found.unwrap()
    }
}
