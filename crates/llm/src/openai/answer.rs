//! One answer off the wire: reads the body as it comes and gives it as [`Chunk`]s.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use reqwest::Response;
use tokio::time::{Instant, timeout_at};

use super::{OpenAiConfig, sse, whole_seconds, wire};
use crate::chat::estimate_tokens;
use crate::{ChatRequest, ChatStream, Chunk, Error, Finish, Usage};

/// The largest answer that is read whole, from a server that does not stream.
const MAX_JSON_BYTES: usize = 16 << 20;

/// How the body has to be read.
enum Form {
    Events(sse::Parser),
    Json(Vec<u8>),
}

/// The state between two chunks.
pub(super) struct Answer {
    response: Response,
    form: Form,
    /// What was read and not yet given. An error waits behind the text that came before it.
    ready: VecDeque<Result<Chunk, Error>>,
    /// When to give up: on the first token, then on the next piece.
    deadline: Instant,
    first_token_timeout: Duration,
    idle_timeout: Duration,
    started: bool,
    /// The server said that it streams, or has shown it.
    streams: bool,
    finish: Option<Finish>,
    usage: Option<Usage>,
    input_chars: usize,
    output_chars: usize,
    over: bool,
}

impl Answer {
    pub(super) fn new(response: Response, request: &ChatRequest, config: &OpenAiConfig, deadline: Instant) -> Self {
        Self {
            form: form(&response),
            streams: has_type(&response, "text/event-stream"),
            response,
            ready: VecDeque::new(),
            deadline,
            first_token_timeout: config.first_token_timeout,
            idle_timeout: config.idle_timeout,
            started: false,
            finish: None,
            usage: None,
            input_chars: request
                .messages
                .iter()
                .map(|message| message.content.chars().count())
                .sum(),
            output_chars: 0,
            over: false,
        }
    }

    pub(super) fn into_stream(self) -> ChatStream {
        stream::unfold(self, |mut answer| async move {
            let item = answer.next().await?;
            answer.over |= !matches!(item, Ok(Chunk::Text(_)));
            Some((item, answer))
        })
        .boxed()
    }

    async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        loop {
            if self.over {
                return None;
            }
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            if let Err(error) = self.read_more().await {
                self.ready.push_back(Err(error));
            }
        }
    }

    /// Waits for the network once and takes in what came.
    async fn read_more(&mut self) -> Result<(), Error> {
        let read = match timeout_at(self.deadline, self.response.chunk()).await {
            Ok(read) => read,
            // The answer is whole; only a count or a closing mark is missing.
            Err(_) if self.finish.is_some() => return self.end(),
            Err(_) => return Err(self.timed_out()),
        };
        match read {
            Ok(Some(bytes)) => self.take(&bytes),
            Ok(None) => self.body_ended(),
            Err(_) if self.finish.is_some() => self.end(),
            Err(error) => {
                tracing::debug!(
                    error = super::plain(&error.without_url()),
                    "the provider's stream broke"
                );
                Err(Error::CutOff)
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.started {
            self.deadline = Instant::now() + self.idle_timeout;
        }
        match &mut self.form {
            Form::Json(body) if body.len() + bytes.len() > MAX_JSON_BYTES => {
                return Err(Error::Malformed("the answer is longer than 16 MiB".into()));
            }
            Form::Json(body) => body.extend_from_slice(bytes),
            Form::Events(parser) => parser.push(bytes),
        }
        self.take_events()
    }

    fn take_events(&mut self) -> Result<(), Error> {
        while let Form::Events(parser) = &mut self.form {
            let Some(data) = parser.next_event()? else { break };
            self.event(&data)?;
            if self.ended() {
                break;
            }
        }
        Ok(())
    }

    fn event(&mut self, data: &[u8]) -> Result<(), Error> {
        self.streams = true;
        let data = data.trim_ascii();
        match data {
            // Some servers send empty events to keep the connection open.
            b"" => Ok(()),
            b"[DONE]" => self.end(),
            _ => {
                let told = wire::read(data)?;
                self.note(told);
                Ok(())
            }
        }
    }

    fn note(&mut self, told: wire::Told) {
        self.finish = told.finish.or(self.finish);
        self.usage = told.usage.or(self.usage);
        if told.thinking || told.text.is_some() {
            self.started = true;
            self.deadline = Instant::now() + self.idle_timeout;
        }
        if let Some(text) = told.text {
            self.output_chars += text.chars().count();
            self.ready.push_back(Ok(Chunk::Text(text)));
        }
    }

    fn body_ended(&mut self) -> Result<(), Error> {
        match &mut self.form {
            Form::Json(body) => {
                let told = wire::read(&std::mem::take(body))?;
                // Without a reason the answer came whole all the same: the length of the body says so.
                self.finish = Some(told.finish.unwrap_or(Finish::Stop));
                self.note(told);
            }
            Form::Events(parser) => {
                if let Some(data) = parser.finish()? {
                    // Half an event is what a cut connection leaves behind, not a server that writes nonsense.
                    self.event(&data).map_err(|error| match error {
                        Error::Malformed(_) => Error::CutOff,
                        error => error,
                    })?;
                }
            }
        }
        match self.finish {
            Some(_) => self.end(),
            None if self.ended() => Ok(()),
            None if self.streams => Err(Error::CutOff),
            None => Err(Error::Malformed(
                "it is neither JSON nor an event stream; is the base URL right?".into(),
            )),
        }
    }

    /// Queues the end, once.
    fn end(&mut self) -> Result<(), Error> {
        if !self.ended() {
            let finish = self.finish.unwrap_or(Finish::Stop);
            let usage = self.usage();
            self.ready.push_back(Ok(Chunk::End { finish, usage }));
        }
        Ok(())
    }

    fn ended(&self) -> bool {
        matches!(self.ready.back(), Some(Ok(Chunk::End { .. })))
    }

    /// What the server counted, or our estimate where it did not.
    fn usage(&self) -> Usage {
        self.usage.unwrap_or_else(|| Usage {
            input_tokens: estimate_tokens(self.input_chars),
            output_tokens: estimate_tokens(self.output_chars),
        })
    }

    fn timed_out(&self) -> Error {
        match self.started {
            true => Error::Timeout {
                what: "the next token",
                seconds: whole_seconds(self.idle_timeout),
            },
            false => Error::Timeout {
                what: "the first token",
                seconds: whole_seconds(self.first_token_timeout),
            },
        }
    }
}

/// A server that ignores `stream` answers with one JSON object, and says so in its content type.
fn form(response: &Response) -> Form {
    match has_type(response, "application/json") {
        true => Form::Json(Vec::new()),
        false => Form::Events(sse::Parser::default()),
    }
}

fn has_type(response: &Response, wanted: &str) -> bool {
    let found = response
        .headers()
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|found| found.to_str().ok());
    found.is_some_and(|found| found.to_ascii_lowercase().starts_with(wanted))
}
