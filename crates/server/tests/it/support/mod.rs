//! A Parlor to test, and people who use it.

mod actor;
mod database;
pub mod log;
pub mod mail;
pub mod node;
mod stream;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use parlor_llm::{HashEmbedder, Scripted};
use parlor_server::{
    app::{App, Overrides},
    clock::Clock,
    config::Config,
    jobs,
    router::router,
};
use tempfile::TempDir;

pub use actor::send;
pub use actor::{Actor, Answer};
pub use database::TestDatabase;
pub use node::Node;
pub use stream::{Events, kinds, text};

pub const PASSWORD: &str = "correct horse battery";

pub struct TestApp {
    pub app: App,
    pub clock: Clock,
    pub model: Scripted,
    pub base: String,
    _database: TestDatabase,
    _folder: TempDir,
}

/// A Parlor whose model says "OK." to everything.
pub async fn start() -> TestApp {
    start_with(Scripted::new()).await
}

pub async fn start_with(model: Scripted) -> TestApp {
    start_configured(model, |_| {}).await
}

/// A Parlor that can send mail, so that addresses must be confirmed. Nothing leaves: see [`TestApp::mails_to`].
pub async fn start_with_mail() -> TestApp {
    start_configured(Scripted::new(), with_mail).await
}

/// The settings of [`start_with_mail`].
pub fn with_mail(config: &mut Config) {
    config.mail.smtp_host = "mail.invalid".to_owned();
}

pub async fn start_configured(model: Scripted, change: impl FnOnce(&mut Config)) -> TestApp {
    log::collect();
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::create().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut config = Config::for_tests();
    config.data_dir = folder.path().to_owned();
    config.public_url = base.clone();
    config.database.url = parlor_server::config::Secret::new(database.url());
    change(&mut config);
    let clock = Clock::default();
    let overrides = Overrides {
        clock: clock.clone(),
        chat_model: Some(Arc::new(model.clone())),
        embedder: Some(Arc::new(HashEmbedder)),
        mail_transport: Some(mail::memory()),
    };
    let app = App::start(config, overrides).await.unwrap();
    node::serve_on(&app, router(&app), listener);
    TestApp {
        app,
        clock,
        model,
        base,
        _database: database,
        _folder: folder,
    }
}

impl TestApp {
    /// Another node of the same cluster; none on SQLite, which knows one process only.
    pub async fn node_beside(&self) -> Option<Node> {
        Node::beside(self).await
    }

    /// Nobody in particular.
    pub fn anon(&self) -> Actor {
        Actor::new(&self.base)
    }

    /// A person with an account, logged in with a token.
    pub async fn user(&self, name: &str) -> Actor {
        let email = format!("{name}@example.org");
        self.anon().register(&email).await;
        self.anon().log_in(&email).await
    }

    /// A person with an account, logged in with a cookie as a browser is.
    pub async fn browser(&self, name: &str) -> Actor {
        let email = format!("{name}@example.org");
        self.anon().register(&email).await;
        self.anon().log_in_with_cookie(&email).await
    }

    /// Runs the queued jobs, also those that the worker of the app has just taken.
    pub async fn drain_jobs(&self) {
        use parlor_db::{
            entities::jobs as rows,
            sea_orm::{EntityTrait, PaginatorTrait},
        };
        for _ in 0..500 {
            jobs::work(&self.app).await.unwrap();
            if rows::Entity::find().count(self.app.db.write()).await.unwrap() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("jobs are left over");
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.app.stopping.cancel();
    }
}

/// Waits until `check` says yes; a test that would wait forever fails instead.
pub async fn until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain: {what}");
}
