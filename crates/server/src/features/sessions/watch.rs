//! Who looks at their list of sessions, and what has changed there; and streams whose session ended on another node.
//!
//! One task per node asks the database: at once when this node has changed something, and every second where other
//! nodes write to the same database. It asks nothing while nobody listens.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::{Session, store};
use crate::{app::App, http::Result, telemetry::metrics};

/// The living sessions of one person, as of one look.
pub(super) type Snapshot = Arc<Vec<Session>>;

#[derive(Default)]
pub(super) struct Watch {
    users: Mutex<HashMap<Uuid, Watched>>,
    /// Looks take turns: an older one must not overwrite a newer one.
    turn: tokio::sync::Mutex<()>,
    wake: Notify,
}

struct Watched {
    snapshot: watch::Sender<Snapshot>,
    /// Something changed since the last look.
    stale: bool,
}

impl Watch {
    fn users(&self) -> MutexGuard<'_, HashMap<Uuid, Watched>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, which: impl Fn(&Uuid, &Watched) -> bool) {
        let mut any = false;
        for (id, watched) in self.users().iter_mut() {
            let stale = which(id, watched);
            watched.stale |= stale;
            any |= stale;
        }
        if any {
            self.wake.notify_one();
        }
    }

    fn set_stale(&self, ids: &[Uuid], stale: bool) {
        let mut users = self.users();
        for id in ids {
            if let Some(watched) = users.get_mut(id) {
                watched.stale = stale;
            }
        }
    }

    /// Those to look at; whom nobody listens to any more is forgotten.
    fn due(&self, all: bool) -> Vec<Uuid> {
        let mut users = self.users();
        users.retain(|_, watched| watched.snapshot.receiver_count() > 0);
        let due = users.iter().filter(|(_, watched)| all || watched.stale);
        due.map(|(id, _)| *id).collect()
    }
}

/// Something about this person's sessions has changed, on this node.
pub(super) fn changed(app: &App, user_id: Uuid) {
    app.sessions.watch.mark(|id, _| *id == user_id);
}

/// These sessions are no more.
pub(super) fn gone(app: &App, ids: &[Uuid]) {
    let holds = |watched: &Watched| {
        watched
            .snapshot
            .borrow()
            .iter()
            .any(|session| ids.contains(&session.id))
    };
    app.sessions.watch.mark(|_, watched| watched.stale || holds(watched));
}

/// The person's sessions as they are now, and every later state.
pub(super) async fn listen(app: &App, user_id: Uuid) -> Result<watch::Receiver<Snapshot>> {
    let mut receiver = {
        let mut users = app.sessions.watch.users();
        let watched = users.entry(user_id).or_insert_with(|| Watched {
            snapshot: watch::Sender::default(),
            stale: false,
        });
        watched.snapshot.subscribe()
    };
    look(app, vec![user_id]).await?;
    receiver.mark_unchanged();
    Ok(receiver)
}

async fn look(app: &App, users: Vec<Uuid>) -> Result<()> {
    if users.is_empty() {
        return Ok(());
    }
    let hub = &app.sessions.watch;
    let _turn = hub.turn.lock().await;
    // From here on a change is for the next look.
    hub.set_stale(&users, false);
    let living = store::living_of(app, &users)
        .await
        .inspect_err(|_| hub.set_stale(&users, true))?;
    let mut found: HashMap<Uuid, Vec<Session>> = HashMap::new();
    for session in living {
        found.entry(session.user_id).or_default().push(session);
    }
    let watched = hub.users();
    for id in users {
        let Some(watched) = watched.get(&id) else { continue };
        let now = Arc::new(found.remove(&id).unwrap_or_default());
        watched.snapshot.send_if_modified(|before| {
            let differs = *before != now;
            if differs {
                *before = now;
            }
            differs
        });
    }
    Ok(())
}

/// How soon a node notices what others have written.
const BEAT: Duration = Duration::from_secs(1);
/// How often it looks where nobody else writes: for sessions whose time ran out.
const CALM: Duration = Duration::from_secs(30);
const CLEAN_EVERY: Duration = Duration::from_secs(3600);

/// Starts the keeper of this node.
pub fn start(app: &App) {
    let keeper = app.clone();
    app.spawn(async move {
        let mut looked = Instant::now();
        let mut cleaned: Option<Instant> = None;
        loop {
            tokio::select! {
                () = keeper.stopping.cancelled() => return,
                () = keeper.sessions.watch.wake.notified() => {}
                () = tokio::time::sleep(BEAT) => {}
            }
            let all = looked.elapsed() >= if keeper.db.is_exclusive() { CALM } else { BEAT * 9 / 10 };
            if all {
                looked = Instant::now();
            }
            if let Err(error) = beat(&keeper, all).await {
                tracing::warn!(cause = ?error.cause(), "the sessions of open streams could not be looked at");
            }
            if cleaned.is_none_or(|at| at.elapsed() > CLEAN_EVERY) {
                cleaned = Some(Instant::now());
                if let Err(error) = store::purge(&keeper).await {
                    tracing::warn!(cause = ?error.cause(), "old sessions could not be removed");
                }
            }
        }
    });
}

async fn beat(app: &App, all: bool) -> Result<()> {
    app.streams.end_expired(app.clock.now());
    metrics::open_streams(app.streams.count());
    if all {
        end_dead_streams(app).await?;
    }
    look(app, app.sessions.watch.due(all)).await
}

/// Ends the streams whose session or key has ended elsewhere.
async fn end_dead_streams(app: &App) -> Result<()> {
    let open = app.streams.openers();
    // PostgreSQL takes at most 65,535 values in a statement.
    for ids in open.chunks(5000) {
        let living = store::living_openers(app, ids).await?;
        let dead: Vec<Uuid> = ids.iter().filter(|id| !living.contains(id)).copied().collect();
        dead.iter().for_each(|id| app.sessions.cache.invalidate(id));
        app.streams.end(&dead);
    }
    Ok(())
}
