//! A second server on the same database, as in a cluster.

use std::net::SocketAddr;

use parlor_server::{
    app::{App, Overrides},
    router::router,
};

use super::{Actor, TestApp};

pub struct Node {
    pub app: App,
    pub base: String,
}

impl Node {
    /// None on SQLite, where a server has its file to itself.
    pub async fn beside(t: &TestApp) -> Option<Self> {
        if t.app.db.is_exclusive() {
            return None;
        }
        let overrides = Overrides {
            clock: t.clock.clone(),
            chat_model: Some(std::sync::Arc::new(t.model.clone())),
            embedder: Some(std::sync::Arc::new(parlor_llm::HashEmbedder)),
            mail_transport: Some(super::mail::memory()),
        };
        let app = App::start(t.app.config.clone(), overrides).await.unwrap();
        let base = serve(&app, router(&app)).await;
        Some(Self { app, base })
    }

    /// Nobody in particular, who asks this server.
    pub fn anon(&self) -> Actor {
        Actor::new(&self.base)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.app.stopping.cancel();
    }
}

/// Serves `routes` on a port of their own, until the app stops.
pub async fn serve(app: &App, routes: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    serve_on(app, routes, listener);
    base
}

pub(super) fn serve_on(app: &App, routes: axum::Router, listener: tokio::net::TcpListener) {
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    let stopping = app.stopping.clone();
    app.spawn(async move {
        let stopped = async move { stopping.cancelled().await };
        axum::serve(listener, service)
            .with_graceful_shutdown(stopped)
            .await
            .unwrap();
    });
}
