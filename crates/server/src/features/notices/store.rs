//! Every query of this feature.

use parlor_db::{
    entities::notices,
    sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Expr},
};
use uuid::Uuid;

use super::Notice;
use crate::{
    app::App,
    http::{Error, Result},
};

/// So many stand on a page at most; the rest follows when these are put away.
const SHOWN: u64 = 3;

pub(super) async fn unseen(app: &App, user_id: Uuid) -> Result<Vec<Notice>> {
    Ok(notices::Entity::find()
        .filter(notices::Column::UserId.eq(user_id))
        .filter(notices::Column::SeenAt.is_null())
        .order_by_desc(notices::Column::Id)
        .limit(SHOWN)
        .all(app.db.read())
        .await?)
}

/// Newest first.
pub(super) async fn list(app: &App, user_id: Uuid, before: Option<Uuid>, limit: u64) -> Result<Vec<Notice>> {
    let mut query = notices::Entity::find().filter(notices::Column::UserId.eq(user_id));
    if let Some(before) = before {
        query = query.filter(notices::Column::Id.lt(before));
    }
    Ok(query
        .order_by_desc(notices::Column::Id)
        .limit(limit)
        .all(app.db.read())
        .await?)
}

/// Again is without effect.
pub(super) async fn mark_seen(app: &App, user_id: Uuid, id: Uuid) -> Result<()> {
    let now = app.clock.now();
    let seen = Expr::col(notices::Column::SeenAt).if_null(now);
    let marked = notices::Entity::update_many()
        .col_expr(notices::Column::SeenAt, seen)
        .filter(notices::Column::Id.eq(id))
        .filter(notices::Column::UserId.eq(user_id))
        .exec(app.db.write())
        .await?;
    if marked.rows_affected == 0 {
        return Err(Error::not_found());
    }
    Ok(())
}
