//! The OpenAI chat-completions wire format: what is sent, what comes back, and how each server differs.

use serde::{Deserialize, Serialize};

use crate::{ChatRequest, Error, Finish, Message, Usage};

/// How one server, or one of its models, departs from the common form. Learnt from its refusals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Quirks {
    no_stream_options: bool,
    max_completion_tokens: bool,
    no_temperature: bool,
}

impl Quirks {
    /// The form to try next after a refusal in these words, or `None` when they name nothing that we could change.
    pub(super) fn adapted(self, refusal: &str) -> Option<Self> {
        let mut next = self;
        next.no_stream_options |= refusal.contains("stream_options");
        next.max_completion_tokens |= refusal.contains("max_completion_tokens");
        next.no_temperature |= refusal.contains("temperature");
        (next != self).then_some(next)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: &'a [Message],
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// The request as the server wants it.
pub(super) fn body(request: &ChatRequest, quirks: Quirks) -> Result<Vec<u8>, Error> {
    let limit = Some(request.max_tokens);
    let body = Body {
        model: &request.model,
        messages: &request.messages,
        stream: true,
        max_tokens: limit.filter(|_| !quirks.max_completion_tokens),
        max_completion_tokens: limit.filter(|_| quirks.max_completion_tokens),
        temperature: Some(request.temperature).filter(|_| !quirks.no_temperature),
        stream_options: (!quirks.no_stream_options).then_some(StreamOptions { include_usage: true }),
    };
    serde_json::to_vec(&body).map_err(|error| Error::Malformed(error.to_string()))
}

/// One event of a stream, or the whole answer of a server that does not stream: the two differ only in the name of
/// the message.
#[derive(Deserialize)]
pub(super) struct Event {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<WireUsage>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(alias = "message")]
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    /// Thinking aloud, by the two names servers use; not part of the answer, but a sign of life.
    #[serde(alias = "reasoning")]
    reasoning_content: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct WireUsage {
    #[serde(default)]
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
}

/// What one event told us.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) text: Option<String>,
    pub(super) finish: Option<Finish>,
    pub(super) usage: Option<Usage>,
    pub(super) thinking: bool,
}

/// Reads one event or one whole JSON answer.
///
/// # Errors
/// [`Error::Malformed`] when it is not JSON of the expected form, or the error that the server put inside.
pub(super) fn read(data: &[u8]) -> Result<Told, Error> {
    let event: Event = serde_json::from_slice(data).map_err(|error| Error::Malformed(error.to_string()))?;
    if let Some(error) = event.error.filter(|error| !error.is_null()) {
        return Err(in_band(&error));
    }
    let mut told = Told {
        usage: event.usage.map(Usage::from),
        ..Told::default()
    };
    // We ask for one answer; a server that gives several is read for its first.
    if let Some(choice) = event.choices.into_iter().next() {
        told.finish = choice.finish_reason.as_deref().map(finish);
        if let Some(delta) = choice.delta {
            told.thinking = delta.reasoning_content.is_some();
            told.text = delta.content.filter(|text| !text.is_empty());
        }
    }
    Ok(told)
}

impl From<WireUsage> for Usage {
    fn from(usage: WireUsage) -> Self {
        Self {
            input_tokens: usage.prompt_tokens,
            output_tokens: usage.completion_tokens,
        }
    }
}

fn finish(reason: &str) -> Finish {
    match reason {
        "length" | "max_tokens" => Finish::Length,
        _ => Finish::Stop,
    }
}

/// An error object where an answer should be. Its `code` is sometimes the HTTP status.
fn in_band(error: &serde_json::Value) -> Error {
    let code = &error["code"];
    let number = code.as_u64().or_else(|| code.as_str()?.parse().ok());
    let kind = [code.as_str(), error["type"].as_str()];
    if number == Some(429) || kind.iter().flatten().any(|kind| kind.starts_with("rate_limit")) {
        return Error::RateLimited { retry_after_s: None };
    }
    let status = number
        .and_then(|number| u16::try_from(number).ok())
        .filter(|status| *status >= 400)
        .unwrap_or(500);
    Error::Refused {
        status,
        message: message(error).unwrap_or_else(|| error.to_string()),
    }
}

/// The words of an error body, in the forms servers use; plain text is taken as it is.
pub(super) fn error_message(body: &str) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let found = parsed.as_ref().and_then(|body| {
        message(&body["error"])
            .or_else(|| message(body))
            .or_else(|| Some(body.get("detail")?.to_string()))
    });
    found.unwrap_or_else(|| body.trim().to_owned())
}

fn message(error: &serde_json::Value) -> Option<String> {
    error.as_str().or_else(|| error["message"].as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    fn request() -> ChatRequest {
        ChatRequest {
            model: "m".into(),
            messages: vec![Message::new(Role::User, "hi")],
            max_tokens: 7,
            temperature: 0.5,
        }
    }

    fn sent(quirks: Quirks) -> serde_json::Value {
        serde_json::from_slice(&body(&request(), quirks).unwrap()).unwrap()
    }

    #[test]
    fn the_common_form() {
        let want = serde_json::json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": true,
            "max_tokens": 7, "temperature": 0.5, "stream_options": {"include_usage": true}});
        assert_eq!(sent(Quirks::default()), want);
    }

    #[test]
    fn a_refusal_changes_only_what_it_names() {
        let quirks = Quirks::default()
            .adapted("Use 'max_completion_tokens' instead.")
            .unwrap();
        let body = sent(quirks);
        assert_eq!(
            (&body["max_completion_tokens"], body.get("max_tokens")),
            (&7.into(), None)
        );
        assert!(body.get("stream_options").is_some());
        let quirks = quirks
            .adapted(r#"{"detail":[{"loc":["body","stream_options"]}]}"#)
            .unwrap();
        assert!(sent(quirks).get("stream_options").is_none());
        assert_eq!(quirks.adapted("stream_options again"), None, "or we would ask for ever");
        assert_eq!(quirks.adapted("your prompt is too long"), None);
    }

    #[test]
    fn reads_text_ends_and_counts() {
        let told = read(br#"{"choices":[{"delta":{"role":"assistant","content":""}}],"usage":null}"#).unwrap();
        assert_eq!(told, Told::default());
        let told = read(br#"{"choices":[{"delta":{"content":"h\u00e9"},"finish_reason":null}]}"#).unwrap();
        assert_eq!(told.text.as_deref(), Some("hé"));
        let told = read(br#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#).unwrap();
        assert_eq!(told.finish, Some(Finish::Length));
        let told = read(br#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#).unwrap();
        assert_eq!(
            told.usage,
            Some(Usage {
                input_tokens: 3,
                output_tokens: 4
            })
        );
        assert!(read(br#"{"choices":[{"delta":{"reasoning":"hm"}}]}"#).unwrap().thinking);
    }

    #[test]
    fn errors_inside_an_answer() {
        let cases: [(&str, Error); 4] = [
            (
                r#"{"error":{"message":"slow down","code":429}}"#,
                Error::RateLimited { retry_after_s: None },
            ),
            (
                r#"{"error":{"type":"rate_limit_error"}}"#,
                Error::RateLimited { retry_after_s: None },
            ),
            (
                r#"{"error":{"message":"no","code":"503"}}"#,
                Error::Refused {
                    status: 503,
                    message: "no".into(),
                },
            ),
            (
                r#"{"error":"broken"}"#,
                Error::Refused {
                    status: 500,
                    message: "broken".into(),
                },
            ),
        ];
        for (data, want) in cases {
            assert_eq!(read(data.as_bytes()).unwrap_err(), want);
        }
        assert!(matches!(read(b"<html>"), Err(Error::Malformed(_))));
    }

    #[test]
    fn finds_the_words_of_an_error_body() {
        assert_eq!(error_message(r#"{"error":{"message":"a"}}"#), "a");
        assert_eq!(error_message(r#"{"error":"b"}"#), "b");
        assert_eq!(error_message(r#"{"message":"c"}"#), "c");
        assert_eq!(error_message(r#"{"detail":["d"]}"#), r#"["d"]"#);
        assert_eq!(error_message(" bad gateway\n"), "bad gateway");
    }
}
