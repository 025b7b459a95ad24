//! What must hold on every node: cached rows that a write makes stale, and how often somebody may try.

mod cache;
pub mod throttle;

pub use cache::Cache;
pub use throttle::Throttle;
