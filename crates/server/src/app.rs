//! What every handler and job gets: one value, cheap to clone.

use std::{ops::Deref, sync::Arc, time::Instant};

use parlor_db::{Connect, Db};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    clock::{Clock, Ids},
    config::Config,
    coordination::{Streams, Throttle},
    features::{
        accounts::{Passwords, Users},
        api_keys::ApiKeys,
        generations::{Generations, Models},
        memories::Memories,
        notices::Notices,
        sessions::Sessions,
    },
    jobs::Jobs,
    mail::Mailer,
    secrets::{MasterKeys, Vault},
};

#[derive(Clone)]
pub struct App(Arc<Inner>);

pub struct Inner {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub ids: Ids,
    pub vault: Vault,
    /// This process among the nodes of a cluster; new at every start.
    pub node_id: Uuid,
    pub throttle: Throttle,
    pub users: Users,
    pub passwords: Passwords,
    pub sessions: Sessions,
    pub notices: Notices,
    /// Streams that are open on this node: they end with the session or key that opened them.
    pub streams: Streams,
    pub api_keys: ApiKeys,
    pub models: Models,
    pub memories: Memories,
    pub generations: Generations,
    pub jobs: Jobs,
    pub mailer: Mailer,
    /// Work that outlives its request: a graceful stop waits for it.
    pub tasks: TaskTracker,
    /// Cancelled when the server shall stop: no new work then.
    pub stopping: CancellationToken,
    pub started: Instant,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// What tests replace.
#[derive(Default)]
pub struct Overrides {
    pub clock: Clock,
    pub chat_model: Option<Arc<dyn parlor_llm::ChatModel>>,
    pub embedder: Option<Arc<dyn parlor_llm::Embedder>>,
    pub mail_transport: Option<crate::mail::Transport>,
}

impl App {
    /// Opens and migrates the database, makes the secrets, recovers what a crash left, and starts the workers.
    ///
    /// # Errors
    /// When the database cannot be used or a secret cannot be read.
    pub async fn start(config: Config, overrides: Overrides) -> anyhow::Result<Self> {
        let masters = MasterKeys::load(&config.secrets, &config.data_dir)?;
        let db = Db::connect(&connect_options(&config)).await?;
        for migration in db.migrate().await? {
            tracing::info!(migration, "migrated");
        }
        let ids = Ids::new(overrides.clock.clone());
        let vault = Vault::open(db.clone(), masters, overrides.clock.clone(), ids.clone()).await?;
        let sessions = Sessions::open(&config, &db, &vault, &overrides.clock).await?;
        let (generations, log_inbox) = Generations::new();
        let app = Self(Arc::new(Inner {
            throttle: Throttle::new(overrides.clock.clone(), config.rate_limits),
            users: Users::new(db.is_exclusive()),
            passwords: Passwords::new(&config.passwords)?,
            sessions,
            notices: Notices::new(db.is_exclusive()),
            streams: Streams::default(),
            api_keys: ApiKeys::new(db.is_exclusive()),
            models: Models::new(&config, overrides.chat_model)?,
            memories: Memories::new(overrides.embedder),
            generations,
            jobs: Jobs::default(),
            mailer: Mailer::new(&config, overrides.mail_transport)?,
            node_id: ids.next(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            started: Instant::now(),
            clock: overrides.clock,
            config,
            db,
            ids,
            vault,
        }));
        app.start_workers(log_inbox).await?;
        Ok(app)
    }

    async fn start_workers(&self, log_inbox: crate::features::generations::LogInbox) -> anyhow::Result<()> {
        crate::features::generations::recover(self)
            .await
            .map_err(|e| anyhow::anyhow!("{e:?}"))?;
        crate::features::generations::start(self, log_inbox);
        crate::features::memories::load_embedder(self);
        crate::features::sessions::watch_signing_keys(self);
        crate::features::sessions::start(self);
        crate::jobs::start(self);
        crate::mail::start(self);
        Ok(())
    }

    /// Runs work to its end, also when the request that waits for it is gone: what follows a commit must not be lost
    /// with a connection.
    ///
    /// # Errors
    /// Those of the work.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns and waits")]
    pub async fn to_the_end<T, F>(&self, work: F) -> crate::http::Result<T>
    where
        T: Send + 'static,
        F: Future<Output = crate::http::Result<T>> + Send + 'static,
    {
        use tracing::Instrument;
        self.tasks
            .spawn(work.in_current_span())
            .await
            .map_err(crate::http::Error::internal)?
    }

    /// Runs work that a graceful stop waits for.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn<F>(&self, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        use tracing::Instrument;
        self.tasks.spawn(work.in_current_span());
    }
}

/// How `config` says to reach the database.
#[must_use]
pub fn connect_options(config: &Config) -> Connect {
    Connect {
        url: config.database.url.expose().to_owned(),
        data_dir: config.data_dir.clone(),
        max_connections: config.database.max_connections,
        acquire_timeout: std::time::Duration::from_secs(config.database.acquire_timeout_s),
    }
}
