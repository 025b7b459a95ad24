//! What every chat model takes and gives, whoever runs it.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Who speaks in a [`Message`]. Serialised in lower case, as the OpenAI wire format has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions by the operator.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What was said, verbatim.
    pub content: String,
}

impl Message {
    /// A turn by `role` that says `content`.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
        }
    }
}

/// One question to a chat model.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// The provider's name of the model. A provider with one model ignores it.
    pub model: String,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// The longest answer wanted, in tokens.
    pub max_tokens: u32,
    /// 0 is the most predictable; 1 is the model's own spread.
    pub temperature: f32,
}

/// What an answer cost, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// The model had said what it wanted to say.
    Stop,
    /// `max_tokens` or the model's context was used up.
    Length,
}

/// One piece of a streamed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// The next piece of text; never empty, always whole characters.
    Text(String),
    /// The last chunk of every answer that was not cut off.
    End {
        /// Why it ended.
        finish: Finish,
        /// What it cost; estimated where the provider does not say.
        usage: Usage,
    },
}

/// An answer as it is being written: text chunks, then exactly one [`Chunk::End`] or one error. Dropping it cancels the
/// work behind it.
pub type ChatStream = BoxStream<'static, Result<Chunk, Error>>;

/// Something that answers conversations.
#[async_trait]
pub trait ChatModel: Send + Sync + 'static {
    /// A short, stable name for logs and metrics: `openai`, `local` or `scripted`.
    fn provider(&self) -> &'static str;

    /// Starts an answer.
    ///
    /// # Errors
    /// Whatever the provider says before its first token; what goes wrong later is an item of the stream.
    async fn chat(&self, request: ChatRequest) -> Result<ChatStream, Error>;
}

/// A rough count for providers that do not say: about four characters a token, and never less than one for some text.
pub(crate) fn estimate_tokens(characters: usize) -> u32 {
    u32::try_from(characters.div_ceil(4)).unwrap_or(u32::MAX)
}
