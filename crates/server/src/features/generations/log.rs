//! The committer: one durable write for the text of all running answers.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Event, Live, run::Ended, store};
use crate::{app::App, http::Result, telemetry::metrics};

/// Entries that may wait; a run that finds it full waits itself.
pub(super) const CAPACITY: usize = 16_384;
const AT_ONCE: usize = 8_192;
const ATTEMPTS: u32 = 6;

pub type LogInbox = mpsc::Receiver<Append>;

/// What a run has to say.
pub struct Append {
    pub(super) live: Arc<Live>,
    pub(super) entry: Entry,
}

pub(super) enum Entry {
    Event(&'static str, String),
    Text(String),
    /// The run is over: the message gets its text and its state in the same transaction.
    End(Box<Ended>),
}

/// One answer's share of a batch.
struct Share {
    live: Arc<Live>,
    events: Vec<Arc<Event>>,
    end: Option<Box<Ended>>,
}

pub(super) fn start(app: &App, inbox: LogInbox) {
    let app = app.clone();
    app.clone().spawn(commit_all(app, inbox));
}

async fn commit_all(app: App, mut inbox: LogInbox) {
    let interval = Duration::from_millis(app.config.generations.flush_interval_ms);
    let mut next = tokio::time::Instant::now();
    let mut batch = Vec::new();
    loop {
        let received = tokio::select! {
            received = inbox.recv() => received,
            // Nobody can write any more when the server has drained.
            () = app.stopping.cancelled(), if app.generations.running() == 0 => None,
        };
        let Some(first) = received else { return };
        batch.push(first);
        tokio::time::sleep_until(next).await;
        while batch.len() < AT_ONCE
            && let Ok(more) = inbox.try_recv()
        {
            batch.push(more);
        }
        let shares = divide(std::mem::take(&mut batch));
        commit(&app, shares).await;
        next = tokio::time::Instant::now() + interval;
    }
}

/// Sorts a batch by answer; pieces of text that follow each other become one event.
fn divide(batch: Vec<Append>) -> Vec<Share> {
    let mut order: Vec<(Arc<Live>, Vec<Entry>)> = Vec::new();
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    for Append { live, entry } in batch {
        let place = *places.entry(live.message_id).or_insert_with(|| {
            order.push((live, Vec::new()));
            order.len() - 1
        });
        order[place].1.push(entry);
    }
    order.into_iter().map(|(live, entries)| share(live, entries)).collect()
}

fn share(live: Arc<Live>, entries: Vec<Entry>) -> Share {
    let mut events = Vec::new();
    let mut text = String::new();
    let mut end = None;
    for entry in entries {
        if let Entry::Text(more) = entry {
            text.push_str(&more);
            continue;
        }
        push_text(&mut events, &mut text);
        match entry {
            Entry::Event(kind, data) => events.push((kind, data)),
            Entry::End(ended) => {
                events.extend(ended.events());
                end = Some(ended);
            }
            Entry::Text(_) => {}
        }
    }
    push_text(&mut events, &mut text);
    Share {
        events: live.prepare(events),
        live,
        end,
    }
}

fn push_text(events: &mut Vec<(&'static str, String)>, text: &mut String) {
    if !text.is_empty() {
        events.push(("delta", serde_json::json!({ "text": std::mem::take(text) }).to_string()));
    }
}

/// Writes a batch, all answers in one transaction. When that fails, each alone: one bad row must not end them all.
async fn commit(app: &App, shares: Vec<Share>) {
    let started = Instant::now();
    let mut groups = vec![shares];
    for attempt in 1..=ATTEMPTS {
        let mut left = Vec::new();
        for group in groups {
            match write(app, &group).await {
                Ok(()) => group.iter().for_each(|share| publish(app, share)),
                Err(error) => {
                    tracing::error!(attempt, cause = ?error.cause(), "the text of running answers could not be written");
                    left.extend(group);
                }
            }
        }
        if left.is_empty() {
            metrics::log_commit(started.elapsed());
            return;
        }
        groups = left.into_iter().map(|share| vec![share]).collect();
        tokio::time::sleep(Duration::from_millis(50 << attempt)).await;
    }
    groups.iter().flatten().for_each(|share| give_up(app, &share.live));
}

async fn write(app: &App, shares: &[Share]) -> Result<()> {
    let tx = app.db.begin().await?;
    let mut rows = Vec::new();
    for share in shares {
        rows.extend(
            share
                .events
                .iter()
                .map(|event| store::row(share.live.message_id, event)),
        );
    }
    store::append_all(&tx, rows).await?;
    for share in shares {
        if let Some(ended) = &share.end {
            ended.write(app, &tx).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

fn publish(app: &App, share: &Share) {
    let last = share.end.is_some();
    if let Some(ended) = &share.end {
        app.generations.live().remove(&share.live.message_id);
        ended.announce(app);
    }
    share.live.publish(share.events.clone(), last);
}

/// The storage does not take it: readers are let go, and the lease lets the answer end as interrupted.
fn give_up(app: &App, live: &Arc<Live>) {
    live.interrupt();
    app.generations.live().remove(&live.message_id);
    live.publish(Vec::new(), true);
}
