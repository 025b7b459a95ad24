//! Parlor: multi-user AI chat that remembers.
//!
//! [`router`] is the table of contents; the product is in [`features`], one folder per noun.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod coordination;
pub mod features;
pub mod http;
pub mod jobs;
pub mod mail;
pub mod router;
pub mod secrets;
pub mod telemetry;
pub mod ui;

pub use app::App;

/// Chooses the TLS implementation of this process; again is without effect.
pub fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
