//! Integration tests: a whole Parlor in this process, on SQLite, or on PostgreSQL when `PARLOR_TEST_DATABASE_URL` names
//! a server that may create databases.

mod accounts;
mod chats;
mod crash;
mod documents;
mod generations;
mod idempotency;
mod logs;
mod memories;
mod oauth;
mod operations;
mod pages;
mod privacy;
mod requests;
mod support;
