//! Takes what is due and hands it over: several at once, so that a slow one keeps nobody waiting, and each by one node.
//!
//! A mail is handed over at least once. Its lock outlasts any attempt; when this process dies, the lock ends by itself.

use std::time::{Duration, Instant};

use parlor_db::entities::mails;
use tokio::sync::OwnedSemaphorePermit;

use super::{Contents, contents, letter, rules, store, transport, transport::Failure, watch};
use crate::{
    app::App,
    clock::random_bytes,
    http::{Error, Result},
    telemetry::metrics,
};

/// Another node, or a mail whose pause is over.
const IDLE: Duration = Duration::from_secs(5);

/// Starts the worker of this node.
pub fn start(app: &App) {
    watch::start(app);
    let worker = app.clone();
    app.spawn(async move {
        if worker.db.is_exclusive() {
            report(
                store::unlock(&worker).await,
                "mails that a crash left could not be taken over",
            );
        }
        while !worker.stopping.is_cancelled() {
            match round(&worker).await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::error!(?error, "the outbox cannot be read"),
            }
            tokio::select! {
                () = worker.stopping.cancelled() => {}
                () = worker.mailer.wake.notified() => {}
                () = tokio::time::sleep(IDLE) => {}
            }
        }
        worker.mailer.transport.close().await;
    });
}

pub(super) fn report(result: Result<()>, what: &'static str) {
    if let Err(error) = result {
        tracing::error!(?error, "{what}");
    }
}

/// Begins to hand over as many mails as there are free places; says how many.
async fn round(app: &App) -> Result<usize> {
    let free = app.mailer.places.available_permits();
    if free == 0 {
        return Ok(0);
    }
    let lock = Duration::from_secs(app.config.mail.timeout_s + 60);
    let mut begun = 0;
    for row in store::due(app, free).await? {
        let Ok(place) = app.mailer.places.clone().try_acquire_owned() else {
            break;
        };
        if store::take(app, &row, lock).await? {
            app.spawn(hand_over(app.clone(), row, place));
            begun += 1;
        }
    }
    Ok(begun)
}

async fn hand_over(app: App, row: mails::Model, place: OwnedSemaphorePermit) {
    let started = Instant::now();
    let opened = contents(&app, &row).await;
    let kind = match &opened {
        Ok(Some(contents)) => contents.mail.kind(),
        _ => "unreadable",
    };
    let outcome = match opened {
        Ok(Some(contents)) => attempt(&app, &row, &contents).await,
        Ok(None) => Err(Failure::refused("empty", "nothing is left to send")),
        Err(error) => Err(unreadable(&error)),
    };
    metrics::mail_attempt(started.elapsed());
    let settled = settle(&app, &row, kind, outcome).await;
    report(settled, "the outcome of a mail could not be kept; it may be sent again");
    drop(place);
    app.mailer.wake();
}

fn unreadable(error: &Error) -> Failure {
    tracing::error!(?error, "a mail cannot be opened");
    Failure::trouble("unreadable", "its contents cannot be opened; the log says why")
}

async fn attempt(app: &App, row: &mails::Model, contents: &Contents) -> Result<(), Failure> {
    let age = app.clock.now().since(row.created_at);
    if rules::lifetime(&contents.mail).is_some_and(|lifetime| age > lifetime) {
        return Err(Failure::refused("expired", "its link expired before it could be sent"));
    }
    let failed = |error: Error| Failure::trouble("template", &format!("{error:?}"));
    let rendered = super::render(app, &row.locale, contents).map_err(failed)?;
    let name = letter::greeted(&contents.name);
    let message = transport::message(&app.mailer.from, row, name, &rendered)?;
    app.mailer.transport.deliver(&message, row, &rendered.text).await
}

async fn settle(app: &App, row: &mails::Model, kind: &'static str, outcome: Result<(), Failure>) -> Result<()> {
    let attempts = row.attempts + 1;
    let Err(failure) = outcome else {
        app.mailer.health.worked();
        metrics::mail(kind, "sent");
        tracing::info!(mail_id = %row.id, kind, attempts, "mail sent");
        return store::sent(app, row.id, app.mailer.transport.keeps_contents()).await;
    };
    let dead = failure.is_final || attempts >= rules::MAX_ATTEMPTS;
    if !failure.is_final {
        app.mailer.health.failed();
    }
    metrics::mail(kind, if dead { "dead" } else { "retried" });
    // Neither the address nor the server's words, which may repeat it: the outbox has both.
    tracing::warn!(mail_id = %row.id, kind, attempts, dead, reason = failure.reason, "mail not sent");
    let pause = rules::pause(attempts, random_bytes::<1>()[0]);
    let again = (!dead).then(|| app.clock.now() + pause);
    store::failed(app, row.id, &failure, again).await
}
