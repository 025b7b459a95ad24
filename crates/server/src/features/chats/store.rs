//! Every query of this feature.

use std::collections::HashMap;

use parlor_db::{
    Owner, Timestamp, Tx,
    dialect::{self, Kind, Match},
    entities::{chats, messages},
    sea_orm::{
        ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel,
        QueryFilter, QueryOrder, QuerySelect,
    },
    set_if,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Chat, Say};
use crate::{
    app::App,
    http::{Error, Result},
};

/// A chat's page shows so many messages at most.
pub(super) const MOST_MESSAGES: u64 = 2_000;
const MOST_HITS: u64 = 200;
const MOST_FOUND: usize = 50;

/// What may be set of a chat; an inner `None` goes back to the default.
#[derive(Default)]
pub struct Settings {
    pub title: Option<String>,
    pub theme: Option<Option<String>>,
    pub audience: Option<Option<String>>,
    pub response_style: Option<Option<String>>,
    pub model: Option<Option<String>>,
}

/// Where a page of the list ended.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Position(pub i64, pub Uuid);

fn mine(owner: Owner) -> Condition {
    Condition::all()
        .add(chats::Column::OwnerId.eq(owner.id()))
        .add(chats::Column::DeletedAt.is_null())
}

pub(super) async fn find(db: &impl ConnectionTrait, owner: Owner, id: Uuid) -> Result<Option<Chat>> {
    Ok(chats::Entity::find_by_id(id).filter(mine(owner)).one(db).await?)
}

pub(super) async fn message(
    db: &impl ConnectionTrait,
    owner: Owner,
    chat_id: Uuid,
    id: Uuid,
) -> Result<Option<messages::Model>> {
    let mut query = messages::Entity::find_by_id(id).filter(messages::Column::OwnerId.eq(owner.id()));
    query = query.filter(messages::Column::ChatId.eq(chat_id));
    Ok(query.one(db).await?)
}

pub(super) async fn insert(app: &App, tx: &Tx, owner: Owner, settings: Settings) -> Result<Chat> {
    let now = app.clock.now();
    let chat = Chat {
        id: app.ids.next(),
        owner_id: owner.id(),
        title: settings.title.unwrap_or_default(),
        theme: settings.theme.flatten(),
        audience: settings.audience.flatten(),
        response_style: settings.response_style.flatten(),
        model: settings.model.flatten(),
        created_at: now,
        updated_at: now,
        deleted_at: None,
    };
    chats::Entity::insert(chat.clone().into_active_model().reset_all())
        .exec_without_returning(tx)
        .await?;
    Ok(chat)
}

pub(super) async fn update(app: &App, tx: &Tx, owner: Owner, id: Uuid, settings: Settings) -> Result<()> {
    let row = chats::ActiveModel {
        title: set_if(settings.title),
        theme: set_if(settings.theme),
        audience: set_if(settings.audience),
        response_style: set_if(settings.response_style),
        model: set_if(settings.model),
        updated_at: Set(app.clock.now()),
        ..Default::default()
    };
    let changed = chats::Entity::update_many()
        .set(row)
        .filter(mine(owner))
        .filter(chats::Column::Id.eq(id))
        .exec(tx)
        .await?;
    if changed.rows_affected == 0 {
        Err(Error::not_found())
    } else {
        Ok(())
    }
}

pub(super) async fn trash(app: &App, tx: &Tx, owner: Owner, id: Uuid) -> Result<()> {
    let row = chats::ActiveModel {
        deleted_at: Set(Some(app.clock.now())),
        ..Default::default()
    };
    chats::Entity::update_many()
        .set(row)
        .filter(mine(owner))
        .filter(chats::Column::Id.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Moves the chat up in the list, and gives it a title if it has none.
pub(super) async fn touch(app: &App, tx: &Tx, chat: &mut Chat, title: String) -> Result<()> {
    chat.updated_at = app.clock.now();
    if chat.title.is_empty() {
        chat.title = title;
    }
    let row = chats::ActiveModel {
        title: Set(chat.title.clone()),
        updated_at: Set(chat.updated_at),
        ..Default::default()
    };
    chats::Entity::update_many()
        .set(row)
        .filter(chats::Column::Id.eq(chat.id))
        .exec(tx)
        .await?;
    Ok(())
}

pub(super) async fn list(app: &App, owner: Owner, after: Option<Position>, limit: u64) -> Result<Vec<Chat>> {
    let mut query = chats::Entity::find().filter(mine(owner));
    if let Some(Position(updated_at, id)) = after {
        let updated_at = Timestamp::from_micros(updated_at);
        let earlier = chats::Column::UpdatedAt.lt(updated_at);
        let same = Condition::all()
            .add(chats::Column::UpdatedAt.eq(updated_at))
            .add(chats::Column::Id.lt(id));
        query = query.filter(Condition::any().add(earlier).add(same));
    }
    let query = query
        .order_by_desc(chats::Column::UpdatedAt)
        .order_by_desc(chats::Column::Id);
    Ok(query.limit(limit).all(app.db.read()).await?)
}

pub(super) async fn titles(app: &App, owner: Owner, ids: Vec<Uuid>) -> Result<HashMap<Uuid, String>> {
    let query = chats::Entity::find()
        .select_only()
        .columns([chats::Column::Id, chats::Column::Title]);
    let rows: Vec<(Uuid, String)> = query
        .filter(mine(owner))
        .filter(chats::Column::Id.is_in(ids))
        .into_tuple()
        .all(app.db.read())
        .await?;
    Ok(rows.into_iter().collect())
}

/// A chat that a search found, and the words around the match.
pub struct Found {
    pub chat: Chat,
    pub snippet: Option<String>,
}

pub(super) async fn search(app: &App, owner: Owner, query: &str) -> Result<Vec<Found>> {
    let terms = parlor_memory::terms(query);
    let kinds = [Kind::Message, Kind::ChatTitle];
    let db = app.db.read();
    let hits = dialect::search_text(db, owner, &kinds, (&terms, Match::AllPrefixes), MOST_HITS).await?;
    // The best hit of each chat; hits come best first.
    let mut best: Vec<(Uuid, Uuid)> = Vec::new();
    for hit in hits {
        let chat_id = hit.chat_id.unwrap_or(hit.id);
        if best.len() < MOST_FOUND && !best.iter().any(|(seen, _)| *seen == chat_id) {
            best.push((chat_id, hit.id));
        }
    }
    let ids: Vec<Uuid> = best.iter().map(|(chat_id, _)| *chat_id).collect();
    let rows = chats::Entity::find()
        .filter(mine(owner))
        .filter(chats::Column::Id.is_in(ids))
        .all(db)
        .await?;
    let mut chats: HashMap<Uuid, Chat> = rows.into_iter().map(|chat| (chat.id, chat)).collect();
    let ids = best.iter().map(|(_, hit)| *hit);
    let found = messages::Entity::find().filter(messages::Column::OwnerId.eq(owner.id()));
    let found = found.filter(messages::Column::Id.is_in(ids)).all(db).await?;
    let texts: HashMap<Uuid, String> = found.into_iter().map(|message| (message.id, message.content)).collect();
    let item = |(chat_id, hit): (Uuid, Uuid)| {
        let snippet = texts.get(&hit).map(|text| snippet(text, query));
        chats.remove(&chat_id).map(|chat| Found { chat, snippet })
    };
    Ok(best.into_iter().filter_map(item).collect())
}

/// Some words before and after the first word of the query.
fn snippet(text: &str, query: &str) -> String {
    const AROUND: usize = 12;
    let words: Vec<&str> = text.split_whitespace().collect();
    let wanted: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let matches = |word: &&str| wanted.iter().any(|part| word.to_lowercase().contains(part.as_str()));
    let at = words.iter().position(matches).unwrap_or(0);
    let (from, to) = (at.saturating_sub(AROUND / 2), (at + AROUND).min(words.len()));
    let before = if from > 0 { "… " } else { "" };
    let after = if to < words.len() { " …" } else { "" };
    format!("{before}{}{after}", words[from..to].join(" "))
}

pub(super) async fn insert_user_message(app: &App, tx: &Tx, chat: &Chat, say: &Say) -> Result<messages::Model> {
    let now = app.clock.now();
    let message = messages::Model {
        id: app.ids.next(),
        chat_id: chat.id,
        owner_id: chat.owner_id,
        role: "user".to_owned(),
        content: say.content.clone(),
        status: "complete".to_owned(),
        tier: None,
        model: None,
        error_code: None,
        error_detail: None,
        input_tokens: None,
        output_tokens: None,
        created_at: now,
        completed_at: Some(now),
    };
    messages::Entity::insert(message.clone().into_active_model().reset_all())
        .exec_without_returning(tx)
        .await?;
    Ok(message)
}

pub(super) async fn messages(
    app: &App,
    owner: Owner,
    chat_id: Uuid,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<messages::Model>> {
    let mut query = messages::Entity::find()
        .filter(messages::Column::ChatId.eq(chat_id))
        .filter(messages::Column::OwnerId.eq(owner.id()));
    if let Some(after) = after {
        query = query.filter(messages::Column::Id.gt(after));
    }
    Ok(query
        .order_by_asc(messages::Column::Id)
        .limit(limit)
        .all(app.db.read())
        .await?)
}

pub(super) async fn before(
    app: &App,
    owner: Owner,
    chat_id: Uuid,
    before: Uuid,
    most: usize,
) -> Result<Vec<messages::Model>> {
    let mut turns = messages::Entity::find()
        .filter(messages::Column::ChatId.eq(chat_id))
        .filter(messages::Column::OwnerId.eq(owner.id()))
        .filter(messages::Column::Id.lt(before))
        .order_by_desc(messages::Column::Id)
        .limit(u64::try_from(most).unwrap_or(u64::MAX))
        .all(app.db.read())
        .await?;
    turns.reverse();
    Ok(turns)
}

#[cfg(test)]
mod tests {
    use super::snippet;

    #[test]
    fn a_snippet_is_cut_around_the_match() {
        let text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen Tides sixteen";
        assert_eq!(
            snippet(text, "tide"),
            "… nine ten eleven twelve thirteen fourteen Tides sixteen"
        );
        assert_eq!(snippet("short", "other"), "short");
    }
}
