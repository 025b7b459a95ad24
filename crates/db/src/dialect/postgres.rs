use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use uuid::Uuid;

use super::{Document, Hit, Kind, Match};
use crate::{Owner, Result};

fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

pub(super) async fn serialise(tx: &impl ConnectionTrait, what: &str) -> Result<()> {
    tx.execute_raw(statement(
        "select pg_advisory_xact_lock(hashtextextended($1, 0))",
        [what.into()],
    ))
    .await?;
    Ok(())
}

/// A PostgreSQL array literal of ids, cast in the statement: one parameter, however many there are.
fn id_array(ids: &[Uuid]) -> String {
    format!("{{{}}}", ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(","))
}

pub(super) async fn index(db: &impl ConnectionTrait, owner: Owner, document: Document<'_>) -> Result<()> {
    db.execute_raw(statement(
        "insert into search_documents (id, owner_id, kind, chat_id, body) values ($1, $2, $3, $4, to_tsvector('simple', $5))
         on conflict (id) do update set body = excluded.body where search_documents.owner_id = excluded.owner_id",
        [
            document.id.into(),
            owner.id().into(),
            document.kind.as_str().into(),
            document.chat_id.into(),
            document.terms.join(" ").into(),
        ],
    ))
    .await?;
    Ok(())
}

pub(super) async fn unindex(db: &impl ConnectionTrait, owner: Owner, ids: &[Uuid]) -> Result<()> {
    db.execute_raw(statement(
        "delete from search_documents where owner_id = $1 and id = any($2::uuid[])",
        [owner.id().into(), id_array(ids).into()],
    ))
    .await?;
    Ok(())
}

pub(super) async fn unindex_chat(db: &impl ConnectionTrait, owner: Owner, chat_id: Uuid) -> Result<()> {
    db.execute_raw(statement(
        "delete from search_documents where owner_id = $1 and chat_id = $2",
        [owner.id().into(), chat_id.into()],
    ))
    .await?;
    Ok(())
}

pub(super) async fn search_text(
    db: &impl ConnectionTrait,
    owner: Owner,
    kinds: &[Kind],
    query: (&[String], Match),
    limit: u64,
) -> Result<Vec<Hit>> {
    let kinds = format!(
        "{{{}}}",
        kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(",")
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = db
        .query_all_raw(statement(
            "select id, chat_id, ts_rank(body, q)::float8 as score
             from search_documents, to_tsquery('simple', $1) q
             where owner_id = $2 and kind = any($3::text[]) and body @@ q order by score desc, id desc limit $4",
            [expression(query).into(), owner.id().into(), kinds.into(), limit.into()],
        ))
        .await?;
    let hit = |row: sea_orm::QueryResult| {
        Ok(Hit {
            id: row.try_get("", "id")?,
            chat_id: row.try_get("", "chat_id")?,
            score: row.try_get("", "score")?,
        })
    };
    rows.into_iter().map(hit).collect()
}

/// A tsquery; terms are quoted, so nothing that a person types is an operator.
fn expression((terms, how): (&[String], Match)) -> String {
    let quoted = terms.iter().map(|term| format!("'{}'", term.replace(['\'', '\\'], "")));
    match how {
        Match::Any => quoted.collect::<Vec<_>>().join(" | "),
        Match::AllPrefixes => quoted.map(|term| format!("{term}:*")).collect::<Vec<_>>().join(" & "),
    }
}

/// pgvector's text form: `[0.1,0.2]`.
fn vector_literal(vector: &[f32]) -> String {
    format!("[{}]", vector.iter().map(f32::to_string).collect::<Vec<_>>().join(","))
}

pub(super) async fn store_vector(
    db: &impl ConnectionTrait,
    owner: Owner,
    memory_id: Uuid,
    model: &str,
    embedding: &[f32],
) -> Result<()> {
    db.execute_raw(statement(
        "insert into memory_vectors (memory_id, owner_id, model, embedding) values ($1, $2, $3, $4::vector)
         on conflict (memory_id) do update set model = excluded.model, embedding = excluded.embedding
         where memory_vectors.owner_id = excluded.owner_id",
        [
            memory_id.into(),
            owner.id().into(),
            model.into(),
            vector_literal(embedding).into(),
        ],
    ))
    .await?;
    Ok(())
}

/// Exact among one owner's vectors, which the index finds first: an approximate index filtered by owner loses half of
/// what is near.
pub(super) async fn search_vectors(
    db: &impl ConnectionTrait,
    owner: Owner,
    model: &str,
    query: &[f32],
    limit: u64,
) -> Result<Vec<(Uuid, f32)>> {
    let rows = db
        .query_all_raw(statement(
            "select memory_id, (1 - (embedding <=> $1::vector))::float4 as cosine from memory_vectors
             where owner_id = $2 and model = $3 order by embedding <=> $1::vector limit $4",
            [
                vector_literal(query).into(),
                owner.id().into(),
                model.into(),
                i64::try_from(limit).unwrap_or(i64::MAX).into(),
            ],
        ))
        .await?;
    rows.into_iter()
        .map(|row| Ok((row.try_get("", "memory_id")?, row.try_get("", "cosine")?)))
        .collect()
}
