//! The product: one folder per noun a user would say.
//!
//! A feature may call what another one's `mod.rs` offers, never its store or handlers.

pub mod accounts;
pub mod api_keys;
pub mod audit;
pub mod chats;
pub mod generations;
pub mod health;
pub mod memories;
pub mod notices;
pub mod oauth;
pub mod second_factors;
pub mod sessions;
