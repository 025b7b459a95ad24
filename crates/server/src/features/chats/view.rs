//! What clients see of chats and messages.

use parlor_db::{Timestamp, entities::messages};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Chat;
use crate::http::Code;

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChatView {
    pub id: Uuid,
    pub title: String,
    pub theme: Option<String>,
    pub audience: Option<String>,
    pub response_style: Option<String>,
    pub model: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Timestamp,
    #[schema(value_type = String, format = "date-time")]
    pub updated_at: Timestamp,
    /// Where a search found it: the message's words around the match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
}

impl From<&Chat> for ChatView {
    fn from(chat: &Chat) -> Self {
        Self {
            id: chat.id,
            title: chat.title.clone(),
            theme: chat.theme.clone(),
            audience: chat.audience.clone(),
            response_style: chat.response_style.clone(),
            model: chat.model.clone(),
            created_at: chat.created_at,
            updated_at: chat.updated_at,
            snippet: None,
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MessageView {
    pub id: Uuid,
    /// `user` or `assistant`.
    pub role: String,
    /// Markdown. Of a running answer: what is written so far.
    pub content: String,
    pub tier: Option<String>,
    pub model: Option<String>,
    /// `running`, `complete`, `cancelled`, `failed` or `interrupted`.
    pub status: String,
    /// Why it failed or was interrupted.
    pub error: Option<MessageError>,
    pub usage: Option<TokenUsage>,
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = "date-time")]
    pub completed_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MessageError {
    pub code: String,
    pub detail: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenUsage {
    pub input_tokens: i64,
    pub output_tokens: i64,
}

impl From<&messages::Model> for MessageView {
    fn from(message: &messages::Model) -> Self {
        let error = message.error_code.clone().map(|code| MessageError {
            code,
            detail: message.error_detail.clone().unwrap_or_default(),
        });
        let usage = message
            .input_tokens
            .zip(message.output_tokens)
            .map(|(input_tokens, output_tokens)| TokenUsage {
                input_tokens,
                output_tokens,
            });
        Self {
            id: message.id,
            role: message.role.clone(),
            content: message.content.clone(),
            tier: message.tier.clone(),
            model: message.model.clone(),
            status: message.status.clone(),
            error,
            usage,
            created_at: message.created_at,
            completed_at: message.completed_at,
        }
    }
}

/// The problem that a stored code stands for.
pub(super) fn failure(code: Option<&str>) -> Code {
    let known = [
        Code::ProviderTimeout,
        Code::Unavailable,
        Code::Internal,
        Code::ProviderFailed,
    ];
    known
        .into_iter()
        .find(|known| Some(known.as_str()) == code)
        .unwrap_or(Code::ProviderFailed)
}
