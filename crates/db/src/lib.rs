//! Storage: entities, migrations and connections, on SQLite and PostgreSQL.
//!
//! Features hold their own queries (`store.rs`); what differs between the two databases stands in [`dialect`] alone.

mod connect;
pub mod dialect;
pub mod entities;
mod migrations;
mod owner;
mod timestamp;

pub use connect::{Connect, Db, Tx};
pub use owner::Owner;
pub use sea_orm;
pub use timestamp::Timestamp;

/// What a storage call can fail with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or failed; the text is for the log, never for a client.
    #[error("database: {0}")]
    Database(#[from] sea_orm::DbErr),
    /// The database is not one that Parlor can use; the text says what to do.
    #[error("{0}")]
    Unusable(String),
}

/// Writes a column only when there is something to write.
pub fn set_if<T: Into<sea_orm::Value>>(value: Option<T>) -> sea_orm::ActiveValue<T> {
    value.map_or(sea_orm::ActiveValue::NotSet, sea_orm::ActiveValue::Set)
}

pub type Result<T> = std::result::Result<T, Error>;
