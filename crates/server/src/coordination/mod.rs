//! What must hold on every node: cached rows that a write makes stale.

mod cache;

pub use cache::Cache;
