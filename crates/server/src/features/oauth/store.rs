//! Every query of this feature.

use std::time::Duration;

use parlor_db::{
    Tx,
    entities::{identities, oauth_flows},
    sea_orm::{
        ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
        QueryOrder, prelude::Expr,
    },
};
use uuid::Uuid;

pub(super) use parlor_db::entities::{identities::Model as Identity, oauth_flows::Model as Flow};

use super::providers::{Signed, Tokens};
use crate::{app::App, http::Result, secrets::Purpose};

/// So long a finished way can still be told from one that never was.
const KEEP: Duration = Duration::from_secs(86_400);

pub(super) async fn insert_flow(app: &App, flow: Flow) -> Result<()> {
    let tx = app.db.begin().await?;
    oauth_flows::Entity::delete_many()
        .filter(oauth_flows::Column::ExpiresAt.lt(app.clock.now() - KEEP))
        .exec(&tx)
        .await?;
    oauth_flows::Entity::insert(flow.into_active_model().reset_all())
        .exec_without_returning(&tx)
        .await?;
    Ok(tx.commit().await?)
}

pub(super) async fn find_flow(app: &App, state_hash: [u8; 32]) -> Result<Option<Flow>> {
    Ok(oauth_flows::Entity::find()
        .filter(oauth_flows::Column::StateHash.eq(state_hash.to_vec()))
        .one(app.db.read())
        .await?)
}

/// True for the one request whose update finds it unused.
pub(super) async fn use_flow(app: &App, id: Uuid) -> Result<bool> {
    let used = oauth_flows::Entity::update_many()
        .col_expr(oauth_flows::Column::UsedAt, Expr::value(app.clock.now()))
        .filter(oauth_flows::Column::Id.eq(id))
        .filter(oauth_flows::Column::UsedAt.is_null())
        .exec(app.db.write())
        .await?;
    Ok(used.rows_affected == 1)
}

pub(super) async fn find(db: &impl ConnectionTrait, signed: &Signed) -> Result<Option<Identity>> {
    Ok(identities::Entity::find()
        .filter(identities::Column::Issuer.eq(&signed.issuer))
        .filter(identities::Column::Subject.eq(&signed.subject))
        .one(db)
        .await?)
}

pub(super) async fn of_user(db: &impl ConnectionTrait, user_id: Uuid) -> Result<Vec<Identity>> {
    Ok(identities::Entity::find()
        .filter(identities::Column::UserId.eq(user_id))
        .order_by_asc(identities::Column::Id)
        .all(db)
        .await?)
}

pub(super) async fn of_user_at(db: &impl ConnectionTrait, user_id: Uuid, provider: &str) -> Result<Option<Identity>> {
    Ok(identities::Entity::find()
        .filter(identities::Column::UserId.eq(user_id))
        .filter(identities::Column::Provider.eq(provider))
        .one(db)
        .await?)
}

pub(super) async fn others_of_user(db: &impl ConnectionTrait, user_id: Uuid, but: Uuid) -> Result<u64> {
    Ok(identities::Entity::find()
        .filter(identities::Column::UserId.eq(user_id))
        .filter(identities::Column::Id.ne(but))
        .count(db)
        .await?)
}

pub(super) async fn insert(app: &App, tx: &Tx, user_id: Uuid, provider: &str, signed: &Signed) -> Result<Identity> {
    let id = app.ids.next();
    let now = app.clock.now();
    let row = Identity {
        id,
        user_id,
        provider: provider.to_owned(),
        issuer: signed.issuer.clone(),
        subject: signed.subject.clone(),
        email: signed.profile.email.clone(),
        username: signed.profile.username.clone(),
        scopes: signed.tokens.scopes.clone(),
        access_token: Some(seal(app, id, "access_token", &signed.tokens.access)),
        refresh_token: sealed_refresh(app, id, &signed.tokens),
        token_expires_at: signed.tokens.expires_in.map(|seconds| now + life(seconds)),
        created_at: now,
        last_used_at: now,
    };
    identities::Entity::insert(row.clone().into_active_model().reset_all())
        .exec_without_returning(tx)
        .await?;
    Ok(row)
}

/// Notes a login: the provider's words for display, and its newest tokens. The account itself stays as the person has it.
pub(super) async fn update(app: &App, tx: &Tx, id: Uuid, signed: &Signed) -> Result<()> {
    let now = app.clock.now();
    let tokens = &signed.tokens;
    let expires_at = tokens.expires_in.map(|seconds| now + life(seconds));
    let mut query = identities::Entity::update_many()
        .col_expr(identities::Column::Email, Expr::value(signed.profile.email.clone()))
        .col_expr(
            identities::Column::Username,
            Expr::value(signed.profile.username.clone()),
        )
        .col_expr(identities::Column::Scopes, Expr::value(tokens.scopes.clone()))
        .col_expr(
            identities::Column::AccessToken,
            Expr::value(seal(app, id, "access_token", &tokens.access)),
        )
        .col_expr(identities::Column::TokenExpiresAt, Expr::value(expires_at))
        .col_expr(identities::Column::LastUsedAt, Expr::value(now));
    // Many providers give a refresh token the first time only.
    if let Some(refresh) = sealed_refresh(app, id, tokens) {
        query = query.col_expr(identities::Column::RefreshToken, Expr::value(refresh));
    }
    query.filter(identities::Column::Id.eq(id)).exec(tx).await?;
    Ok(())
}

pub(super) async fn delete(tx: &Tx, ids: &[Uuid]) -> Result<()> {
    identities::Entity::delete_many()
        .filter(identities::Column::Id.is_in(ids.to_vec()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Seconds that a provider says, bounded: nothing lives a century.
fn life(seconds: u64) -> Duration {
    Duration::from_secs(seconds.min(100 * 365 * 86_400))
}

/// A token opens in its own row and field only.
pub(super) fn context(identity_id: Uuid, field: &str) -> Vec<u8> {
    [identity_id.as_bytes().as_slice(), field.as_bytes()].concat()
}

fn seal(app: &App, identity_id: Uuid, field: &str, token: &str) -> Vec<u8> {
    app.vault
        .seal(Purpose::Provider, &context(identity_id, field), token.as_bytes())
}

fn sealed_refresh(app: &App, id: Uuid, tokens: &Tokens) -> Option<Vec<u8>> {
    tokens
        .refresh
        .as_deref()
        .map(|token| seal(app, id, "refresh_token", token))
}
