//! What routes need: people, something that belongs to them, and bodies.

use parlor_db::{
    entities::{identities, notices, passkeys, users},
    sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel, QueryOrder},
};
use parlor_server::{
    app::App,
    features::sessions::{self, Device, Login},
    http::csrf,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::routes::Route;
use crate::support::{Actor, PASSWORD, TestApp};

/// The smallest valid body of a route; GET and DELETE have none unless they stand here.
pub fn body(route: &Route) -> Option<Value> {
    let path = route.path.strip_prefix("/api/v1").unwrap_or(&route.path);
    let body = match (route.method.as_str(), path) {
        ("POST", "/auth/logout" | "/chats/{id}/messages/{message_id}/cancel") => return None,
        ("POST", "/chats/{id}/messages/{message_id}/continue") => return None,
        ("POST", "/auth/step-up/email" | "/me/notices/{id}/seen") => return None,
        ("POST", "/auth/register") => json!({ "email": "new@example.org", "password": PASSWORD }),
        ("POST", "/auth/login") => json!({ "email": "nobody@example.org", "password": PASSWORD }),
        ("POST", "/auth/refresh") => json!({ "refresh_token": "unknown" }),
        ("POST", "/auth/verify-email" | "/auth/change-email/confirm") => json!({ "token": "unknown" }),
        ("POST", "/auth/verify-email/resend" | "/auth/forgot-password") => json!({ "email": "nobody@example.org" }),
        ("POST", "/auth/reset-password") => json!({ "token": "unknown", "password": "another horse battery" }),
        ("POST", "/auth/change-password") => {
            json!({ "current_password": PASSWORD, "new_password": "another horse battery" })
        }
        ("POST", "/auth/change-email") => json!({ "email": "new@example.org", "password": PASSWORD }),
        ("POST", "/auth/step-up") => json!({ "password": PASSWORD }),
        ("POST", "/auth/passkey/options" | "/me/totp" | "/me/recovery-codes" | "/me/passkeys/options") => return None,
        ("POST", "/auth/second-factor") => json!({ "challenge": "unknown", "code": "000000" }),
        ("POST", "/auth/passkey") => json!({ "challenge": "unknown", "credential": {} }),
        ("POST", "/me/totp/confirm") => json!({ "code": "000000" }),
        ("POST", "/me/passkeys") => json!({ "challenge": "unknown", "credential": {}, "name": "Laptop" }),
        ("PATCH", "/me/passkeys/{id}") => json!({ "name": "Renamed" }),
        ("POST", "/admin/mails/{id}/retry") => return None,
        ("PATCH", "/me") => json!({ "display_name": "Ada" }),
        ("POST", "/me/api-keys") => json!({ "name": "Backup" }),
        ("PATCH", "/me/api-keys/{id}") => json!({ "name": "Renamed" }),
        ("POST", "/me/api-keys/{id}/rotate") => json!({}),
        ("POST", "/chats") => json!({}),
        ("PATCH", "/chats/{id}") => json!({ "title": "mine now" }),
        ("POST", "/chats/{id}/messages") => json!({ "content": "hello" }),
        ("POST", "/memories") => json!({ "content": "I play the cello." }),
        ("POST", "/memories/search") => json!({ "query": "cello" }),
        ("GET" | "DELETE", _) => return None,
        _ => panic!("{route} has no body in tests/it/matrix/fixtures.rs: add the smallest valid one to `body`"),
    };
    Some(body)
}

/// A form with every field that a page may ask for.
pub fn form(csrf: Option<&str>) -> Vec<(&'static str, String)> {
    let fields = [
        ("title", "x"),
        ("content", "x"),
        ("tier", "quick"),
        ("confirm", "yes"),
        ("name", "x"),
    ];
    let fields = fields.map(|(name, value)| (name, value.to_owned()));
    let csrf = csrf.map(|csrf| ("csrf_token", csrf.to_owned()));
    csrf.into_iter().chain(fields).collect()
}

/// Things of one person, by what names them in a path.
pub struct Belongings {
    chat: String,
    message: String,
    memory: String,
    api_key: String,
    session: String,
    notice: String,
    passkey: String,
    connection: String,
}

impl Belongings {
    /// Ids that nothing has.
    pub fn of_nobody() -> Self {
        let id = || NOTHING.to_owned();
        Self {
            chat: id(),
            message: id(),
            memory: id(),
            api_key: id(),
            session: id(),
            notice: id(),
            passkey: id(),
            connection: "github".to_owned(),
        }
    }

    /// One of each, just made.
    pub async fn of(person: &Person) -> Self {
        let actor = &person.token;
        let chat = actor.chat().await;
        let said = actor.say(&chat, "I live in Lisbon.").await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let notice = notices::ActiveModel {
            id: Set(person.app.ids.next()),
            user_id: Set(person.id),
            kind: Set("new-device".to_owned()),
            data: Set("{}".to_owned()),
            created_at: Set(person.app.clock.now()),
            seen_at: Set(None),
        };
        let notice = notices::Entity::insert(notice)
            .exec(person.app.db.write())
            .await
            .unwrap();
        let passkey = person.add_passkey().await;
        person.link("github").await;
        let key = actor.post("/api/v1/me/api-keys", &json!({ "name": "Backup" })).await;
        Self {
            message: text(&said["message"]["id"]),
            memory: text(&said["memory"]["learned"][0]["id"]),
            api_key: text(&key.expect(201).json()["id"]),
            session: person.sessions[0].to_string(),
            notice: notice.last_insert_id.to_string(),
            passkey,
            connection: "github".to_owned(),
            chat,
        }
    }

    /// All of it, as its owner sees it: to tell whether somebody has changed it.
    pub async fn seen_by(&self, person: &Person) -> Vec<Value> {
        let paths = [
            format!("/api/v1/chats/{}", self.chat),
            format!("/api/v1/chats/{}/messages", self.chat),
            format!("/api/v1/memories/{}", self.memory),
            "/api/v1/me/api-keys".to_owned(),
            "/api/v1/me/sessions".to_owned(),
            "/api/v1/me/notices".to_owned(),
            "/api/v1/me/second-factors".to_owned(),
            "/api/v1/me/connections".to_owned(),
        ];
        let mut seen = Vec::new();
        for path in paths {
            seen.push(person.token.get(&path).await.expect(200).json());
        }
        seen
    }

    /// What a parameter names, by the path up to it. None: it is nobody's, and there is nothing to protect.
    fn find(&self, place: &str) -> Option<&str> {
        match place {
            "/chats/{id}" => Some(&self.chat),
            "/chats/{id}/messages/{message_id}" => Some(&self.message),
            "/memories/{id}" => Some(&self.memory),
            "/me/api-keys/{id}" | "/api-keys/{id}" => Some(&self.api_key),
            "/me/sessions/{id}" | "/sessions/{id}" => Some(&self.session),
            "/me/notices/{id}" | "/notices/{id}" => Some(&self.notice),
            "/me/passkeys/{id}" | "/security/passkeys/{id}" | "/security/factors/passkeys/{id}" => Some(&self.passkey),
            "/me/connections/{provider}" => Some(&self.connection),
            // The page goes on as if it were done: somebody may have pressed twice.
            "/auth/oauth/{provider}" | "/security/connections/{provider}" => None,
            // Administrators share the outbox; nobody else is told that there is one.
            "/admin/mails/{id}" | "/admin/mail/{id}" => None,
            _ => panic!(
                "{place} has no fixture in tests/it/matrix/fixtures.rs: add to `Belongings` what belongs to somebody \
                 there, or say in `find` that it is nobody's"
            ),
        }
    }
}

/// An id that nothing has.
const NOTHING: &str = "01900000-0000-7000-8000-000000000000";

/// The places of a path's parameters, without what all paths begin with.
fn places(path: &str) -> Vec<&str> {
    let path = path
        .strip_prefix("/api/v1")
        .or(path.strip_prefix("/{locale}"))
        .unwrap_or(path);
    path.match_indices('}').map(|(at, _)| &path[..=at]).collect()
}

/// Whether something in this path belongs to somebody.
pub fn is_owned(path: &str) -> bool {
    let nobody = Belongings::of_nobody();
    places(path).into_iter().any(|place| nobody.find(place).is_some())
}

/// The path with what its parameters name.
pub fn fill(path: &str, ids: &Belongings) -> String {
    let mut filled = path.replace("{locale}", "en");
    for place in places(path) {
        let parameter = &place[place.rfind('{').unwrap()..];
        let anything = if parameter == "{id}" { NOTHING } else { "github" };
        filled = filled.replacen(parameter, ids.find(place).unwrap_or(anything), 1);
    }
    filled
}

/// Somebody with an account of their own, logged in twice: in a browser, and with a token.
pub struct Person {
    id: Uuid,
    app: App,
    anon: Actor,
    pub browser: Actor,
    pub token: Actor,
    sessions: [Uuid; 2],
}

impl Person {
    /// An administrator who has just logged in, so that roles and step-ups stand in nobody's way. No password is hashed:
    /// there are hundreds of these.
    pub async fn new(t: &TestApp) -> Self {
        let template = match users::Entity::find()
            .order_by_asc(users::Column::Id)
            .one(t.app.db.read())
            .await
            .unwrap()
        {
            Some(first) => first,
            None => {
                t.anon().register("first@example.org").await;
                users::Entity::find().one(t.app.db.write()).await.unwrap().unwrap()
            }
        };
        let id = t.app.ids.next();
        let user = users::Model {
            id,
            email: format!("{id}@example.org"),
            email_key: format!("{id}@example.org"),
            ..template
        };
        let row = user.clone().into_active_model().reset_all();
        users::Entity::insert(row)
            .exec_without_returning(t.app.db.write())
            .await
            .unwrap();
        let device = Device::default();
        let login = || Login {
            user: &user,
            device: &device,
            remember: false,
            method: "password".to_owned(),
        };
        let browser = sessions::begin(&t.app, login()).await.unwrap();
        let program = sessions::begin(&t.app, login()).await.unwrap();
        let tokens = serde_json::to_value(&program.tokens).unwrap();
        let cookie = format!("parlor_session={}", browser.secret);
        Self {
            id,
            app: t.app.clone(),
            anon: t.anon(),
            browser: t
                .anon()
                .with_cookie(&cookie, Some(&csrf::token(&t.app, browser.session_id))),
            token: t.anon().with_token(tokens["access_token"].as_str().unwrap()),
            sessions: [browser.session_id, program.session_id],
        }
    }

    async fn add_passkey(&self) -> String {
        let row = passkeys::ActiveModel {
            id: Set(self.app.ids.next()),
            user_id: Set(self.id),
            credential_id: Set(self.id.as_bytes().to_vec()),
            name: Set("Laptop".to_owned()),
            credential: Set("{}".to_owned()),
            created_at: Set(self.app.clock.now()),
            last_used_at: Set(None),
        };
        let made = passkeys::Entity::insert(row).exec(self.app.db.write()).await.unwrap();
        made.last_insert_id.to_string()
    }

    async fn link(&self, provider: &str) {
        let now = self.app.clock.now();
        let row = identities::ActiveModel {
            id: Set(self.app.ids.next()),
            user_id: Set(self.id),
            provider: Set(provider.to_owned()),
            issuer: Set("https://github.com".to_owned()),
            subject: Set(self.id.to_string()),
            email: Set(None),
            username: Set(None),
            scopes: Set(String::new()),
            access_token: Set(None),
            refresh_token: Set(None),
            token_expires_at: Set(None),
            created_at: Set(now),
            last_used_at: Set(now),
        };
        identities::Entity::insert(row).exec(self.app.db.write()).await.unwrap();
    }

    pub fn without_csrf(&self) -> Actor {
        self.anon.with_cookie(self.browser.cookie(), None)
    }

    /// A new key of theirs with these scopes.
    pub async fn key(&self, scopes: &[&str]) -> String {
        let asked = json!({ "name": "Backup", "scopes": scopes });
        let made = self.token.post("/api/v1/me/api-keys", &asked).await.expect(201).json();
        made["key"].as_str().unwrap().to_owned()
    }

    /// Somebody who sends the key in a header of its own.
    pub fn with_key_header(&self, key: &str) -> Actor {
        self.anon.with_key(key)
    }

    /// Ends both sessions and every key.
    pub async fn end_everything(&self, t: &TestApp) {
        let keys = self.token.get("/api/v1/me/api-keys").await.expect(200).json();
        for key in keys["data"].as_array().unwrap() {
            let path = format!("/api/v1/me/api-keys/{}", key["id"].as_str().unwrap());
            self.token.call(Method::DELETE, &path, None).await.expect(204);
        }
        for session in self.sessions {
            sessions::end(&t.app, session, "test").await.unwrap();
        }
    }
}
