//! The OpenAI-compatible provider against a server on a real socket that behaves, and misbehaves, as servers do.

mod server;

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use parlor_llm::{ChatModel, ChatRequest, Chunk, Error, Finish, Message, OpenAi, OpenAiConfig, Role, Usage};
use server::{Server, Step, json, send, sse, status};

const KEY: &str = "sk-canary-4711";
const HELLO: &str = r#"data: {"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"choices":[{"delta":{"content":"Grüße, "},"finish_reason":null}]}

data: {"choices":[{"delta":{"content":"Welt 🎉"},"finish_reason":null}]}

data: {"choices":[{"delta":{},"finish_reason":"stop"}]}

"#;
const COUNTS: &str = r#"data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":9}}

"#;
const DONE: &str = "data: [DONE]\n\n";

fn model(base_url: String) -> OpenAi {
    let config = OpenAiConfig {
        base_url,
        api_key: Some(KEY.into()),
        connect_timeout: Duration::from_secs(2),
        first_token_timeout: Duration::from_millis(400),
        idle_timeout: Duration::from_millis(300),
    };
    OpenAi::new(config).unwrap()
}

fn question() -> ChatRequest {
    let messages = vec![
        Message::new(Role::System, "Be kind."),
        Message::new(Role::User, "Hello?"),
    ];
    ChatRequest {
        model: "small".into(),
        messages,
        max_tokens: 50,
        temperature: 0.5,
    }
}

/// What came, until and with the end or the error.
async fn ask(server: &Server) -> Result<Vec<Result<Chunk, Error>>, Error> {
    Ok(model(server.url()).chat(question()).await?.collect().await)
}

fn text(part: &str) -> Result<Chunk, Error> {
    Ok(Chunk::Text(part.into()))
}

fn end(finish: Finish, input_tokens: u32, output_tokens: u32) -> Result<Chunk, Error> {
    Ok(Chunk::End {
        finish,
        usage: Usage {
            input_tokens,
            output_tokens,
        },
    })
}

fn greeting(end: Result<Chunk, Error>) -> Vec<Result<Chunk, Error>> {
    vec![text("Grüße, "), text("Welt 🎉"), end]
}

#[tokio::test]
async fn streams_text_and_the_servers_counts() {
    let server = Server::new(|_| vec![sse(&format!("{HELLO}{COUNTS}{DONE}"))]);
    assert_eq!(ask(&server).await.unwrap(), greeting(end(Finish::Stop, 11, 9)));
    let request = &server.requests()[0];
    assert!(
        request.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"),
        "{}",
        request.head
    );
    assert!(
        request.head.contains(&format!("authorization: Bearer {KEY}\r\n")),
        "{}",
        request.head
    );
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["stream_options"]["include_usage"], true);
    assert_eq!(
        body["messages"][1],
        serde_json::json!({"role": "user", "content": "Hello?"})
    );
}

#[tokio::test]
async fn an_answer_survives_being_sent_byte_by_byte() {
    let server = Server::new(|_| {
        let all = format!("{HELLO}{DONE}").replace('\n', "\r\n");
        let mut steps = vec![sse(": comment\r\n\r\n")];
        steps.extend(all.bytes().map(|byte| Step::Send(vec![byte])));
        steps
    });
    assert_eq!(
        ask(&server).await.unwrap(),
        greeting(end(Finish::Stop, 4, 4)),
        "and counts are estimated"
    );
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let body = r#"{"choices":[{"message":{"role":"assistant","content":"Hi."},"finish_reason":"length"}],
        "usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
    let server = Server::new(move |_| vec![json(200, "", body)]);
    assert_eq!(ask(&server).await.unwrap(), [text("Hi."), end(Finish::Length, 3, 1)]);
}

#[tokio::test]
async fn an_end_without_its_mark_is_an_end() {
    let server = Server::new(|_| vec![sse(HELLO)]);
    assert_eq!(
        ask(&server).await.unwrap(),
        greeting(end(Finish::Stop, 4, 4)),
        "a reason was given"
    );
    let part = HELLO.split(r#"data: {"choices":[{"delta":{},"#).next().unwrap();
    let server = Server::new(move |_| vec![sse(&format!("{part}{DONE}"))]);
    assert_eq!(
        ask(&server).await.unwrap(),
        greeting(end(Finish::Stop, 4, 4)),
        "the mark came"
    );
    let server = Server::new(|_| vec![sse(HELLO), Step::Hang]);
    assert_eq!(
        ask(&server).await.unwrap(),
        greeting(end(Finish::Stop, 4, 4)),
        "the server forgot to hang up"
    );
}

#[tokio::test]
async fn a_cut_answer_is_never_taken_for_a_whole_one() {
    let part = HELLO.split(r#"data: {"choices":[{"delta":{},"#).next().unwrap();
    let closed = Server::new(move |_| vec![sse(part)]);
    assert_eq!(ask(&closed).await.unwrap(), greeting(Err(Error::CutOff)));
    let in_an_event = Server::new(move |_| vec![sse(&HELLO[..HELLO.len() - 12])]);
    assert_eq!(ask(&in_an_event).await.unwrap(), greeting(Err(Error::CutOff)));
    let in_a_chunk = Server::new(move |_| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        vec![send(&format!("{head}{:x}\r\n{part}\r\nff\r\ndata: ", part.len()))]
    });
    assert_eq!(ask(&in_a_chunk).await.unwrap(), greeting(Err(Error::CutOff)));
}

#[tokio::test]
async fn refusals_keep_the_status_and_hide_the_key() {
    let server = Server::new(|_| {
        vec![json(
            401,
            "",
            &format!(r#"{{"error":{{"message":"wrong key: {KEY}"}}}}"#),
        )]
    });
    let error = ask(&server).await.unwrap_err();
    assert_eq!(
        error,
        Error::Refused {
            status: 401,
            message: "wrong key: [redacted]".into()
        }
    );
    let server = Server::new(|_| vec![json(500, "", "oh no")]);
    assert_eq!(
        ask(&server).await.unwrap_err(),
        Error::Refused {
            status: 500,
            message: "oh no".into()
        }
    );
    let server = Server::new(|_| vec![status(302, "location: http://127.0.0.1:9/elsewhere\r\n")]);
    assert!(
        matches!(ask(&server).await, Err(Error::Refused { status: 302, .. })),
        "nobody configured that address"
    );
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    let server = Server::new(|_| vec![json(429, "retry-after: 7\r\n", "{}")]);
    assert_eq!(
        ask(&server).await.unwrap_err(),
        Error::RateLimited { retry_after_s: Some(7) }
    );
    let server = Server::new(|_| vec![json(429, "retry-after: Wed, 21 Oct 2026 07:28:00 GMT\r\n", "{}")]);
    assert_eq!(
        ask(&server).await.unwrap_err(),
        Error::RateLimited { retry_after_s: None }
    );
}

#[tokio::test]
async fn an_error_inside_the_stream_ends_it() {
    let server = Server::new(|_| {
        vec![sse(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"message\":\"gone\"}}\n\n",
        )]
    });
    let want = [
        text("a"),
        Err(Error::Refused {
            status: 500,
            message: "gone".into(),
        }),
    ];
    assert_eq!(ask(&server).await.unwrap(), want);
}

#[tokio::test]
async fn what_is_no_answer_is_called_malformed() {
    for body in [
        sse("data: {\"choices\":\n\n"),
        json(200, "", "{]"),
        send("HTTP/1.1 200 OK\r\n\r\n<html>Welcome</html>"),
    ] {
        let server = Server::new(move |_| vec![body.clone()]);
        let last = ask(&server).await.unwrap().pop().unwrap();
        assert!(matches!(last, Err(Error::Malformed(_))), "{last:?}");
    }
}

#[tokio::test]
async fn silence_is_a_timeout_in_every_place() {
    let first = Error::Timeout {
        what: "the first token",
        seconds: 1,
    };
    let silent = Server::new(|_| vec![Step::Hang]);
    assert_eq!(ask(&silent).await.unwrap_err(), first);
    let headers_only = Server::new(|_| vec![sse(""), Step::Hang]);
    assert_eq!(ask(&headers_only).await.unwrap(), [Err(first.clone())]);
    let role_only = Server::new(|_| {
        vec![
            sse(HELLO
                .split("data: ")
                .nth(1)
                .map(|event| format!("data: {event}"))
                .unwrap()
                .as_str()),
            Step::Hang,
        ]
    });
    assert_eq!(ask(&role_only).await.unwrap(), [Err(first)]);
    let stuck = Server::new(|_| {
        vec![
            sse(&HELLO[..HELLO.find("data: {\"choices\":[{\"delta\":{},").unwrap()]),
            Step::Hang,
        ]
    });
    let want = Error::Timeout {
        what: "the next token",
        seconds: 1,
    };
    assert_eq!(ask(&stuck).await.unwrap(), greeting(Err(want)));
}

#[tokio::test]
async fn a_slow_answer_that_keeps_coming_is_no_timeout() {
    let server = Server::new(|_| {
        let mut steps = vec![sse("")];
        for _ in 0..8 {
            steps.push(send("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n"));
            steps.push(Step::Wait(Duration::from_millis(100)));
        }
        steps.push(send(DONE));
        steps
    });
    let start = Instant::now();
    assert_eq!(ask(&server).await.unwrap().pop().unwrap(), end(Finish::Stop, 4, 2));
    assert!(start.elapsed() > Duration::from_millis(700), "longer than both limits");
}

#[tokio::test]
async fn a_server_that_knows_no_stream_options_is_asked_again_without_them() {
    let server = Server::new(|request| match request.body.contains("stream_options") {
        true => vec![json(
            400,
            "",
            r#"{"error":{"message":"Unrecognized request argument: stream_options"}}"#,
        )],
        false => vec![sse(&format!("{HELLO}{DONE}"))],
    });
    let model = model(server.url());
    for asked in [2, 3] {
        let said: Vec<_> = model.chat(question()).await.unwrap().collect().await;
        assert_eq!(said, greeting(end(Finish::Stop, 4, 4)));
        assert_eq!(
            server.requests().len(),
            asked,
            "the second question needs no second try"
        );
    }
}

#[tokio::test]
async fn a_refusal_that_nothing_can_change_is_not_repeated() {
    let server = Server::new(|_| vec![json(400, "", r#"{"error":{"message":"stream_options, temperature"}}"#)]);
    assert!(matches!(ask(&server).await, Err(Error::Refused { status: 400, .. })));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_closed_door_is_unreachable() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = model(format!("http://{closed}/v1"))
        .chat(question())
        .await
        .err()
        .unwrap();
    assert!(
        matches!(&error, Error::Unreachable(why) if why.contains("refused")),
        "{error}"
    );
    assert!(!format!("{error:?} {error}").contains(KEY));
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_stream_hangs_up() {
    let server = Server::new(|_| {
        let mut steps = vec![sse("")];
        steps.resize(
            10_000,
            send("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n"),
        );
        steps
            .iter()
            .flat_map(|step| [step.clone(), Step::Wait(Duration::from_millis(5))])
            .collect()
    });
    let mut stream = model(server.url()).chat(question()).await.unwrap();
    assert_eq!(stream.next().await.unwrap(), text("x"));
    drop(stream);
    assert!(server.hung_up_within(Duration::from_secs(5)), "the server still writes");
}
