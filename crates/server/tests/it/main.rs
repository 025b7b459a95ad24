//! Integration tests: a whole Parlor in this process, on SQLite, or on PostgreSQL when `PARLOR_TEST_DATABASE_URL` names
//! a server that may create databases.

mod accounts;
mod api_keys;
mod chats;
mod crash;
mod documents;
mod generations;
mod idempotency;
mod logs;
mod matrix;
mod memories;
mod operations;
mod pages;
mod requests;
mod support;
