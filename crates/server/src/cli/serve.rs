//! `parlor serve`

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use axum::serve::ListenerExt;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::Instant,
};

use crate::{
    app::{App, Overrides},
    config::Config,
    control,
    features::generations,
    router::router,
    telemetry::metrics,
};

pub(super) fn run() -> anyhow::Result<()> {
    let config = super::load()?;
    super::block_on(serve(config))
}

async fn serve(mut config: Config) -> anyhow::Result<()> {
    metrics::start();
    let bind = config.bind;
    // Before anything else: whoever is second learns it at once.
    let listener = TcpListener::bind(bind).await.with_context(|| {
        format!("cannot listen on {bind}. Stop what does, or choose another address with PARLOR_BIND")
    })?;
    if bind.port() == 0 {
        // The system chose a port; links must name that one.
        config.public_url = config
            .public_url
            .replace(":0", &format!(":{}", listener.local_addr()?.port()));
    }
    let app = App::start(config, Overrides::default()).await?;
    control::listen(&app).await;
    tracing::info!(address = %listener.local_addr()?, url = app.config.public_url, "serving");
    listen(&app, listener).await
}

async fn listen(app: &App, listener: TcpListener) -> anyhow::Result<()> {
    // Small writes of a stream must not wait for each other.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
    });
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let stopping = app.stopping.clone();
    let server = axum::serve(listener, service)
        .with_graceful_shutdown(async move { stopping.cancelled().await })
        .into_future();
    let stop = stop(app);
    tokio::pin!(server);
    tokio::select! {
        result = &mut server => result.context("the listener failed")?,
        deadline = stop => {
            // Open streams end when their answers do; idle ones are cut at the deadline.
            let _ = tokio::time::timeout_at(deadline + Duration::from_millis(500), &mut server).await;
        }
    }
    app.tasks.close();
    let _ = tokio::time::timeout(Duration::from_secs(5), app.tasks.wait()).await;
    app.db.clone().close().await?;
    tracing::info!("stopped");
    Ok(())
}

/// Waits for a signal, then drains: no new connections, answers end or are kept as interrupted. A second signal exits
/// at once.
async fn stop(app: &App) -> Instant {
    wait_for_signal().await;
    let grace = Duration::from_secs(app.config.http.shutdown_grace_s);
    let deadline = Instant::now() + grace;
    tracing::info!(
        running_answers = app.generations.running(),
        grace_s = grace.as_secs(),
        "stopping"
    );
    app.stopping.cancel();
    tokio::select! {
        () = generations::drain(app, deadline) => {}
        () = wait_for_signal() => {
            tracing::warn!("stopped at once by a second signal");
            std::process::exit(130);
        }
    }
    deadline
}

async fn wait_for_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
