//! Language models for Parlor: streaming types, the OpenAI-compatible provider, the models that run inside the process,
//! and the store that fetches their weights. Nothing here knows of HTTP routes or of a database.

mod chat;
pub mod embed;
mod error;
#[cfg(feature = "local-llm")]
mod local;
pub mod models;
mod openai;
#[cfg(feature = "scripted")]
mod scripted;
pub mod tls;

pub use chat::{ChatModel, ChatRequest, ChatStream, Chunk, Finish, Message, Role, Usage};
#[cfg(feature = "scripted")]
pub use embed::HashEmbedder;
pub use embed::{Embedder, MiniLm};
pub use error::Error;
#[cfg(feature = "local-llm")]
pub use local::Local;
pub use openai::{OpenAi, OpenAiConfig};
#[cfg(feature = "scripted")]
pub use scripted::{Gate, Scripted};
