//! Texts as vectors of numbers, near each other when they mean something alike.

mod graph;
#[cfg(feature = "scripted")]
mod hash;
mod minilm;
mod onnx;
mod words;

use async_trait::async_trait;

use crate::Error;

pub use graph::Precision;
#[cfg(feature = "scripted")]
pub use hash::HashEmbedder;
pub use minilm::MiniLm;

/// Something that turns texts into vectors.
#[async_trait]
pub trait Embedder: Send + Sync + 'static {
    /// Names the model and its number format. Stored with every vector: vectors of two models must never be compared.
    fn model_id(&self) -> &str;

    /// The length of every vector.
    fn dimensions(&self) -> usize;

    /// One vector of length 1 for each text, in the order of `texts`.
    ///
    /// # Errors
    /// When the model fails; a text too long for the model is cut, not refused.
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Error>;
}

fn local(error: impl std::fmt::Display) -> Error {
    Error::Local(error.to_string())
}

/// Scales a vector to length 1; a vector of zeros stays as it is.
#[cfg(feature = "scripted")]
fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
}
