//! One file per table. What the columns mean stands in the migrations.

pub mod chats;
pub mod generation_events;
pub mod generations;
pub mod idempotency_keys;
pub mod jobs;
pub mod memories;
pub mod messages;
pub mod preferences;
pub mod refresh_tokens;
pub mod sessions;
pub mod users;
