//! The schema, as numbered SQL files. A file is never edited once released: the next change is the next file.
//!
//! Both databases run the same text; `$uuid` and the like stand for the type each of them has. What only one of them
//! has (full text, vectors) is in the files beside it.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait::async_trait};

use crate::{Error, Result};

/// Any number, the same on every node: who holds it migrates, the others wait and find nothing left to do.
const MIGRATION_LOCK: i64 = 0x7061_726c_6f72;

struct Migration {
    name: &'static str,
    common: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_initial",
        common: include_str!("0001_initial.sql"),
        sqlite: include_str!("0001_initial.sqlite.sql"),
        postgres: include_str!("0001_initial.postgres.sql"),
    },
    Migration {
        name: "0002_identity",
        common: include_str!("0002_identity.sql"),
        sqlite: "",
        postgres: "",
    },
];

const SQLITE_TYPES: [(&str, &str); 7] = [
    ("$uuid", "blob"),
    ("$bytes", "blob"),
    ("$int", "integer"),
    ("$real", "real"),
    ("$bool", "integer"),
    ("$true", "1"),
    ("$strict", "strict"),
];

const POSTGRES_TYPES: [(&str, &str); 7] = [
    ("$uuid", "uuid"),
    ("$bytes", "bytea"),
    ("$int", "bigint"),
    ("$real", "double precision"),
    ("$bool", "boolean"),
    ("$true", "true"),
    ("$strict", ""),
];

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        MIGRATIONS
            .iter()
            .map(|migration| Box::new(SqlMigration(migration)) as _)
            .collect()
    }
}

struct SqlMigration(&'static Migration);

impl MigrationName for SqlMigration {
    fn name(&self) -> &str {
        self.0.name
    }
}

#[async_trait]
impl MigrationTrait for SqlMigration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> std::result::Result<(), DbErr> {
        let db = manager.get_connection();
        let (own, types) = match db.get_database_backend() {
            DbBackend::Sqlite => (self.0.sqlite, SQLITE_TYPES),
            _ => (self.0.postgres, POSTGRES_TYPES),
        };
        let mut sql = self.0.common.to_owned() + own;
        for (placeholder, real) in types {
            sql = sql.replace(placeholder, real);
        }
        db.execute_unprepared(&sql).await.map(|_| ())
    }
}

pub(crate) async fn run(db: &DatabaseConnection) -> Result<Vec<String>> {
    let lock = db.begin().await;
    let _lock = match db.get_database_backend() {
        DbBackend::Postgres => {
            let tx = lock?;
            tx.execute_raw(Statement::from_sql_and_values(
                DbBackend::Postgres,
                "select pg_advisory_xact_lock($1)",
                [MIGRATION_LOCK.into()],
            ))
            .await?;
            require_pgvector(&tx).await?;
            Some(tx)
        }
        _ => {
            // One connection only: the transaction must be over before the migrator asks for it.
            drop(lock);
            None
        }
    };
    let names = pending(db).await?;
    Migrator::up(db, None).await?;
    Ok(names)
}

pub(crate) async fn pending(db: &DatabaseConnection) -> Result<Vec<String>> {
    let pending = Migrator::get_pending_migrations(db).await?;
    Ok(pending.iter().map(|migration| migration.name().to_owned()).collect())
}

async fn require_pgvector(db: &impl ConnectionTrait) -> Result<()> {
    let found = db
        .query_one_raw(Statement::from_string(
            DbBackend::Postgres,
            "select 1 from pg_available_extensions where name = 'vector'",
        ))
        .await?;
    if found.is_none() {
        return Err(Error::Unusable(
            "this PostgreSQL server has no pgvector extension. Install it there (package postgresql-NN-pgvector, or the image pgvector/pgvector)".to_owned(),
        ));
    }
    Ok(())
}
