//! The one place that makes HTTP clients.

/// Starts a client with the process's TLS provider in place. The caller sets its timeouts.
pub fn client() -> reqwest::ClientBuilder {
    // Fails only when someone installed a provider before us, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}
