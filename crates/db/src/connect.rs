use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};

use crate::{Error, Result, migrations};

/// A running transaction.
pub type Tx = DatabaseTransaction;

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct Connect {
    /// `postgres://…`, `sqlite://path`, or empty for `parlor.db` in `data_dir`.
    pub url: String,
    pub data_dir: PathBuf,
    pub max_connections: u32,
    pub acquire_timeout: Duration,
}

/// The database: many readers and, on SQLite, exactly one writer.
///
/// SQLite lets one connection write at a time. Transactions that start as readers and then write fail at once under
/// contention, whatever the busy timeout; so every writing transaction is immediate and goes through a pool of one.
/// On PostgreSQL both names mean the same pool.
#[derive(Clone, Debug)]
pub struct Db {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    // Held for as long as the process lives: two servers on one file would each think the other's answers dead.
    _lock: Option<std::sync::Arc<fs::File>>,
}

impl Db {
    /// Connects; does not migrate.
    ///
    /// # Errors
    /// When the database cannot be reached, or another Parlor has the file open.
    pub async fn connect(connect: &Connect) -> Result<Self> {
        if connect.url.starts_with("postgres") {
            return Self::connect_postgres(connect).await;
        }
        let path = match connect.url.trim_start_matches("sqlite:").trim_start_matches("//") {
            "" => connect.data_dir.join("parlor.db"),
            path => PathBuf::from(path),
        };
        Self::connect_sqlite(connect, &path).await
    }

    async fn connect_postgres(connect: &Connect) -> Result<Self> {
        let mut options = ConnectOptions::new(&connect.url);
        options
            .max_connections(connect.max_connections.max(2))
            .min_connections(1)
            .acquire_timeout(connect.acquire_timeout)
            .connect_timeout(connect.acquire_timeout)
            .sqlx_logging(false)
            .test_before_acquire(false);
        let pool = Database::connect(options).await?;
        Ok(Self {
            reader: pool.clone(),
            writer: pool,
            _lock: None,
        })
    }

    async fn connect_sqlite(connect: &Connect, path: &Path) -> Result<Self> {
        let lock = lock_file(path)?;
        let writer = open_sqlite(path, 1, connect.acquire_timeout.max(Duration::from_secs(30))).await?;
        let reader = open_sqlite(path, connect.max_connections.max(1), connect.acquire_timeout).await?;
        Ok(Self {
            reader,
            writer,
            _lock: Some(std::sync::Arc::new(lock)),
        })
    }

    /// Brings the schema up to date; safe to call from many nodes at once.
    ///
    /// # Errors
    /// When a migration fails; nothing of it is kept then.
    pub async fn migrate(&self) -> Result<Vec<String>> {
        migrations::run(&self.writer).await
    }

    /// Names of the migrations that have not run yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn pending_migrations(&self) -> Result<Vec<String>> {
        migrations::pending(&self.writer).await
    }

    /// For queries that only read.
    #[must_use]
    pub fn read(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For a single writing statement that needs no transaction of its own.
    #[must_use]
    pub fn write(&self) -> &DatabaseConnection {
        &self.writer
    }

    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Whether this process is the only one that uses the database.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        self.backend() == DbBackend::Sqlite
    }

    /// Begins a writing transaction; dropping it undoes it. One use case, one transaction. Do no network or model call before its end: on SQLite everybody waits for it.
    ///
    /// # Errors
    /// When no connection comes free in time.
    pub async fn begin(&self) -> Result<Tx> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.writer.begin_with_options(options).await?)
    }

    /// Closes the connections; SQLite folds its write-ahead log into the file.
    ///
    /// # Errors
    /// When the last writes cannot be finished.
    pub async fn close(self) -> Result<()> {
        if self.is_exclusive() {
            self.reader.close().await?;
        }
        Ok(self.writer.close().await?)
    }

    /// The cheapest proof that the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub fn ping(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let reader = self.reader.clone();
        async move { Ok(reader.ping().await?) }
    }
}

async fn open_sqlite(path: &Path, connections: u32, acquire_timeout: Duration) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(format!("sqlite://{}", path.display()));
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(acquire_timeout)
        .sqlx_logging(false)
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .create_if_missing(true)
                .busy_timeout(Duration::from_secs(5))
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .foreign_keys(true)
                .pragma("cache_size", "-16000")
                .pragma("temp_store", "memory")
                .statement_cache_capacity(256)
        });
    Ok(Database::connect(options).await?)
}

/// Opens a file for writing; a new one belongs to its owner alone. SQLite gives its companions the same mode.
fn open_private(path: &Path) -> std::io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn lock_file(database: &Path) -> Result<fs::File> {
    let unusable =
        |what: &str, cause: &dyn std::fmt::Display| Error::Unusable(format!("{what} {}: {cause}", database.display()));
    if let Some(folder) = database.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|e| unusable("cannot create the folder of", &e))?;
    }
    let lock = database.with_extension("lock");
    let file = open_private(&lock).map_err(|e| unusable("cannot create the lock of", &e))?;
    // The driver would create it readable by everybody.
    open_private(database).map_err(|e| unusable("cannot open", &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(Error::Unusable(format!(
            "another Parlor is using {}. Stop it first, or give this one its own data folder (PARLOR_DATA_DIR)",
            database.display()
        ))),
        Err(fs::TryLockError::Error(e)) => Err(unusable("cannot lock", &e)),
    }
}
