//! The memory engine: what is worth keeping of what a person says, how it is found again, and how it enters a prompt.
//!
//! Pure functions over text and numbers: no SQL, no HTTP, no model calls, no clock.

mod clean;
mod cues;
mod gate;
mod query;
mod rank;
mod render;
mod secrets;
mod stop_words;
mod text;

pub use gate::{Kind, Reason, Verdict, gate};
pub use query::first_person;
pub use rank::{Candidate, Parts, Ranked, Weights, cosine, rank};
pub use render::{Recalled, render};
pub use text::{estimate_tokens, terms};
