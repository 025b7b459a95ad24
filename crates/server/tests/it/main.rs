//! Integration tests: a whole Parlor in this process, on SQLite, or on PostgreSQL when `PARLOR_TEST_DATABASE_URL` names
//! a server that may create databases.

mod account_changes;
mod account_commands;
mod account_pages;
mod accounts;
mod chats;
mod crash;
mod documents;
mod generations;
mod idempotency;
mod letters;
mod logs;
mod memories;
mod operations;
mod pages;
mod privacy;
mod recovery;
mod requests;
mod support;
mod throttle;
mod timing;
mod verification;
