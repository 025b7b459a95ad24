use serde::Deserialize;

use super::Secret;

/// `PARLOR_DATABASE_*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `PARLOR_DATABASE_URL` or `DATABASE_URL`: `postgres://…`, `sqlite:…`, or empty for one SQLite file in the data
    /// folder.
    pub url: Secret,
    /// `PARLOR_DATABASE_MAX_CONNECTIONS`.
    pub max_connections: u32,
    /// `PARLOR_DATABASE_ACQUIRE_TIMEOUT_S`: seconds.
    pub acquire_timeout_s: u64,
}

impl Database {
    /// Whether the data lives in PostgreSQL rather than in SQLite.
    pub fn is_postgres(&self) -> bool {
        self.url.expose().starts_with("postgres")
    }
}
