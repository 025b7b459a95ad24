//! A chat model inside the process, through llama.cpp: no other service, and nothing said leaves the machine.

mod prompt;
mod text;
mod worker;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::thread;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::{LogOptions, send_logs_to_tracing};
use tokio::sync::{Semaphore, mpsc as channel};

use crate::{ChatModel, ChatRequest, ChatStream, Chunk, Error};
use worker::{Job, Worker};

/// Pieces of text that may wait for a slow reader before the model stops to wait too.
const UNREAD_CHUNKS: usize = 32;
/// Conversations that may wait for each worker. More would wait for minutes; they are told to come back.
const WAITING_PER_WORKER: usize = 16;
/// When to come back, in seconds.
const RETRY_AFTER_S: u64 = 30;

/// A model loaded from a GGUF file with the ChatML template (SmolLM2, Qwen and others). Has its own threads, which end
/// with the last clone of the model's queue; answers that are being written are finished first.
#[derive(Debug)]
pub struct Local {
    jobs: Mutex<mpsc::Sender<Job>>,
    max_concurrent: usize,
    /// Answers being written.
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Local {
    /// Loads a model, in about a tenth of a second for a small one. `threads` compute each answer, and at most
    /// `max_concurrent` answers are written at the same time, each with some 50 MB of context. Blocking.
    ///
    /// # Errors
    /// [`Error::ModelMissing`] when the file is not there, [`Error::Local`] when it cannot be used.
    pub fn load(gguf: &Path, threads: u32, max_concurrent: usize) -> Result<Self, Error> {
        if !gguf.is_file() {
            return Err(Error::ModelMissing(gguf.display().to_string()));
        }
        let model = LlamaModel::load_from_file(backend()?, gguf, &LlamaModelParams::default());
        let model = Arc::new(model.map_err(failed)?);
        check_template(&model)?;
        let max_concurrent = max_concurrent.max(1);
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..max_concurrent {
            let worker = Worker {
                model: model.clone(),
                threads: threads.max(1) as i32,
                queue: queue.clone(),
            };
            let named = thread::Builder::new().name(format!("local-model-{number}"));
            named.spawn(move || worker.work()).map_err(failed)?;
        }
        let running = Arc::new(Semaphore::new(max_concurrent));
        Ok(Self {
            jobs: Mutex::new(jobs),
            max_concurrent,
            running,
            waiting: AtomicUsize::new(0),
        })
    }

    /// How many answers are being written now.
    pub fn busy(&self) -> usize {
        self.max_concurrent - self.running.available_permits()
    }
}

#[async_trait]
impl ChatModel for Local {
    fn provider(&self) -> &'static str {
        "local"
    }

    async fn chat(&self, request: ChatRequest) -> Result<ChatStream, Error> {
        let place = Waiting::enter(&self.waiting, self.max_concurrent * WAITING_PER_WORKER)?;
        let permit = self.running.clone().acquire_owned().await.map_err(failed)?;
        drop(place);
        let (chunks, received) = channel::channel(UNREAD_CHUNKS);
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.send(Job {
            request,
            chunks,
            _permit: permit,
        })
        .map_err(|_| failed("its threads are gone"))?;
        Ok(Received {
            chunks: received,
            over: false,
        }
        .into_stream())
    }
}

/// The reader's end of an answer. Dropping it closes the channel, which the worker sees before its next token.
struct Received {
    chunks: channel::Receiver<Result<Chunk, Error>>,
    over: bool,
}

impl Received {
    fn into_stream(self) -> ChatStream {
        stream::unfold(self, |mut received| async move {
            if received.over {
                return None;
            }
            // A worker that ends without a word has panicked; its log says why.
            let item = received
                .chunks
                .recv()
                .await
                .unwrap_or_else(|| Err(failed("it stopped in mid-answer")));
            received.over = !matches!(item, Ok(Chunk::Text(_)));
            Some((item, received))
        })
        .boxed()
    }
}

/// A place in the queue, given back when dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicUsize, limit: usize) -> Result<Self, Error> {
        let place = Self(waiting);
        match waiting.fetch_add(1, Ordering::Relaxed) < limit {
            true => Ok(place),
            false => Err(Error::RateLimited {
                retry_after_s: Some(RETRY_AFTER_S),
            }),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// llama.cpp's own start-up, once a process.
fn backend() -> Result<&'static LlamaBackend, Error> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    let backend = BACKEND.get_or_init(|| {
        send_logs_to_tracing(LogOptions::default().with_logs_enabled(false));
        LlamaBackend::init().map_err(|error| error.to_string())
    });
    backend.as_ref().map_err(failed)
}

fn check_template(model: &LlamaModel) -> Result<(), Error> {
    let template = model.chat_template(None).map_err(failed)?;
    match template.as_c_str().to_string_lossy().contains("<|im_start|>") {
        true => Ok(()),
        false => Err(failed("its chat template is not ChatML")),
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Local(error.to_string())
}
