//! A chat model for tests: says what it is told to, word by word, at the pace the test sets.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use tokio::sync::{Semaphore, watch};

use crate::{ChatModel, ChatRequest, ChatStream, Chunk, Error, Finish, Role, Usage};

type Rule = Arc<dyn Fn(&ChatRequest) -> Option<String> + Send + Sync>;

/// A scripted chat model. Clones share one script and one record, so a test keeps a clone of what it gives away.
#[derive(Clone)]
pub struct Scripted {
    rules: Vec<Rule>,
    fallback: String,
    delay: Duration,
    failure: Option<Error>,
    failure_after: Option<(usize, Error)>,
    shared: Arc<Shared>,
}

struct Shared {
    requests: Mutex<Vec<ChatRequest>>,
    failures: Mutex<VecDeque<Error>>,
    gate: Mutex<Option<Gate>>,
    /// Requests received, answers being streamed.
    counts: watch::Sender<(usize, usize)>,
}

impl Default for Scripted {
    fn default() -> Self {
        Self::new()
    }
}

impl Scripted {
    /// A model that says "OK." to everything, at once.
    pub fn new() -> Self {
        let shared = Shared {
            requests: Mutex::default(),
            failures: Mutex::default(),
            gate: Mutex::default(),
            counts: watch::Sender::new((0, 0)),
        };
        Self {
            rules: Vec::new(),
            fallback: "OK.".into(),
            delay: Duration::ZERO,
            failure: None,
            failure_after: None,
            shared: Arc::new(shared),
        }
    }

    /// Answers `text` when the last message by the user contains `part`. The first rule that fits wins.
    pub fn reply_when(self, part: impl Into<String>, text: impl Into<String>) -> Self {
        let (part, text) = (part.into(), text.into());
        self.reply_by(move |request| last_user_message(request).contains(&part).then(|| text.clone()))
    }

    /// Answers what `rule` returns, when it returns something.
    pub fn reply_by(mut self, rule: impl Fn(&ChatRequest) -> Option<String> + Send + Sync + 'static) -> Self {
        self.rules.push(Arc::new(rule));
        self
    }

    /// What is said when no rule fits.
    pub fn fallback(mut self, text: impl Into<String>) -> Self {
        self.fallback = text.into();
        self
    }

    /// Waits this long before each token.
    pub fn delay_per_token(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Refuses every request with `error`.
    pub fn fail_with(mut self, error: Error) -> Self {
        self.failure = Some(error);
        self
    }

    /// Breaks every answer with `error` after `tokens` tokens.
    pub fn fail_after_tokens(mut self, tokens: usize, error: Error) -> Self {
        self.failure_after = Some((tokens, error));
        self
    }

    /// Refuses the next request with `error`; several calls queue up.
    pub fn fail_next(&self, error: Error) {
        lock(&self.shared.failures).push_back(error);
    }

    /// From now on, answers wait for the returned gate before each token, and before the end.
    pub fn hold(&self) -> Gate {
        let gate = Gate(Arc::new(Semaphore::new(0)));
        *lock(&self.shared.gate) = Some(gate.clone());
        gate
    }

    /// Every request received, oldest first.
    pub fn requests(&self) -> Vec<ChatRequest> {
        lock(&self.shared.requests).clone()
    }

    /// Answers that are being streamed: neither ended nor dropped.
    pub fn live(&self) -> usize {
        self.shared.counts.borrow().1
    }

    /// Waits until at least `count` requests have been received.
    pub async fn until_requests(&self, count: usize) {
        let mut counts = self.shared.counts.subscribe();
        // The sender lives as long as `self`.
        let _ = counts.wait_for(|(requests, _)| *requests >= count).await;
    }

    /// Waits until exactly `count` answers are being streamed; 0 shows that a cancelled answer was given up.
    pub async fn until_live(&self, count: usize) {
        let mut counts = self.shared.counts.subscribe();
        let _ = counts.wait_for(|(_, live)| *live == count).await;
    }

    fn text(&self, request: &ChatRequest) -> String {
        self.rules
            .iter()
            .find_map(|rule| rule(request))
            .unwrap_or_else(|| self.fallback.clone())
    }
}

#[async_trait]
impl ChatModel for Scripted {
    fn provider(&self) -> &'static str {
        "scripted"
    }

    async fn chat(&self, request: ChatRequest) -> Result<ChatStream, Error> {
        lock(&self.shared.requests).push(request.clone());
        self.shared.counts.send_modify(|(requests, _)| *requests += 1);
        let next_failure = lock(&self.shared.failures).pop_front();
        if let Some(error) = next_failure.or_else(|| self.failure.clone()) {
            return Err(error);
        }
        let play = Play::new(self, &request);
        Ok(stream::unfold(play, |mut play| async move { Some((play.next().await?, play)) }).boxed())
    }
}

/// Lets the tokens of held answers through, one permit a token and one for the end, first come, first served.
#[derive(Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// Lets `tokens` more tokens pass.
    pub fn release(&self, tokens: usize) {
        self.0.add_permits(tokens);
    }

    /// Opens the gate for good.
    pub fn release_all(&self) {
        self.0.close();
    }

    async fn pass(&self) {
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

/// One answer being played.
struct Play {
    tokens: VecDeque<String>,
    said: usize,
    finish: Finish,
    input_tokens: u32,
    delay: Duration,
    failure_after: Option<(usize, Error)>,
    gate: Option<Gate>,
    over: bool,
    _live: Live,
}

impl Play {
    fn new(model: &Scripted, request: &ChatRequest) -> Self {
        let mut tokens = tokens(&model.text(request));
        let limit = request.max_tokens as usize;
        let finish = if tokens.len() > limit {
            Finish::Length
        } else {
            Finish::Stop
        };
        tokens.truncate(limit);
        Self {
            tokens,
            said: 0,
            finish,
            input_tokens: request.messages.iter().map(|message| count(&message.content)).sum(),
            delay: model.delay,
            failure_after: model.failure_after.clone(),
            gate: lock(&model.shared.gate).clone(),
            over: false,
            _live: Live::new(model.shared.clone()),
        }
    }

    async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        if self.over {
            return None;
        }
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        if let Some((_, error)) = self.failure_after.take_if(|(tokens, _)| *tokens == self.said) {
            self.over = true;
            return Some(Err(error));
        }
        let Some(token) = self.tokens.pop_front() else {
            self.over = true;
            let usage = Usage {
                input_tokens: self.input_tokens,
                output_tokens: self.said as u32,
            };
            return Some(Ok(Chunk::End {
                finish: self.finish,
                usage,
            }));
        };
        self.said += 1;
        Some(Ok(Chunk::Text(token)))
    }
}

/// Counts an answer as live until it is dropped.
struct Live(Arc<Shared>);

impl Live {
    fn new(shared: Arc<Shared>) -> Self {
        shared.counts.send_modify(|(_, live)| *live += 1);
        Self(shared)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.counts.send_modify(|(_, live)| *live -= 1);
    }
}

/// Words with the white space that follows them.
fn tokens(text: &str) -> VecDeque<String> {
    text.split_inclusive(char::is_whitespace).map(str::to_owned).collect()
}

fn count(text: &str) -> u32 {
    text.split_whitespace().count() as u32
}

fn last_user_message(request: &ChatRequest) -> &str {
    let mut turns = request.messages.iter().rev();
    turns
        .find(|message| message.role == Role::User)
        .map_or("", |message| &message.content)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    fn ask(text: &str, max_tokens: u32) -> ChatRequest {
        let messages = vec![Message::new(Role::User, text)];
        ChatRequest {
            model: "any".into(),
            messages,
            max_tokens,
            temperature: 0.0,
        }
    }

    async fn all(model: &Scripted, request: ChatRequest) -> Vec<Result<Chunk, Error>> {
        model.chat(request).await.unwrap().collect().await
    }

    fn text(part: &str) -> Result<Chunk, Error> {
        Ok(Chunk::Text(part.into()))
    }

    #[tokio::test]
    async fn says_its_lines_and_records_what_it_was_asked() {
        let model = Scripted::new().reply_when("name", "You are Ada.").fallback("Hm?");
        let usage = Usage {
            input_tokens: 3,
            output_tokens: 3,
        };
        let end = Ok(Chunk::End {
            finish: Finish::Stop,
            usage,
        });
        assert_eq!(
            all(&model, ask("my name is", 9)).await,
            [text("You "), text("are "), text("Ada."), end]
        );
        assert_eq!(all(&model, ask("else", 9)).await[0], text("Hm?"));
        assert_eq!(model.clone().requests()[0].messages[0].content, "my name is");
        model.until_requests(2).await;
        assert_eq!(model.live(), 0);
    }

    #[tokio::test]
    async fn stops_at_the_token_limit() {
        let said = all(&Scripted::new().fallback("one two three"), ask("x", 2)).await;
        assert!(matches!(said[2], Ok(Chunk::End { finish: Finish::Length, usage }) if usage.output_tokens == 2));
    }

    #[tokio::test]
    async fn fails_when_told() {
        let model = Scripted::new()
            .fallback("one two three")
            .fail_after_tokens(2, Error::CutOff);
        assert_eq!(
            all(&model, ask("x", 9)).await,
            [text("one "), text("two "), Err(Error::CutOff)]
        );
        model.fail_next(Error::RateLimited { retry_after_s: Some(1) });
        assert!(model.chat(ask("x", 9)).await.is_err());
        assert!(model.chat(ask("x", 9)).await.is_ok());
        assert!(
            Scripted::new()
                .fail_with(Error::CutOff)
                .chat(ask("x", 9))
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn a_held_answer_waits_and_a_dropped_one_is_gone() {
        let model = Scripted::new().fallback("one two three");
        let gate = model.hold();
        let mut stream = model.chat(ask("x", 9)).await.unwrap();
        gate.release(1);
        assert_eq!(stream.next().await.unwrap(), text("one "));
        assert!(
            futures_util::future::poll_immediate(stream.next()).await.is_none(),
            "the gate is shut"
        );
        gate.release_all();
        assert_eq!(stream.next().await.unwrap(), text("two "));
        assert_eq!(model.live(), 1);
        drop(stream);
        model.until_live(0).await;
    }
}
