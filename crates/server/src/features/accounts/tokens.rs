//! Tokens that travel by mail: 256 random bits, of which only the SHA-256 is kept, good for one use within a while.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use parlor_db::{
    Tx,
    entities::email_tokens,
    sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, prelude::Expr},
};
use uuid::Uuid;

use crate::{
    app::App,
    clock::random_bytes,
    http::{Code, Error, Result},
    secrets::fingerprint,
};

pub(super) use email_tokens::Model as Token;

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    VerifyEmail,
    ResetPassword,
    ChangeEmail,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::ChangeEmail => "change_email",
        }
    }

    /// How long it works.
    pub(super) fn life(self, app: &App) -> Duration {
        let accounts = &app.config.accounts;
        match self {
            Self::ResetPassword => Duration::from_secs(u64::from(accounts.reset_token_minutes) * 60),
            Self::VerifyEmail | Self::ChangeEmail => Duration::from_secs(u64::from(accounts.verify_token_hours) * 3600),
        }
    }
}

/// Why a token does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such token.
    Unknown,
    Expired,
    Used,
    /// A newer mail, or a changed password, made it void.
    Replaced,
}

impl Refusal {
    fn of(token: &Token, app: &App) -> Option<Self> {
        match token {
            Token { used_at: Some(_), .. } => Some(Self::Used),
            Token { voided_at: Some(_), .. } => Some(Self::Replaced),
            token if token.expires_at <= app.clock.now() => Some(Self::Expired),
            _ => None,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let (code, reason, detail) = match refusal {
            Refusal::Unknown => (
                Code::EmailTokenInvalid,
                "unknown",
                "Copy the whole link from the mail, or ask for a new one.",
            ),
            Refusal::Expired => (Code::EmailTokenExpired, "expired", "Ask for a new mail."),
            Refusal::Used => (
                Code::EmailTokenInvalid,
                "used",
                "The link was used before, and works only once. Ask for a new mail if you still need one.",
            ),
            Refusal::Replaced => (
                Code::EmailTokenInvalid,
                "replaced",
                "A newer link took its place: open the latest mail, or ask for a new one.",
            ),
        };
        Self::new(code, detail).with("reason", reason.into())
    }
}

/// A use case that a token opens: the token may refuse, and the rest may fail.
pub(super) type Redeemed<T> = Result<std::result::Result<T, Refusal>>;

/// A new token that proves `email`; older ones for the same end are void from now on.
pub(super) async fn issue(app: &App, tx: &Tx, user_id: Uuid, purpose: Purpose, email: &str) -> Result<String> {
    let now = app.clock.now();
    void(app, tx, user_id, Some(purpose)).await?;
    let secret = BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<32>());
    let row = email_tokens::ActiveModel {
        id: Set(app.ids.next()),
        user_id: Set(user_id),
        purpose: Set(purpose.as_str().to_owned()),
        token_hash: Set(fingerprint(secret.as_bytes()).to_vec()),
        email: Set(email.to_owned()),
        created_at: Set(now),
        expires_at: Set(now + purpose.life(app)),
        used_at: Set(None),
        voided_at: Set(None),
    };
    email_tokens::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(secret)
}

/// Makes the person's open tokens void: those for one end, or all.
pub(super) async fn void(app: &App, tx: &Tx, user_id: Uuid, purpose: Option<Purpose>) -> Result<()> {
    let mut query = email_tokens::Entity::update_many()
        .col_expr(email_tokens::Column::VoidedAt, Expr::value(app.clock.now()))
        .filter(email_tokens::Column::UserId.eq(user_id))
        .filter(email_tokens::Column::UsedAt.is_null())
        .filter(email_tokens::Column::VoidedAt.is_null());
    if let Some(purpose) = purpose {
        query = query.filter(email_tokens::Column::Purpose.eq(purpose.as_str()));
    }
    query.exec(tx).await?;
    Ok(())
}

/// Looks at a token without using it.
pub(super) async fn look(app: &App, db: &impl ConnectionTrait, purpose: Purpose, token: &str) -> Redeemed<Token> {
    let found = email_tokens::Entity::find()
        .filter(hash_is(token))
        .filter(email_tokens::Column::Purpose.eq(purpose.as_str()))
        .one(db)
        .await?;
    Ok(match found {
        None => Err(Refusal::Unknown),
        Some(token) => match Refusal::of(&token, app) {
            Some(refusal) => Err(refusal),
            None => Ok(token),
        },
    })
}

/// Uses a token up as part of `tx`. Of many uses at once only one finds it unused.
pub(super) async fn redeem(app: &App, tx: &Tx, purpose: Purpose, token: &str) -> Redeemed<Token> {
    let token = match look(app, tx, purpose, token).await? {
        Ok(token) => token,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let used = email_tokens::Entity::update_many()
        .col_expr(email_tokens::Column::UsedAt, Expr::value(app.clock.now()))
        .filter(email_tokens::Column::Id.eq(token.id))
        .filter(email_tokens::Column::UsedAt.is_null())
        .filter(email_tokens::Column::VoidedAt.is_null())
        .exec(tx)
        .await?;
    Ok(if used.rows_affected == 1 {
        Ok(token)
    } else {
        Err(Refusal::Used)
    })
}

/// Whose token it is, whatever has become of it: their language is that of the page.
pub(super) async fn owner(app: &App, token: &str) -> Result<Option<Uuid>> {
    let query = email_tokens::Entity::find().filter(hash_is(token));
    Ok(query.one(app.db.read()).await?.map(|token| token.user_id))
}

fn hash_is(token: &str) -> parlor_db::sea_orm::sea_query::SimpleExpr {
    email_tokens::Column::TokenHash.eq(fingerprint(token.as_bytes()).to_vec())
}
