//! Integration tests: a whole Parlor in this process, on SQLite, or on PostgreSQL when `PARLOR_TEST_DATABASE_URL` names
//! a server that may create databases.

mod accounts;
mod api_keys;
mod chats;
mod crash;
mod documents;
mod generations;
mod idempotency;
mod keys;
mod logs;
mod mail;
mod matrix;
mod memories;
mod operations;
mod pages;
mod refresh;
mod requests;
mod session_pages;
mod sessions;
mod step_up;
mod support;
mod tokens;
