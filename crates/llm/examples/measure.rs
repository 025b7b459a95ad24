//! Measures the models inside the process: `cargo run --release -p parlor-llm --example measure --features local-llm`.
//! Needs the weights (`parlor models pull`). Prints medians in milliseconds.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use parlor_llm::embed::Precision;
use parlor_llm::models::{MINILM, Store, default_dir};
use parlor_llm::{Embedder, MiniLm};

/// About twenty tokens.
const SHORT: &str = "My sister Anna moved to Lisbon last May and works there as a nurse in a big hospital.";
const REPETITIONS: usize = 60;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::var_os("PARLOR_MODELS_DIR")
        .map(PathBuf::from)
        .or_else(default_dir);
    let store = Store::new(dir.ok_or("no folder of models: set PARLOR_MODELS_DIR")?);
    let mut out = io::stdout();
    for precision in [Precision::Int8, Precision::F32] {
        embeddings(&store, precision, &mut out).await?;
    }
    #[cfg(feature = "local-llm")]
    answers::measure(&store, &mut out).await?;
    Ok(())
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn embeddings(store: &Store, precision: Precision, out: &mut impl Write) -> Outcome {
    let cache = std::env::temp_dir().join(format!("parlor-measure-{}", std::process::id()));
    let before = resident_mb();
    let prepare = Instant::now();
    drop(MiniLm::load_with(&store.model_dir(&MINILM), &cache, precision)?);
    let prepare = prepare.elapsed();
    let load = Instant::now();
    let model = MiniLm::load_with(&store.model_dir(&MINILM), &cache, precision)?;
    let load = load.elapsed();
    std::fs::remove_dir_all(cache)?;
    writeln!(
        out,
        "{}: first load {:.0}, later loads {:.1}",
        model.model_id(),
        ms(prepare),
        ms(load)
    )?;
    let long = [SHORT; 6].join(" ");
    for (name, text) in [("short text", SHORT), ("128 tokens", &long)] {
        for batch in [1, 8, 32] {
            let texts = vec![text.to_owned(); batch];
            let time = median(&model, &texts).await?;
            writeln!(out, "  {name}, batch of {batch}: {:.2} a text", ms(time) / batch as f64)?;
        }
    }
    writeln!(out, "  resident memory: {:.0} MB, {:.0} before", resident_mb(), before)?;
    Ok(())
}

async fn median(model: &MiniLm, texts: &[String]) -> Result<Duration, parlor_llm::Error> {
    let mut times = Vec::new();
    for _ in 0..REPETITIONS {
        let start = Instant::now();
        model.embed(texts.to_vec()).await?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What the process holds in memory; 0 where the system does not say.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}

#[cfg(feature = "local-llm")]
mod answers {
    use std::io::Write;
    use std::time::Instant;

    use futures_util::StreamExt;
    use parlor_llm::models::{SMOLLM2, Store};
    use parlor_llm::{ChatModel, ChatRequest, Chunk, Local, Message, Role, Usage};

    use super::{Outcome, ms, resident_mb};

    pub(super) async fn measure(store: &Store, out: &mut impl Write) -> Outcome {
        for threads in [1, 2] {
            let before = resident_mb();
            let load = Instant::now();
            let model = Local::load(&store.path(&SMOLLM2, SMOLLM2.files[0].name), threads, 1)?;
            writeln!(out, "{}, threads {threads}: load {:.0}", SMOLLM2.id, ms(load.elapsed()))?;
            answer(&model, "start-up", "Hello", out).await?;
            answer(
                &model,
                "short question",
                "What should I cook for dinner tonight, and why?",
                out,
            )
            .await?;
            let long = "I went to the market and bought some bread, cheese and apples. ".repeat(30);
            answer(&model, "long question", &long, out).await?;
            answer(&model, "the same again", &long, out).await?;
            writeln!(out, "  resident memory: {:.0} MB, {before:.0} before", resident_mb())?;
        }
        Ok(())
    }

    async fn answer(model: &Local, name: &str, question: &str, out: &mut impl Write) -> Outcome {
        let messages = vec![Message::new(Role::User, question)];
        let request = ChatRequest {
            model: String::new(),
            messages,
            max_tokens: 200,
            temperature: 0.7,
        };
        let start = Instant::now();
        let mut stream = model.chat(request).await?;
        let mut first = None;
        let mut usage = Usage::default();
        while let Some(chunk) = stream.next().await {
            match chunk? {
                Chunk::Text(_) => drop(first.get_or_insert_with(|| start.elapsed())),
                Chunk::End { usage: counted, .. } => usage = counted,
            }
        }
        let first = first.unwrap_or_default();
        let rate = f64::from(usage.output_tokens.saturating_sub(1)) / (start.elapsed() - first).as_secs_f64();
        writeln!(
            out,
            "  {name}: {} tokens in, first token {:.0}, then {rate:.0} tokens/s ({} tokens)",
            usage.input_tokens,
            ms(first),
            usage.output_tokens
        )?;
        Ok(())
    }
}
