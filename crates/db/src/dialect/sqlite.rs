use std::cmp::Ordering;

use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use uuid::Uuid;

use super::{Document, Hit, Kind, Match};
use crate::{Owner, Result};

fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
}

/// `n` placeholders: `?, ?, ?`.
fn placeholders(n: usize) -> String {
    vec!["?"; n].join(", ")
}

/// The owner and the kind as a prefix of every term: a posting list belongs to one owner, and so does every count that
/// goes into a score.
fn prefix(owner: Owner, kind: Kind) -> String {
    let letter = match kind {
        Kind::Memory => 'm',
        Kind::Message => 't',
        Kind::ChatTitle => 'c',
    };
    format!("{letter}{}_", owner.id().simple())
}

pub(super) async fn index(db: &impl ConnectionTrait, owner: Owner, document: Document<'_>) -> Result<()> {
    unindex(db, &[document.id]).await?;
    let prefix = prefix(owner, document.kind);
    let body = document
        .terms
        .iter()
        .map(|term| format!("{prefix}{term}"))
        .collect::<Vec<_>>()
        .join(" ");
    let chat_id = || document.chat_id.map(|id| id.into_bytes().to_vec()).into();
    let inserted = db
        .execute_raw(statement(
            "insert into search_documents (body, kind, id, chat_id) values (?, ?, ?, ?)",
            [
                body.into(),
                document.kind.as_str().into(),
                document.id.into(),
                chat_id(),
            ],
        ))
        .await?;
    let row = i64::try_from(inserted.last_insert_id()).unwrap_or_default();
    db.execute_raw(statement(
        "insert into search_rows (id, kind, chat_id, row) values (?, ?, ?, ?)",
        [document.id.into(), document.kind.as_str().into(), chat_id(), row.into()],
    ))
    .await?;
    Ok(())
}

pub(super) async fn unindex(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<()> {
    // SQLite takes at most 32,766 values in a statement.
    for ids in ids.chunks(10_000) {
        let list = placeholders(ids.len());
        let values = || ids.iter().map(|id| Value::from(*id));
        let rows = format!("select row from search_rows where id in ({list})");
        db.execute_raw(statement(
            &format!("delete from search_documents where rowid in ({rows})"),
            values(),
        ))
        .await?;
        db.execute_raw(statement(
            &format!("delete from search_rows where id in ({list})"),
            values(),
        ))
        .await?;
    }
    Ok(())
}

pub(super) async fn unindex_chat(db: &impl ConnectionTrait, chat_id: Uuid) -> Result<()> {
    for sql in [
        "delete from search_documents where rowid in (select row from search_rows where chat_id = ?)",
        "delete from search_rows where chat_id = ?",
    ] {
        db.execute_raw(statement(sql, [chat_id.into()])).await?;
    }
    Ok(())
}

pub(super) async fn search_text(
    db: &impl ConnectionTrait,
    owner: Owner,
    kinds: &[Kind],
    query: (&[String], Match),
    limit: u64,
) -> Result<Vec<Hit>> {
    let per_kind: Vec<String> = kinds
        .iter()
        .map(|kind| expression(&prefix(owner, *kind), query))
        .collect();
    let rows = db
        .query_all_raw(statement(
            "select id, chat_id, -bm25(search_documents) as score from search_documents
             where search_documents match ? order by bm25(search_documents) limit ?",
            [per_kind.join(" OR ").into(), limit.into()],
        ))
        .await?;
    let hit = |row: sea_orm::QueryResult| {
        let chat_id: Option<Vec<u8>> = row.try_get("", "chat_id")?;
        Ok(Hit {
            id: row.try_get("", "id")?,
            chat_id: chat_id.and_then(|bytes| Uuid::from_slice(&bytes).ok()),
            score: row.try_get("", "score")?,
        })
    };
    rows.into_iter().map(hit).collect()
}

/// An FTS5 expression; terms are quoted, so nothing that a person types is an operator.
fn expression(prefix: &str, (terms, how): (&[String], Match)) -> String {
    let quoted = terms
        .iter()
        .map(|term| format!("\"{prefix}{}\"", term.replace('"', "")));
    match how {
        Match::Any => format!("({})", quoted.collect::<Vec<_>>().join(" OR ")),
        Match::AllPrefixes => {
            format!(
                "({})",
                quoted.map(|term| format!("{term}*")).collect::<Vec<_>>().join(" AND ")
            )
        }
    }
}

pub(super) async fn store_vector(
    db: &impl ConnectionTrait,
    owner: Owner,
    memory_id: Uuid,
    model: &str,
    embedding: &[f32],
) -> Result<()> {
    let bytes: Vec<u8> = embedding.iter().flat_map(|x| x.to_le_bytes()).collect();
    db.execute_raw(statement(
        "insert into memory_vectors (memory_id, owner_id, model, embedding) values (?, ?, ?, ?)
         on conflict (memory_id) do update set model = excluded.model, embedding = excluded.embedding",
        [memory_id.into(), owner.id().into(), model.into(), bytes.into()],
    ))
    .await?;
    Ok(())
}

/// An exact scan: for one owner's thousands of memories it is faster than any index, and its recall is 1.
pub(super) async fn search_vectors(
    db: &impl ConnectionTrait,
    owner: Owner,
    model: &str,
    query: &[f32],
    limit: u64,
) -> Result<Vec<(Uuid, f32)>> {
    let rows = db
        .query_all_raw(statement(
            "select memory_id, embedding from memory_vectors where owner_id = ? and model = ?",
            [owner.id().into(), model.into()],
        ))
        .await?;
    let mut scored = Vec::with_capacity(rows.len());
    for row in rows {
        let bytes: Vec<u8> = row.try_get("", "embedding")?;
        scored.push((row.try_get::<Uuid>("", "memory_id")?, dot(&bytes, query)));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let best_first = |a: &(Uuid, f32), b: &(Uuid, f32)| b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal);
    if scored.len() > limit {
        scored.select_nth_unstable_by(limit, best_first);
        scored.truncate(limit);
    }
    scored.sort_by(best_first);
    Ok(scored)
}

fn dot(bytes: &[u8], query: &[f32]) -> f32 {
    let (numbers, _) = bytes.as_chunks::<4>();
    numbers
        .iter()
        .zip(query)
        .map(|(number, q)| f32::from_le_bytes(*number) * q)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_types_is_never_an_operator() {
        let terms = ["a\" OR \"b".to_owned(), "near".to_owned()];
        assert_eq!(expression("p_", (&terms, Match::Any)), "(\"p_a OR b\" OR \"p_near\")");
        assert_eq!(expression("p_", (&terms[1..], Match::AllPrefixes)), "(\"p_near\"*)");
    }
}
