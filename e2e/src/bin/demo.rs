//! The story Parlor exists for: a person says something, comes back in a new chat, and is remembered; a second person
//! is told nothing of it. Ends with status 1 when any step does not hold.
//!
//! usage: demo [URL] (default http://127.0.0.1:8080; when nothing answers there, one is started for the demo)

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use parlor_e2e::client::{Answer, Person};
use parlor_e2e::process::{http_client, wait_until_ok};
use parlor_e2e::server::Parlor;

const DEFAULT_URL: &str = "http://127.0.0.1:8080";
const STATEMENT: &str = "My name is Ada, I live in Lisbon and I am allergic to peanuts.";
const QUESTION: &str = "What am I allergic to?";
/// The word of the statement that the question must bring back.
const ALLERGEN: &str = "peanut";
/// How long learning may take after an answer: it is a background job.
const LEARNING_LIMIT: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(std::env::args().nth(1)).await {
        Ok(()) => {
            say("\nEvery step held.\n");
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("\n\nThe demo did not hold: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

async fn run(url: Option<String>) -> Result<()> {
    let (url, _server) = find_or_start(url).await?;
    let ada = Person::join(&url, "Ada").await?;
    say(&format!("Ada registered as {} and logged in at {url}.\n", ada.email));

    chat(&ada, "Ada", STATEMENT).await?;
    say(&format!(
        "\nRemembered after {}.\n",
        milliseconds(wait_until_learned(&ada).await?)
    ));

    say("\nAda opens a new chat.\n");
    let answer = chat(&ada, "Ada", QUESTION).await?;
    ensure!(
        mentions_allergen(&answer.recalled),
        "what Ada said was not recalled: {:?}",
        answer.recalled
    );

    let bob = Person::join(&url, "Bob").await?;
    say(&format!("\nBob, a second person, registered as {}.\n", bob.email));
    let answer = chat(&bob, "Bob", QUESTION).await?;
    ensure!(
        answer.recalled.is_empty(),
        "Bob was told of somebody else's memories: {:?}",
        answer.recalled
    );
    ensure!(
        bob.memories().await?.iter().all(|memory| !memory.contains(ALLERGEN)),
        "Bob has Ada's memories"
    );
    Ok(())
}

/// The server to talk to: the one that answers at the URL, or, when none was named and none answers, one of our own.
async fn find_or_start(url: Option<String>) -> Result<(String, Option<Parlor>)> {
    let named = url.is_some();
    let url = url.unwrap_or_else(|| DEFAULT_URL.to_owned());
    let live = format!("{}/live", url.trim_end_matches('/'));
    match wait_until_ok(&http_client()?, &live, Duration::ZERO).await {
        Ok(_) => return Ok((url, None)),
        Err(error) if named => return Err(error),
        Err(_) => {}
    }
    say(&format!(
        "Nothing answers at {url}: starting a Parlor for this demo, with a data folder of its own …\n"
    ));
    let start = Instant::now();
    let server = Parlor::start(&[]).await?;
    say(&format!("It answers after {}.\n", milliseconds(start.elapsed())));
    Ok((server.url(), Some(server)))
}

/// One question in a new chat, with the answer on the terminal as it streams.
async fn chat(person: &Person, name: &str, content: &str) -> Result<Answer> {
    let chat = person.open_chat().await?;
    say(&format!("\n{name}:   {content}\nParlor: "));
    let answer = person.say(&chat, content, say).await?;
    say("\n");
    show("recalled", &answer.recalled);
    show("learned", &answer.learned);
    ensure!(answer.status == "complete", "the answer ended as {:?}", answer.status);
    ensure!(!answer.text.trim().is_empty(), "the answer is empty");
    say(&format!("        ({})\n", timings(&answer)));
    Ok(answer)
}

fn show(what: &str, memories: &[String]) {
    match memories {
        [] => say(&format!("        (nothing was {what})\n")),
        memories => memories
            .iter()
            .for_each(|memory| say(&format!("        ({what}: {memory})\n"))),
    }
}

fn timings(answer: &Answer) -> String {
    let first = answer.first_text.unwrap_or_default();
    let streaming = answer.total.saturating_sub(first).as_secs_f64();
    let rate = if streaming > 0.0 {
        answer.pieces as f64 / streaming
    } else {
        0.0
    };
    let (first, total) = (milliseconds(first), milliseconds(answer.total));
    format!(
        "first text after {first}, {} pieces in {total}, {rate:.0} pieces/s",
        answer.pieces
    )
}

async fn wait_until_learned(person: &Person) -> Result<Duration> {
    let start = Instant::now();
    loop {
        let memories = person.memories().await?;
        if mentions_allergen(&memories) {
            return Ok(start.elapsed());
        }
        ensure!(
            start.elapsed() < LEARNING_LIMIT,
            "nothing was learned in {LEARNING_LIMIT:?}: {memories:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn mentions_allergen(memories: &[String]) -> bool {
    memories.iter().any(|memory| memory.to_lowercase().contains(ALLERGEN))
}

fn milliseconds(duration: Duration) -> String {
    format!("{} ms", duration.as_millis())
}

/// Writes at once, so that an answer is seen as it streams. A closed terminal is no reason to stop.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}
