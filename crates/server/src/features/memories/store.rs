//! Every query of this feature.

use std::collections::{HashMap, HashSet};

use parlor_db::{
    Owner, Timestamp, Tx,
    dialect::{self, Kind as Indexed, Match},
    entities::memories,
    sea_orm::{
        ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
        QueryOrder, QuerySelect, prelude::Expr,
    },
};
use parlor_memory::Kind;
use uuid::Uuid;

use super::Memory;
use crate::{app::App, http::Result, secrets::fingerprint};

/// A memory to be stored.
pub struct New {
    pub kind: Kind,
    pub content: String,
    pub importance: f64,
    pub confidence: f64,
    pub occurred_at: Timestamp,
    /// The chat and the message that it comes from.
    pub source: Option<(Uuid, Uuid)>,
}

/// Two statements that differ in case and spaces only are one.
fn content_hash(content: &str) -> Vec<u8> {
    let normalised = content.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    fingerprint(normalised.as_bytes()).to_vec()
}

/// Stores what the owner does not have yet; answers what is new.
pub(super) async fn insert(app: &App, tx: &Tx, owner: Owner, new: Vec<New>) -> Result<Vec<Memory>> {
    let now = app.clock.now();
    let row = |new: New| Memory {
        id: app.ids.next(),
        owner_id: owner.id(),
        kind: new.kind.as_str().to_owned(),
        content_hash: content_hash(&new.content),
        content: new.content,
        importance: new.importance,
        confidence: new.confidence,
        occurred_at: new.occurred_at,
        valid_from: Some(new.occurred_at),
        valid_to: None,
        superseded_by: None,
        source_chat_id: new.source.map(|(chat, _)| chat),
        source_message_id: new.source.map(|(_, message)| message),
        created_at: now,
        last_accessed_at: None,
        access_count: 0,
    };
    let mut rows: Vec<Memory> = new.into_iter().map(row).collect();
    // Two messages at once may say the same; the second must see what the first has stored.
    dialect::serialise(tx, &format!("memories of {}", owner.id())).await?;
    let mut seen = known_hashes(tx, owner, &rows).await?;
    rows.retain(|row| seen.insert(row.content_hash.clone()));
    if rows.is_empty() {
        return Ok(rows);
    }
    let models = rows.iter().map(|row| row.clone().into_active_model().reset_all());
    memories::Entity::insert_many(models).exec_without_returning(tx).await?;
    for row in &rows {
        let terms = parlor_memory::terms(&row.content);
        let document = dialect::Document {
            id: row.id,
            kind: Indexed::Memory,
            chat_id: None,
            terms: &terms,
        };
        dialect::index(tx, owner, document).await?;
    }
    Ok(rows)
}

async fn known_hashes(tx: &Tx, owner: Owner, rows: &[Memory]) -> Result<HashSet<Vec<u8>>> {
    let hashes = rows.iter().map(|row| row.content_hash.clone());
    let query = memories::Entity::find()
        .select_only()
        .column(memories::Column::ContentHash);
    let query = query.filter(memories::Column::OwnerId.eq(owner.id()));
    let known: Vec<Vec<u8>> = query
        .filter(memories::Column::ContentHash.is_in(hashes))
        .into_tuple()
        .all(tx)
        .await?;
    Ok(known.into_iter().collect())
}

pub(super) async fn by_ids(app: &App, owner: Owner, ids: &[Uuid]) -> Result<Vec<Memory>> {
    let mine = memories::Entity::find().filter(memories::Column::OwnerId.eq(owner.id()));
    Ok(mine
        .filter(memories::Column::Id.is_in(ids.iter().copied()))
        .all(app.db.read())
        .await?)
}

pub(super) async fn by_content(db: &impl ConnectionTrait, owner: Owner, content: &str) -> Result<Option<Memory>> {
    let mine = memories::Entity::find().filter(memories::Column::OwnerId.eq(owner.id()));
    Ok(mine
        .filter(memories::Column::ContentHash.eq(content_hash(content)))
        .one(db)
        .await?)
}

pub(super) async fn list(
    app: &App,
    owner: Owner,
    kind: Option<&str>,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Memory>> {
    let mut query = memories::Entity::find().filter(memories::Column::OwnerId.eq(owner.id()));
    if let Some(kind) = kind {
        query = query.filter(memories::Column::Kind.eq(kind));
    }
    if let Some(before) = before {
        query = query.filter(memories::Column::Id.lt(before));
    }
    Ok(query
        .order_by_desc(memories::Column::Id)
        .limit(limit)
        .all(app.db.read())
        .await?)
}

pub(super) async fn count_by_kind(app: &App, owner: Owner) -> Result<Vec<(String, i64)>> {
    let query = memories::Entity::find()
        .select_only()
        .column(memories::Column::Kind)
        .column_as(memories::Column::Id.count(), "count")
        .filter(memories::Column::OwnerId.eq(owner.id()))
        .group_by(memories::Column::Kind)
        .order_by_asc(memories::Column::Kind);
    Ok(query.into_tuple().all(app.db.read()).await?)
}

/// Deletes one memory, or all of the owner's; says how many that were. Vectors go with their rows.
pub(super) async fn delete(app: &App, owner: Owner, id: Option<Uuid>) -> Result<u64> {
    let tx = app.db.begin().await?;
    let mut mine = parlor_db::sea_orm::Condition::all().add(memories::Column::OwnerId.eq(owner.id()));
    if let Some(id) = id {
        mine = mine.add(memories::Column::Id.eq(id));
    }
    let query = memories::Entity::find()
        .select_only()
        .column(memories::Column::Id)
        .filter(mine.clone());
    let ids: Vec<Uuid> = query.into_tuple().all(&tx).await?;
    dialect::unindex(&tx, owner, &ids).await?;
    let deleted = memories::Entity::delete_many().filter(mine).exec(&tx).await?;
    tx.commit().await?;
    Ok(deleted.rows_affected)
}

pub(super) async fn store_vectors(
    app: &App,
    owner: Owner,
    model: &str,
    vectors: impl Iterator<Item = (Uuid, Vec<f32>)>,
) -> Result<()> {
    let tx = app.db.begin().await?;
    for (id, vector) in vectors {
        // It may have been forgotten while the model worked.
        let exists = memories::Entity::find_by_id(id)
            .filter(memories::Column::OwnerId.eq(owner.id()))
            .one(&tx)
            .await?;
        if exists.is_some() {
            dialect::store_vector(&tx, owner, id, model, &vector).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Some memories of anybody after `after` that `model` has not embedded; for upkeep only.
pub(super) async fn without_vector(app: &App, model: &str, after: Uuid) -> Result<Vec<(Uuid, Owner)>> {
    let embedded = "select memory_id from memory_vectors where model = ";
    let missing = Expr::cust_with_values(format!("memories.id not in ({embedded}$1)"), [model.to_owned()]);
    let rows: Vec<(Uuid, Uuid)> = memories::Entity::find()
        .select_only()
        .columns([memories::Column::Id, memories::Column::OwnerId])
        .filter(memories::Column::Id.gt(after))
        .filter(missing)
        .order_by_asc(memories::Column::Id)
        .limit(500)
        .into_tuple()
        .all(app.db.read())
        .await?;
    Ok(rows.into_iter().map(|(id, owner)| (id, Owner::new(owner))).collect())
}

/// Memories whose words match, with their score.
pub(super) async fn by_words(app: &App, owner: Owner, terms: &[String], limit: u64) -> Result<HashMap<Uuid, f64>> {
    let hits = dialect::search_text(app.db.read(), owner, &[Indexed::Memory], (terms, Match::Any), limit).await?;
    Ok(hits.into_iter().map(|hit| (hit.id, hit.score)).collect())
}

/// Notes that memories were recalled.
pub(super) async fn touch(app: &App, owner: Owner, ids: Vec<Uuid>) -> Result<()> {
    memories::Entity::update_many()
        .col_expr(memories::Column::LastAccessedAt, Expr::value(app.clock.now()))
        .col_expr(
            memories::Column::AccessCount,
            Expr::col(memories::Column::AccessCount).add(1),
        )
        .filter(memories::Column::OwnerId.eq(owner.id()))
        .filter(memories::Column::Id.is_in(ids))
        .exec(app.db.write())
        .await?;
    Ok(())
}
