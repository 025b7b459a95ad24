//! `Idempotency-Key`: a POST that creates something can be sent again, and creates it once.
//!
//! The answer is stored in the transaction that creates, so that there is no moment in which one exists without the
//! other. Of two equal requests at once the second one fails to insert its key, is undone, and replays the first.

use std::time::Duration;

use axum::{
    extract::{FromRef, FromRequest, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use garde::Validate;
use parlor_db::{
    Owner, Tx,
    entities::idempotency_keys,
    sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, SqlErr},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    auth::Identity,
    error::{Code, Error, Result},
    extract,
};
use crate::{
    app::App,
    secrets::{Purpose, fingerprint},
};

pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A checked JSON body of a request that creates something, and the key under which its answer is kept.
pub struct Create<T> {
    pub body: T,
    pub once: Once,
}

/// Keeps the answer of this request, if the client gave it a key.
#[derive(Clone)]
pub struct Once(Option<Key>);

#[derive(Clone)]
struct Key {
    owner: Owner,
    key: String,
    fingerprint: [u8; 32],
}

/// An answer that was given before.
#[derive(Clone, Debug)]
pub struct Replay {
    pub status: u16,
    pub body: String,
}

/// Why a [`Create`] does not reach its handler.
pub enum Stop {
    Failed(Error),
    Replayed(Replay),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        match self {
            Self::Failed(error) => error.into_response(),
            Self::Replayed(replay) => replay.into_response(),
        }
    }
}

impl IntoResponse for Replay {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::CREATED);
        let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let replayed = (IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        (status, [json, replayed], self.body).into_response()
    }
}

impl<S, T> FromRequest<S> for Create<T>
where
    S: Send + Sync,
    App: FromRef<S>,
    T: DeserializeOwned + Validate<Context = ()>,
{
    type Rejection = Stop;

    async fn from_request(request: Request, state: &S) -> Result<Self, Stop> {
        let app = App::from_ref(state);
        let owner = request
            .extensions()
            .get::<Identity>()
            .ok_or_else(Error::unauthenticated)?
            .owner();
        extract::require_json(request.headers())?;
        let key = key_of(&request)?;
        let target = format!("{} {}\n", request.method(), request.uri().path());
        let bytes = extract::read_body(request, state).await?;
        let key = key.map(|key| Key {
            owner,
            key,
            fingerprint: fingerprint(&[target.as_bytes(), &bytes].concat()),
        });
        if let Some(key) = &key
            && let Some(replay) = find(&app, key).await?
        {
            return Err(Stop::Replayed(replay));
        }
        Ok(Self {
            body: extract::parse(&bytes)?,
            once: Once(key),
        })
    }
}

fn key_of(request: &Request) -> Result<Option<String>> {
    let Some(value) = request.headers().get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() || text.len() > 255 {
        return Err(Error::new(
            Code::MalformedRequest,
            "Idempotency-Key must be 1 to 255 visible ASCII characters.",
        ));
    }
    Ok(Some(text.to_owned()))
}

async fn find(app: &App, key: &Key) -> Result<Option<Replay>> {
    let row = idempotency_keys::Entity::find_by_id((key.owner.id(), key.key.clone()))
        .one(app.db.read())
        .await?;
    let Some(row) = row else { return Ok(None) };
    if row.fingerprint != key.fingerprint {
        return Err(Error::new(
            Code::IdempotencyKeyReused,
            "Use a new key for each new request.",
        ));
    }
    Ok(Some(Replay {
        status: u16::try_from(row.status).unwrap_or(201),
        body: opened(app, key, row.body).await?,
    }))
}

/// How a sealed answer begins; no JSON does.
const SEALED: &str = "sealed:";

async fn opened(app: &App, key: &Key, body: String) -> Result<String> {
    let Some(sealed) = body.strip_prefix(SEALED) else {
        return Ok(body);
    };
    let sealed = BASE64_STANDARD.decode(sealed).map_err(Error::internal)?;
    let plain = app.vault.unseal(Purpose::Replay, &key.context(), &sealed).await;
    String::from_utf8(plain.map_err(Error::internal)?).map_err(Error::internal)
}

impl Key {
    /// Where a sealed answer opens: for this person and this key alone.
    fn context(&self) -> Vec<u8> {
        [self.owner.id().as_bytes(), self.key.as_bytes()].concat()
    }
}

/// How long a key is honoured.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Forgets keys that are older than they are honoured; the job worker calls it from time to time.
///
/// # Errors
/// When the database fails.
pub async fn purge(app: &App) -> Result<()> {
    let old = idempotency_keys::Column::CreatedAt.lt(app.clock.now() - KEPT);
    idempotency_keys::Entity::delete_many()
        .filter(old)
        .exec(app.db.write())
        .await?;
    Ok(())
}

impl Once {
    /// After a failure: the answer that an equal request, which was faster, has stored meanwhile.
    ///
    /// # Errors
    /// The failure itself, when there is none.
    pub async fn earlier(&self, app: &App, failure: Error) -> Result<Replay> {
        match &self.0 {
            Some(key) if failure.code() == Code::Conflict => find(app, key).await?.ok_or(failure),
            _ => Err(failure),
        }
    }

    /// Stores the answer in the transaction that creates.
    ///
    /// # Errors
    /// `conflict` when an equal request is just being answered; the client asks again and gets that answer.
    pub async fn store(&self, app: &App, tx: &Tx, status: StatusCode, body: &impl Serialize) -> Result<()> {
        let Some(key) = &self.0 else { return Ok(()) };
        let body = serde_json::to_string(body).map_err(Error::internal)?;
        key.keep(app, tx, status, body).await
    }

    /// As [`Once::store`], for an answer that shows a secret: the database never has it in the clear.
    ///
    /// # Errors
    /// As [`Once::store`].
    pub async fn store_sealed(&self, app: &App, tx: &Tx, status: StatusCode, body: &impl Serialize) -> Result<()> {
        let Some(key) = &self.0 else { return Ok(()) };
        let plain = serde_json::to_vec(body).map_err(Error::internal)?;
        let sealed = app.vault.seal(Purpose::Replay, &key.context(), &plain);
        let body = format!("{SEALED}{}", BASE64_STANDARD.encode(sealed));
        key.keep(app, tx, status, body).await
    }
}

impl Key {
    async fn keep(&self, app: &App, tx: &Tx, status: StatusCode, body: String) -> Result<()> {
        let row = idempotency_keys::ActiveModel {
            owner_id: Set(self.owner.id()),
            key: Set(self.key.clone()),
            fingerprint: Set(self.fingerprint.to_vec()),
            status: Set(status.as_u16().into()),
            body: Set(body),
            created_at: Set(app.clock.now()),
        };
        match idempotency_keys::Entity::insert(row).exec_without_returning(tx).await {
            Ok(_) => Ok(()),
            Err(e) if matches!(e.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Err(Error::new(
                Code::Conflict,
                "The same request is being answered right now. Ask again in a moment to get its answer.",
            )
            .retry_after(1)),
            Err(e) => Err(e.into()),
        }
    }
}
