//! What the model gets: the tier's instructions, the chat so far, and what is remembered, as data beside the question.

use parlor_db::entities::messages;
use parlor_llm::{ChatRequest, Message, Role};
use parlor_memory::{estimate_tokens, render};

use super::Question;
use crate::{app::App, config::Tier, features::memories};

const CONTINUE: &str =
    "Continue your last answer exactly where it stops. Do not repeat any of it and do not comment on it.";

/// What is known when a question is asked.
pub(super) struct Known {
    pub name: String,
    pub history: Vec<messages::Model>,
    pub recalled: Vec<memories::Recalled>,
}

pub(super) fn build(app: &App, question: &Question, tier: &Tier, known: &Known, model: String) -> ChatRequest {
    let Known {
        name,
        history,
        recalled,
    } = known;
    let mut turns = vec![Message::new(Role::System, system(app, question, tier, name))];
    turns.extend(
        history
            .iter()
            .map(|message| Message::new(role(&message.role), message.content.clone())),
    );
    turns.push(Message::new(Role::User, with_memories(app, question, recalled)));
    if !question.partial.is_empty() {
        turns.push(Message::new(Role::Assistant, question.partial.clone()));
        turns.push(Message::new(Role::User, CONTINUE));
    }
    ChatRequest {
        model,
        messages: turns,
        max_tokens: tier.max_tokens,
        temperature: tier.temperature,
    }
}

/// Tokens of a prompt, estimated: for an answer that ends before its provider says.
pub(super) fn size(request: &ChatRequest) -> u32 {
    let tokens: usize = request
        .messages
        .iter()
        .map(|message| estimate_tokens(&message.content))
        .sum();
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

fn role(text: &str) -> Role {
    if text == "assistant" {
        Role::Assistant
    } else {
        Role::User
    }
}

/// The operator's instructions and nothing that a person said.
fn system(app: &App, question: &Question, tier: &Tier, name: &str) -> String {
    let config = &app.config;
    let chosen = [
        question.chat.theme.as_deref().and_then(|id| config.themes.get(id)),
        question
            .chat
            .audience
            .as_deref()
            .and_then(|id| config.audiences.get(id)),
        question
            .chat
            .response_style
            .as_deref()
            .and_then(|id| config.response_styles.get(id)),
    ];
    let today = app.clock.now().to_jiff().strftime("%A, %-d %B %Y").to_string();
    let mut parts = vec![tier.system_prompt(&today, name)];
    parts.extend(chosen.into_iter().flatten().filter(|text| !text.is_empty()).cloned());
    parts.push(format!("Today is {today}."));
    parts.join(" ")
}

/// Recalled text stands in front of the question as delimited data, never among the instructions.
fn with_memories(app: &App, question: &Question, recalled: &[memories::Recalled]) -> String {
    let dated: Vec<(String, &str)> = recalled
        .iter()
        .map(|item| {
            (
                item.memory.occurred_at.to_jiff().strftime("%Y-%m-%d").to_string(),
                item.memory.content.as_str(),
            )
        })
        .collect();
    let items: Vec<parlor_memory::Recalled<'_>> = dated
        .iter()
        .map(|(occurred_on, content)| parlor_memory::Recalled {
            content,
            occurred_on: occurred_on.as_str(),
        })
        .collect();
    match render(&items, app.config.memory.recall_token_budget) {
        Some(block) => format!("{block}\n\n{}", question.content),
        None => question.content.clone(),
    }
}
