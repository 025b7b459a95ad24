//! What must hold on every node: cached rows that a write makes stale, streams that end with what opened them, and how
//! often somebody may try.

mod cache;
mod streams;
pub mod throttle;

pub use cache::Cache;
pub use streams::{OpenStream, Opener, Streams};
pub use throttle::Throttle;
