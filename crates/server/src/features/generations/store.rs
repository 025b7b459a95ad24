//! Every query of this feature.

use std::{sync::Arc, time::Duration};

use parlor_db::{
    Owner, Timestamp, Tx,
    entities::{generation_events as events, generations, messages},
    sea_orm::{
        ActiveModelTrait,
        ActiveValue::{NotSet, Set},
        ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
        prelude::Expr,
    },
};
use serde_json::Value;
use uuid::Uuid;

use super::{Event, Question, status};
use crate::{
    app::App,
    http::{Code, Error, Result},
};

/// Rows of one insert: four values each, and SQLite takes at most 32,766.
const ROWS_AT_ONCE: usize = 4_000;

pub(super) async fn insert(app: &App, tx: &Tx, question: &Question) -> Result<messages::Model> {
    let now = app.clock.now();
    let message = messages::Model {
        id: app.ids.next(),
        chat_id: question.chat.id,
        owner_id: question.owner.id(),
        role: "assistant".to_owned(),
        content: String::new(),
        status: status::RUNNING.to_owned(),
        tier: Some(question.tier.as_str().to_owned()),
        model: question.model.clone(),
        error_code: None,
        error_detail: None,
        input_tokens: None,
        output_tokens: None,
        created_at: now,
        completed_at: None,
    };
    messages::Entity::insert(message.clone().into_active_model().reset_all())
        .exec_without_returning(tx)
        .await?;
    let row = generations::ActiveModel {
        message_id: Set(message.id),
        chat_id: Set(message.chat_id),
        owner_id: Set(message.owner_id),
        user_message_id: Set(question.user_message_id),
        node_id: Set(app.node_id),
        status: Set(status::RUNNING.to_owned()),
        lease_until: Set(lease_end(app)),
        cancel_requested: Set(false),
        created_at: Set(now),
        finished_at: Set(None),
    };
    generations::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(message)
}

fn lease_end(app: &App) -> Timestamp {
    app.clock.now() + Duration::from_secs(app.config.generations.lease_s)
}

pub(super) async fn append(tx: &Tx, message_id: Uuid, events: &[Arc<Event>]) -> Result<()> {
    append_all(tx, events.iter().map(|event| row(message_id, event)).collect()).await
}

pub(super) fn row(message_id: Uuid, event: &Event) -> events::ActiveModel {
    events::ActiveModel {
        message_id: Set(message_id),
        seq: Set(event.seq),
        kind: Set(event.kind.clone()),
        data: Set(event.data.clone()),
    }
}

pub(super) async fn append_all(tx: &Tx, mut rows: Vec<events::ActiveModel>) -> Result<()> {
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(ROWS_AT_ONCE));
        events::Entity::insert_many(rows).exec_without_returning(tx).await?;
        rows = rest;
    }
    Ok(())
}

/// The message and the run get their end.
pub(super) async fn finish(app: &App, tx: &Tx, message: &messages::Model) -> Result<()> {
    let row = messages::ActiveModel {
        content: Set(message.content.clone()),
        status: Set(message.status.clone()),
        model: Set(message.model.clone()),
        error_code: Set(message.error_code.clone()),
        error_detail: Set(message.error_detail.clone()),
        input_tokens: Set(message.input_tokens),
        output_tokens: Set(message.output_tokens),
        completed_at: Set(message.completed_at),
        ..Default::default()
    };
    messages::Entity::update_many()
        .set(row)
        .filter(messages::Column::Id.eq(message.id))
        .exec(tx)
        .await?;
    let row = generations::ActiveModel {
        status: Set(message.status.clone()),
        finished_at: Set(Some(app.clock.now())),
        ..Default::default()
    };
    generations::Entity::update_many()
        .set(row)
        .filter(generations::Column::MessageId.eq(message.id))
        .exec(tx)
        .await?;
    Ok(())
}

pub(super) async fn find(
    db: &impl ConnectionTrait,
    owner: Owner,
    message_id: Uuid,
) -> Result<Option<generations::Model>> {
    let mine = generations::Column::OwnerId.eq(owner.id());
    Ok(generations::Entity::find_by_id(message_id).filter(mine).one(db).await?)
}

/// The log after `after`, up to but without `before`. The caller has found the run through its owner.
pub(super) async fn events(
    db: &impl ConnectionTrait,
    message_id: Uuid,
    after: i64,
    before: Option<i64>,
) -> Result<Vec<Arc<Event>>> {
    let mut range = Condition::all()
        .add(events::Column::MessageId.eq(message_id))
        .add(events::Column::Seq.gt(after));
    if let Some(before) = before {
        range = range.add(events::Column::Seq.lt(before));
    }
    let rows = events::Entity::find()
        .filter(range)
        .order_by_asc(events::Column::Seq)
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| Event::new(row.seq, &row.kind, row.data))
        .collect())
}

/// What the log says the answer is: all its pieces of text.
pub(super) async fn text(db: &impl ConnectionTrait, message_id: Uuid) -> Result<String> {
    let rows: Vec<String> = events::Entity::find()
        .select_only()
        .column(events::Column::Data)
        .filter(events::Column::MessageId.eq(message_id))
        .filter(events::Column::Kind.eq("delta"))
        .order_by_asc(events::Column::Seq)
        .into_tuple()
        .all(db)
        .await?;
    let mut text = String::new();
    for row in rows {
        let data: Value = serde_json::from_str(&row).map_err(Error::internal)?;
        text.push_str(data["text"].as_str().unwrap_or_default());
    }
    Ok(text)
}

pub(super) async fn memory_events(db: &impl ConnectionTrait, messages: &[Uuid]) -> Result<Vec<(Uuid, String, String)>> {
    let rows = events::Entity::find()
        .filter(events::Column::MessageId.is_in(messages.iter().copied()))
        .filter(events::Column::Kind.is_in(["memory.recalled", "memory.learned"]))
        .order_by_asc(events::Column::Seq)
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.message_id, row.kind, row.data))
        .collect())
}

pub(super) async fn last_seq(db: &impl ConnectionTrait, message_id: Uuid) -> Result<i64> {
    let query = events::Entity::find()
        .select_only()
        .column_as(events::Column::Seq.max(), "last");
    let last: Option<Option<i64>> = query
        .filter(events::Column::MessageId.eq(message_id))
        .into_tuple()
        .one(db)
        .await?;
    Ok(last.flatten().unwrap_or(0))
}

/// Makes an ended run this node's running one; says where its next part of the log begins. Of two at once only one
/// finds it ended.
pub(super) async fn reopen(app: &App, tx: &Tx, generation: &generations::Model) -> Result<i64> {
    let open = [status::INTERRUPTED, status::CANCELLED, status::FAILED];
    let row = generations::ActiveModel {
        status: Set(status::RUNNING.to_owned()),
        node_id: Set(app.node_id),
        lease_until: Set(lease_end(app)),
        cancel_requested: Set(false),
        finished_at: Set(None),
        message_id: NotSet,
        ..Default::default()
    };
    let taken = generations::Entity::update_many()
        .set(row)
        .filter(generations::Column::MessageId.eq(generation.message_id))
        .filter(generations::Column::Status.is_in(open))
        .exec(tx)
        .await?;
    if taken.rows_affected == 0 {
        return Err(Error::new(
            Code::Conflict,
            "Only an answer that was cut short can go on.",
        ));
    }
    messages::Entity::update_many()
        .col_expr(messages::Column::Status, Expr::value(status::RUNNING))
        .filter(messages::Column::Id.eq(generation.message_id))
        .exec(tx)
        .await?;
    Ok(last_seq(tx, generation.message_id).await? + 1)
}

pub(super) async fn request_cancel(app: &App, owner: Owner, message_id: Uuid) -> Result<()> {
    generations::Entity::update_many()
        .col_expr(generations::Column::CancelRequested, Expr::value(true))
        .filter(generations::Column::MessageId.eq(message_id))
        .filter(generations::Column::OwnerId.eq(owner.id()))
        .filter(generations::Column::Status.eq(status::RUNNING))
        .exec(app.db.write())
        .await?;
    Ok(())
}

/// Says that these runs of this node are alive; answers which of them another node was asked to stop.
pub(super) async fn renew_leases(app: &App, live: &[Uuid]) -> Result<Vec<Uuid>> {
    let mine = Condition::all()
        .add(generations::Column::MessageId.is_in(live.iter().copied()))
        .add(generations::Column::Status.eq(status::RUNNING));
    generations::Entity::update_many()
        .col_expr(generations::Column::LeaseUntil, Expr::value(lease_end(app)))
        .filter(mine.clone())
        .exec(app.db.write())
        .await?;
    let query = generations::Entity::find()
        .select_only()
        .column(generations::Column::MessageId)
        .filter(mine);
    Ok(query
        .filter(generations::Column::CancelRequested.eq(true))
        .into_tuple()
        .all(app.db.read())
        .await?)
}

/// Runs that nobody writes any more: their lease is over. At the start of a node that has the database for itself, all
/// that are not its own.
pub(super) async fn orphans(app: &App) -> Result<Vec<generations::Model>> {
    let mut gone = Condition::any().add(generations::Column::LeaseUntil.lt(app.clock.now()));
    if app.db.is_exclusive() {
        gone = gone.add(generations::Column::NodeId.ne(app.node_id));
    }
    let running = generations::Entity::find().filter(generations::Column::Status.eq(status::RUNNING));
    Ok(running.filter(gone).limit(1000).all(app.db.write()).await?)
}

/// Takes an orphan over to end it; false when another node was faster.
pub(super) async fn take_over(app: &App, tx: &Tx, orphan: &generations::Model) -> Result<bool> {
    let taken = generations::Entity::update_many()
        .col_expr(generations::Column::NodeId, Expr::value(app.node_id))
        .filter(generations::Column::MessageId.eq(orphan.message_id))
        .filter(generations::Column::NodeId.eq(orphan.node_id))
        .filter(generations::Column::LeaseUntil.eq(orphan.lease_until))
        .exec(tx)
        .await?;
    Ok(taken.rows_affected == 1)
}
