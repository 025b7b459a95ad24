//! One file per table. What the columns mean stands in the migrations.

pub mod api_keys;
pub mod audit_events;
pub mod challenges;
pub mod chats;
pub mod data_keys;
pub mod devices;
pub mod email_tokens;
pub mod generation_events;
pub mod generations;
pub mod idempotency_keys;
pub mod identities;
pub mod jobs;
pub mod mails;
pub mod memories;
pub mod messages;
pub mod notices;
pub mod oauth_flows;
pub mod passkeys;
pub mod preferences;
pub mod recovery_codes;
pub mod refresh_tokens;
pub mod sessions;
pub mod signing_keys;
pub mod totp;
pub mod users;
