//! A thread that writes answers, one after the other.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use tokio::sync::{OwnedSemaphorePermit, mpsc as channel};

use super::text::Characters;
use super::{backend, failed, prompt};
use crate::{ChatRequest, Chunk, Error, Finish, Usage};

/// Tokens of prompt and answer together. A longer context costs memory, and seconds before the first token.
const CONTEXT: usize = 2048;
/// The part of the context that is kept free for the answer, if the answer may be so long.
const ANSWER: usize = 512;
/// Prompt tokens that are read in one go: between two goes the worker sees that the reader has left.
const STEP: usize = 16;
/// Seeds the choice among likely words. Fixed, so that an answer can be had again.
const SEED: u32 = 20_240_117;
/// How many of the last tokens are made less likely to come again, and by how much: small models like to loop.
const PENALTY: (i32, f32) = (64, 1.15);
/// Words are chosen among the likeliest that make up this share.
const TOP_P: f32 = 0.92;
const TOP_K: i32 = 40;

/// One answer to write.
pub(super) struct Job {
    pub(super) request: ChatRequest,
    pub(super) chunks: channel::Sender<Result<Chunk, Error>>,
    /// Given back when the job is done or given up.
    pub(super) _permit: OwnedSemaphorePermit,
}

/// What a thread needs.
pub(super) struct Worker {
    pub(super) model: Arc<LlamaModel>,
    pub(super) threads: i32,
    pub(super) queue: Arc<Mutex<mpsc::Receiver<Job>>>,
}

impl Worker {
    /// Writes answers until the model is dropped.
    pub(super) fn work(&self) {
        // Made for the first answer, so that an idle server does not pay for it, and kept for the next ones.
        let mut writer = None;
        while let Some(job) = self.next_job() {
            // A panic must not take the thread, or later answers would wait for ever.
            let result = catch_unwind(AssertUnwindSafe(|| self.answer(&mut writer, &job)));
            let result = result.unwrap_or_else(|_| Err(failed("it panicked")));
            if let Err(error) = result {
                tracing::warn!(%error, "a local answer failed");
                writer = None;
                let _ = job.chunks.blocking_send(Err(error));
            }
        }
    }

    fn next_job(&self) -> Option<Job> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }

    fn answer<'a>(&'a self, writer: &mut Option<Writer<'a>>, job: &Job) -> Result<(), Error> {
        let writer = match writer {
            Some(writer) => writer,
            None => writer.insert(self.writer()?),
        };
        match writer.answer(job) {
            Ok(()) | Err(Stop::ReaderLeft) => Ok(()),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn writer(&self) -> Result<Writer<'_>, Error> {
        // llama.cpp must not make two contexts of one model at the same time.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(CONTEXT as u32))
            .with_n_batch(STEP as u32)
            .with_n_ubatch(STEP as u32)
            .with_n_threads(self.threads)
            .with_n_threads_batch(self.threads);
        let context = self.model.new_context(backend()?, params).map_err(failed)?;
        Ok(Writer {
            model: &self.model,
            context,
            batch: LlamaBatch::new(STEP, 1),
            read: Vec::new(),
        })
    }
}

/// Why an answer was not finished.
enum Stop {
    ReaderLeft,
    Failed(Error),
}

impl<E: std::error::Error> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(failed(error))
    }
}

/// A context and what it has read.
struct Writer<'a> {
    model: &'a LlamaModel,
    context: LlamaContext<'a>,
    batch: LlamaBatch<'static>,
    /// The tokens in the context: a prompt that starts like the last one, as the next turn of a chat does, is not
    /// read again from its beginning.
    read: Vec<LlamaToken>,
}

impl Writer<'_> {
    fn answer(&mut self, job: &Job) -> Result<(), Stop> {
        let request = &job.request;
        let limit = request.max_tokens as usize;
        let prompt = prompt::tokens(&self.model.vocab(), &request.messages, CONTEXT - limit.clamp(1, ANSWER));
        self.read_prompt(&prompt, job)?;
        let (finish, output_tokens) = self.write(job, limit.min(CONTEXT - prompt.len()))?;
        let usage = Usage {
            input_tokens: prompt.len() as u32,
            output_tokens,
        };
        send(job, Chunk::End { finish, usage })
    }

    fn read_prompt(&mut self, prompt: &[LlamaToken], job: &Job) -> Result<(), Stop> {
        let same = self.read.iter().zip(prompt).take_while(|(old, new)| old == new).count();
        // At least one token is read, for the first word of the answer is chosen from what it leads to.
        let keep = same.min(prompt.len() - 1);
        self.context.clear_kv_cache_seq(Some(0), Some(keep as u32), None)?;
        self.read.truncate(keep);
        for step in prompt[keep..].chunks(STEP) {
            self.decode(step, job)?;
        }
        Ok(())
    }

    /// Writes up to `limit` tokens. Returns why it ended and how many they were.
    fn write(&mut self, job: &Job, limit: usize) -> Result<(Finish, u32), Stop> {
        let vocab = self.model.vocab();
        let mut sampler = sampler(self.model, job.request.temperature);
        let mut characters = Characters::default();
        let mut written = 0;
        let finish = loop {
            if written as usize >= limit {
                break Finish::Length;
            }
            let token = sampler.sample(&self.context, -1);
            if vocab.is_eog(token) {
                break Finish::Stop;
            }
            written += 1;
            send_text(job, characters.push(&vocab.token_to_piece(token, false, None)))?;
            if (written as usize) < limit {
                self.decode(&[token], job)?;
            }
        };
        send_text(job, characters.finish())?;
        Ok((finish, written))
    }

    /// Reads these tokens into the context, unless nobody waits for the answer any more.
    fn decode(&mut self, tokens: &[LlamaToken], job: &Job) -> Result<(), Stop> {
        if job.chunks.is_closed() {
            return Err(Stop::ReaderLeft);
        }
        self.batch.clear();
        for (place, token) in tokens.iter().enumerate() {
            let position = self.read.len() + place;
            self.batch
                .add(*token, position as i32, &[0], place + 1 == tokens.len())?;
        }
        self.context.decode(&mut self.batch)?;
        self.read.extend_from_slice(tokens);
        Ok(())
    }
}

fn sampler(model: &LlamaModel, temperature: f32) -> LlamaSampler {
    let (last, factor) = PENALTY;
    let penalties = LlamaSampler::penalties(model.n_vocab(), last, factor, 0.0, 0.0);
    if temperature <= 0.0 {
        return LlamaSampler::chain_simple([penalties, LlamaSampler::greedy()]);
    }
    LlamaSampler::chain_simple([
        penalties,
        LlamaSampler::top_k(TOP_K),
        LlamaSampler::top_p(TOP_P, 1),
        LlamaSampler::temp(temperature),
        LlamaSampler::dist(SEED),
    ])
}

fn send_text(job: &Job, text: String) -> Result<(), Stop> {
    if text.is_empty() {
        Ok(())
    } else {
        send(job, Chunk::Text(text))
    }
}

/// Waits while the reader is slow.
fn send(job: &Job, chunk: Chunk) -> Result<(), Stop> {
    job.chunks.blocking_send(Ok(chunk)).map_err(|_| Stop::ReaderLeft)
}
