//! What must hold on every node: cached rows that a write makes stale, and streams that end with what opened them.

mod cache;
mod streams;

pub use cache::Cache;
pub use streams::{OpenStream, Opener, Streams};
