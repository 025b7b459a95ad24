//! Looks at the outbox as a whole: its figures, unusual volume, and what can be thrown away.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::{
    store::{self, DEAD, SENT},
    worker::report,
};
use crate::{app::App, http::Result, telemetry::metrics};

const EVERY: Duration = Duration::from_secs(15);
/// In rounds of [`EVERY`]: an hour.
const PURGE_EVERY: u32 = 240;
const KEEP_SENT: Duration = Duration::from_secs(30 * 86_400);
const KEEP_DEAD: Duration = Duration::from_secs(90 * 86_400);

/// What volume is looked at together.
const WINDOW: Duration = Duration::from_secs(600);
/// More mails than this to one address within the window are unusual (the mails of a busy evening in the settings are
/// not).
const MOST_TO_ONE: i64 = 12;
/// More mails than this at all within the window are unusual.
const MOST_AT_ALL: i64 = 300;

pub(super) fn start(app: &App) {
    let watcher = app.clone();
    app.spawn(async move {
        for round in 0_u32.. {
            report(look(&watcher).await, "the outbox cannot be looked at");
            if round.is_multiple_of(PURGE_EVERY) {
                report(purge(&watcher).await, "old mails could not be removed");
            }
            tokio::select! {
                () = watcher.stopping.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    });
}

async fn purge(app: &App) -> Result<()> {
    store::purge(app, SENT, KEEP_SENT).await?;
    store::purge(app, DEAD, KEEP_DEAD).await
}

/// Measures the queue, and raises a security event when mail is unusually much.
///
/// # Errors
/// When the database fails.
pub async fn look(app: &App) -> Result<()> {
    let now = app.clock.now();
    let figures = store::figures(app).await?;
    let age = figures.oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
    metrics::mail_queue(figures.queued, age);
    metrics::mail_delivery(figures.sent, figures.dead);
    let (all, most) = store::volume(app, now - WINDOW).await?;
    if all <= MOST_AT_ALL && most <= MOST_TO_ONE {
        app.mailer.health.burst_ended();
    } else if app.mailer.health.burst_began() {
        metrics::security_event("mail_burst");
        tracing::warn!(
            event = "mail_burst",
            mails = all,
            most_to_one_address = most,
            window_s = WINDOW.as_secs(),
            "unusually many mails: somebody may be using a form to flood a mailbox"
        );
    }
    Ok(())
}

/// How the last attempts went.
#[derive(Default)]
pub(super) struct Health {
    failures_in_a_row: AtomicU32,
    bursts: AtomicU32,
}

/// One bad answer can be about one mailbox; three in a row are about the server.
const TROUBLE: u32 = 3;

impl Health {
    pub(super) fn worked(&self) {
        self.failures_in_a_row.store(0, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failures_in_a_row.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn is_well(&self) -> bool {
        self.failures_in_a_row.load(Ordering::Relaxed) < TROUBLE
    }

    /// True when it was not one already: a burst is one event, however long it lasts.
    fn burst_began(&self) -> bool {
        self.bursts.swap(1, Ordering::Relaxed) == 0
    }

    fn burst_ended(&self) {
        self.bursts.store(0, Ordering::Relaxed);
    }
}
