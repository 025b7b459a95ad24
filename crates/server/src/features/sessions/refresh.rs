//! Refresh tokens: opaque, kept as a hash, exchanged for the next one at every use (RFC 9700, 4.14.2).
//!
//! A token that comes a second time was stolen, or its first answer was lost, or two tabs had the same idea. Nobody can
//! tell these apart at once, but time can: within a short grace, and while nobody has used the next token, the second
//! use gets that same next token. Later the session ends. The next token is a keyed hash of this one, so it can be given
//! again without being kept anywhere.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use parlor_db::{
    Timestamp, Tx,
    entities::{refresh_tokens, sessions},
    sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, prelude::Expr},
};
use serde_json::json;
use uuid::Uuid;

use super::{Session, Tokens, issue, lives, new_secret};
use crate::{
    app::App,
    features::{
        accounts,
        audit::{self, Event},
    },
    http::{Code, Error, Result},
    mail::{self, Mail, Recipient},
    secrets::{Purpose, fingerprint},
    telemetry::metrics,
};

const REUSED: &str = "refresh_token_reused";

/// The first token of a session, as part of the transaction that begins it.
pub(super) async fn first(app: &App, tx: &Tx, session: &Session) -> Result<String> {
    let token = new_secret();
    insert(app, tx, session, app.ids.next(), &token).await?;
    Ok(token)
}

async fn insert(app: &App, tx: &Tx, session: &Session, id: Uuid, token: &str) -> Result<()> {
    let row = refresh_tokens::ActiveModel {
        id: Set(id),
        session_id: Set(session.id),
        token_hash: Set(fingerprint(token.as_bytes()).to_vec()),
        created_at: Set(app.clock.now()),
        // Using it makes nothing last longer.
        expires_at: Set(session.expires_at),
        used_at: Set(None),
        child_id: Set(None),
    };
    refresh_tokens::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// The one token that `parent` is ever exchanged for.
fn child_of(app: &App, parent: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(app.vault.tag(Purpose::RefreshToken, parent.as_bytes()))
}

/// Where the use of a token leads.
enum Outcome {
    /// The next token, and whether it was given before.
    Next {
        session: Box<Session>,
        repeated: bool,
    },
    Reused(Box<Session>),
    Ended,
    Unknown,
}

/// The next pair of tokens, for one that is good.
///
/// # Errors
/// `unauthenticated`, `session_revoked`, `refresh_token_reused`.
pub(super) async fn exchange(app: &App, token: &str) -> Result<Tokens> {
    let (own, parent, next) = (app.clone(), token.to_owned(), child_of(app, token));
    let child = next.clone();
    // A client that hangs up must not keep a stolen session alive.
    let outcome = app.to_the_end(async move {
        let outcome = present(&own, &parent, &child).await?;
        if let Outcome::Reused(session) = &outcome {
            end_for_safety(&own, session).await?;
        }
        Ok(outcome)
    });
    let (label, answer) = match outcome.await? {
        Outcome::Next { session, repeated } => {
            let label = if repeated { "repeated" } else { "exchanged" };
            (label, issue(app, &session, next))
        }
        Outcome::Reused(_) => {
            let detail = "Its session has ended, to be safe. Log in again.";
            ("reused", Err(Error::new(Code::RefreshTokenReused, detail)))
        }
        Outcome::Ended => ("refused", Err(Error::new(Code::SessionRevoked, "Log in again."))),
        Outcome::Unknown => ("refused", Err(Error::new(Code::Unauthenticated, "Log in again."))),
    };
    metrics::token_refresh(label);
    answer
}

async fn present(app: &App, token: &str, child: &str) -> Result<Outcome> {
    // Guesses end here, without a turn at the writer.
    let Some(row) = find(app.db.read(), token).await? else {
        return Ok(Outcome::Unknown);
    };
    let tx = app.db.begin().await?;
    let Some(session) = sessions::Entity::find_by_id(row.session_id).one(&tx).await? else {
        return Ok(Outcome::Unknown);
    };
    let alive = lives(app, &session);
    let child_id = app.ids.next();
    if alive && use_up(app, &tx, row.id, child_id).await? {
        insert(app, &tx, &session, child_id, child).await?;
        tx.commit().await?;
        let session = Box::new(session);
        return Ok(Outcome::Next {
            session,
            repeated: false,
        });
    }
    let used = used(&tx, token, child).await?;
    let grace = Duration::from_secs(u64::from(app.config.sessions.refresh_grace_s));
    let session = Box::new(session);
    Ok(match judge(alive, used.as_ref(), app.clock.now(), grace) {
        Verdict::Repeat => Outcome::Next {
            session,
            repeated: true,
        },
        Verdict::Reused => Outcome::Reused(session),
        Verdict::Ended => Outcome::Ended,
    })
}

async fn find(db: &impl ConnectionTrait, token: &str) -> Result<Option<refresh_tokens::Model>> {
    let hash = fingerprint(token.as_bytes()).to_vec();
    let query = refresh_tokens::Entity::find().filter(refresh_tokens::Column::TokenHash.eq(hash));
    Ok(query.one(db).await?)
}

/// True for the one exchange that finds the token unused. Another one at the same time waits here for its end.
async fn use_up(app: &App, tx: &Tx, id: Uuid, child_id: Uuid) -> Result<bool> {
    let used = refresh_tokens::Entity::update_many()
        .col_expr(refresh_tokens::Column::UsedAt, Expr::value(app.clock.now()))
        .col_expr(refresh_tokens::Column::ChildId, Expr::value(child_id))
        .filter(refresh_tokens::Column::Id.eq(id))
        .filter(refresh_tokens::Column::UsedAt.is_null());
    Ok(used.exec(tx).await?.rows_affected == 1)
}

/// An earlier use of a token.
struct Used {
    at: Timestamp,
    /// Whether the token that was given for it is still unused, and is the one we would give now.
    child_waits: bool,
}

async fn used(tx: &Tx, token: &str, child: &str) -> Result<Option<Used>> {
    let Some((at, row)) = find(tx, token).await?.and_then(|row| Some((row.used_at?, row))) else {
        return Ok(None);
    };
    let given = find(tx, child).await?;
    let child_waits = given.is_some_and(|given| Some(given.id) == row.child_id && given.used_at.is_none());
    Ok(Some(Used { at, child_waits }))
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The same next token again.
    Repeat,
    /// Somebody else has it.
    Reused,
    Ended,
}

/// What to make of a token that could not be used up; `alive` is its session.
fn judge(alive: bool, used: Option<&Used>, now: Timestamp, grace: Duration) -> Verdict {
    match used {
        Some(used) if !used.child_waits || now.since(used.at) > grace => Verdict::Reused,
        Some(_) if alive => Verdict::Repeat,
        _ => Verdict::Ended,
    }
}

/// Ends the session of a token that came twice, and tells its person: once, however often it comes.
async fn end_for_safety(app: &App, session: &Session) -> Result<()> {
    let user = accounts::find(app, session.user_id).await?;
    let tx = app.db.begin().await?;
    let ended = sessions::Entity::update_many()
        .col_expr(sessions::Column::RevokedAt, Expr::value(app.clock.now()))
        .col_expr(sessions::Column::RevokedReason, Expr::value(REUSED))
        .filter(sessions::Column::Id.eq(session.id))
        .filter(sessions::Column::RevokedAt.is_null())
        .exec(&tx)
        .await?;
    if ended.rows_affected == 0 {
        return Ok(());
    }
    let event = Event {
        session_id: Some(session.id),
        data: json!({ "reason": REUSED }),
        ..Event::own(session.user_id, "session.ended_for_safety")
    };
    audit::record(app, &tx, event).await?;
    if let Some(user) = user {
        let sessions = format!("{}/{}/sessions", app.config.public_url, user.locale);
        let mail = Mail::SessionEndedForSafety { sessions };
        mail::enqueue(app, &tx, &Recipient::from(&*user), &mail).await?;
    }
    tx.commit().await?;
    app.mailer.wake();
    tracing::warn!(session_id = %session.id, "a refresh token was used twice; its session has ended");
    // The row has ended already: this makes it felt at once.
    super::end(app, session.id, REUSED).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ses_8_only_a_young_repetition_whose_child_waits_is_forgiven() {
        let at = Timestamp::from_micros(1_700_000_000_000_000);
        let grace = Duration::from_secs(10);
        let verdict = |alive, child_waits, after: u64| {
            let used = Used { at, child_waits };
            judge(alive, Some(&used), at + Duration::from_secs(after), grace)
        };
        assert_eq!(verdict(true, true, 0), Verdict::Repeat);
        assert_eq!(verdict(true, true, 10), Verdict::Repeat);
        assert_eq!(verdict(true, true, 11), Verdict::Reused);
        assert_eq!(verdict(true, false, 0), Verdict::Reused);
        assert_eq!(verdict(false, true, 0), Verdict::Ended);
        assert_eq!(verdict(false, true, 11), Verdict::Reused);
        assert_eq!(judge(false, None, at, grace), Verdict::Ended);
    }
}
