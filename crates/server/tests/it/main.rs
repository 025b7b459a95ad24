//! Integration tests: a whole Parlor in this process, on SQLite, or on PostgreSQL when `PARLOR_TEST_DATABASE_URL` names
//! a server that may create databases.

mod account_changes;
mod account_commands;
mod account_pages;
mod accounts;
mod api_keys;
mod chats;
mod crash;
mod documents;
mod generations;
mod idempotency;
mod keys;
mod letters;
mod logs;
mod mail;
mod matrix;
mod memories;
mod oauth;
mod operations;
mod pages;
mod recovery;
mod refresh;
mod requests;
mod second_factors;
mod session_pages;
mod sessions;
mod step_up;
mod support;
mod throttle;
mod timing;
mod tokens;
mod verification;
