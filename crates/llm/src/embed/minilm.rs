//! all-MiniLM-L6-v2 inside the process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rten::{Model, ModelOptions, RunOptions, ThreadPool};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use tokio::sync::Semaphore;

use super::graph::{self, MAX_TOKENS, Precision, WIDTH};
use super::words::Words;
use super::{Embedder, local};
use crate::Error;

/// Texts that go through the model together.
const BATCH: usize = 32;
/// Texts may always be padded by this many bytes, however short they are.
const PADDING: usize = 32;
/// The most batches that run at the same time; a query should not wait for the whole of a large import.
const MAX_WORKERS: usize = 4;
/// No text of 256 tokens that a person wrote is longer; tokenising more would be wasted.
const MAX_CHARS: usize = 16 << 10;
/// Counts up whenever the graph we build changes, so that a cached one of an older version is not used.
const GRAPH_VERSION: u32 = 1;

/// The embedding model, loaded. Cheap to share behind an `Arc`.
pub struct MiniLm {
    id: &'static str,
    engine: Arc<Engine>,
    workers: Arc<Semaphore>,
}

struct Engine {
    model: Model,
    words: Words,
    /// One thread for each batch that may run: that gives more texts a second than many threads on one batch.
    pools: Mutex<Vec<Arc<ThreadPool>>>,
}

impl MiniLm {
    /// Loads the model of `dir` (`model.safetensors` and `tokenizer.json`) with weights of eight bits. The first time
    /// takes a second to prepare them and keeps the result in `cache_dir`; later starts take some 20 ms. Blocking.
    ///
    /// # Errors
    /// [`Error::ModelMissing`] when a file is not there, [`Error::Local`] when it is not what it should be.
    pub fn load(dir: &Path, cache_dir: &Path) -> Result<Self, Error> {
        Self::load_with(dir, cache_dir, Precision::Int8)
    }

    /// Like [`MiniLm::load`], with weights of the given precision. Their vectors must not be mixed.
    ///
    /// # Errors
    /// As for [`MiniLm::load`].
    pub fn load_with(dir: &Path, cache_dir: &Path, precision: Precision) -> Result<Self, Error> {
        let words = Words::from_json(&read(&dir.join("tokenizer.json"))?)?;
        let id = match precision {
            Precision::Int8 => "all-minilm-l6-v2-int8",
            Precision::F32 => "all-minilm-l6-v2-f32",
        };
        let cached = cache_dir.join(format!("{id}-{GRAPH_VERSION}.onnx"));
        let model = load_model(&dir.join("model.safetensors"), &cached, precision)?;
        let workers = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(MAX_WORKERS);
        let pools = (0..workers)
            .map(|_| Arc::new(ThreadPool::with_num_threads(1)))
            .collect();
        let engine = Arc::new(Engine {
            model,
            words,
            pools: Mutex::new(pools),
        });
        Ok(Self {
            id,
            engine,
            workers: Arc::new(Semaphore::new(workers)),
        })
    }
}

#[async_trait]
impl Embedder for MiniLm {
    fn model_id(&self) -> &str {
        self.id
    }

    fn dimensions(&self) -> usize {
        WIDTH
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Error> {
        let mut found = vec![Vec::new(); texts.len()];
        let mut texts: Vec<(usize, String)> = texts.into_iter().enumerate().collect();
        texts.sort_by_key(|(_, text)| text.len());
        while let Some(start) = batch_start(&texts) {
            let (places, batch): (Vec<usize>, Vec<String>) = texts.split_off(start).into_iter().unzip();
            for (place, vector) in places.into_iter().zip(self.run(batch).await?) {
                found[place] = vector;
            }
        }
        Ok(found)
    }
}

impl MiniLm {
    /// Runs one batch, when its turn has come, on a thread that may block.
    async fn run(&self, batch: Vec<String>) -> Result<Vec<Vec<f32>>, Error> {
        let permit = self.workers.clone().acquire_owned().await.map_err(local)?;
        let engine = self.engine.clone();
        // The permit goes along: a caller that gives up does not stop the batch that is running.
        let run = move || {
            let _permit = permit;
            engine.run(&batch)
        };
        tokio::task::spawn_blocking(run).await.map_err(local)?
    }
}

/// Where the last batch of texts sorted by length starts, or `None` when there are none. The texts of a batch are
/// padded to the longest, which costs time and, with small weights, a little precision: so like goes with like.
fn batch_start(texts: &[(usize, String)]) -> Option<usize> {
    let longest = texts.last()?.1.len();
    let first = texts.len().saturating_sub(BATCH);
    let alike = |(_, text): &(usize, String)| text.len() * 2 + PADDING >= longest;
    Some(first + texts[first..].partition_point(|text| !alike(text)))
}

impl Engine {
    fn run(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        let tokens = texts
            .iter()
            .map(|text| self.tokens(text))
            .collect::<Result<Vec<_>, _>>()?;
        let free = lock(&self.pools).pop();
        // There are as many as permits; one is missing only after a panic.
        let pool = free.unwrap_or_else(|| Arc::new(ThreadPool::with_num_threads(1)));
        let vectors = self.infer(&tokens, pool.clone());
        lock(&self.pools).push(pool);
        vectors
    }

    fn tokens(&self, text: &str) -> Result<Vec<u32>, Error> {
        let end = text.char_indices().nth(MAX_CHARS).map_or(text.len(), |(end, _)| end);
        self.words.tokens(&text[..end], MAX_TOKENS)
    }

    fn infer(&self, tokens: &[Vec<u32>], pool: Arc<ThreadPool>) -> Result<Vec<Vec<f32>>, Error> {
        let shape = [tokens.len(), tokens.iter().map(Vec::len).max().unwrap_or(0)];
        let ids = NdTensor::from_fn(shape, |[row, column]| {
            tokens[row].get(column).map_or(0, |id| *id as i32)
        });
        let mask = NdTensor::from_fn(shape, |[row, column]| f32::from(column < tokens[row].len()));
        let node = |name| self.model.node_id(name).map_err(local);
        let inputs = vec![(node("ids")?, ids.into()), (node("mask")?, mask.into())];
        let options = RunOptions::default().with_thread_pool(Some(pool));
        let [output] = self
            .model
            .run_n(inputs, [node("embedding")?], Some(options))
            .map_err(local)?;
        let output: NdTensor<f32, 2> = output.try_into().map_err(local)?;
        Ok(output
            .data()
            .unwrap_or_default()
            .chunks_exact(WIDTH)
            .map(<[f32]>::to_vec)
            .collect())
    }
}

/// The prepared model, from the cache or made anew.
fn load_model(weights: &Path, cached: &Path, precision: Precision) -> Result<Model, Error> {
    match fs::read(cached)
        .map_err(local)
        .and_then(|file| Model::load(file).map_err(local))
    {
        Ok(model) => return Ok(model),
        Err(error) if cached.exists() => tracing::warn!(%error, "preparing the embedding model again"),
        Err(_) => {}
    }
    let file = graph::build(&read(weights)?, precision)?;
    if let Err(error) = keep(&file, cached) {
        // It only costs the next start a second.
        tracing::warn!(%error, path = %cached.display(), "cannot keep the prepared embedding model");
    }
    open(file)
}

fn open(file: Vec<u8>) -> Result<Model, Error> {
    ModelOptions::with_all_ops()
        .prepack_weights(true)
        .load(file)
        .map_err(local)
}

/// Writes beside and renames, so that no other process ever reads half a file.
fn keep(file: &[u8], cached: &Path) -> std::io::Result<()> {
    if let Some(dir) = cached.parent() {
        fs::create_dir_all(dir)?;
    }
    let partial: PathBuf = cached.with_extension(format!("{}.partial", std::process::id()));
    let written = fs::write(&partial, file).and_then(|()| fs::rename(&partial, cached));
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::ModelMissing(format!("{}: {error}", path.display())))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::batch_start;

    fn start(lengths: &[usize]) -> Option<usize> {
        let texts: Vec<(usize, String)> = lengths.iter().map(|length| (0, "x".repeat(*length))).collect();
        batch_start(&texts)
    }

    #[test]
    fn batches_hold_texts_of_like_length() {
        assert_eq!(start(&[]), None);
        assert_eq!(start(&[5]), Some(0));
        assert_eq!(start(&[0, 10, 30]), Some(0), "short texts go together");
        assert_eq!(start(&[10, 100, 300, 500]), Some(2));
        assert_eq!(start(&[7; 40]), Some(8), "32 at most");
    }
}
