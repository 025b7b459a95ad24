//! Server-sent events: how one looks on the wire, and the answer that carries them.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

/// Proxies cut connections on which nothing moves, most after 30 s or 60 s.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// A comment, which readers ignore.
pub const HEARTBEAT_FRAME: Bytes = Bytes::from_static(b": \n\n");

#[must_use]
pub fn frame(id: i64, event: &str, data: &str) -> Bytes {
    // JSON has no raw line breaks, so one data line is enough.
    Bytes::from(format!("id: {id}\nevent: {event}\ndata: {data}\n\n"))
}

/// Whether the client asked for a stream.
#[must_use]
pub fn wanted(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

/// The last event that a returning reader has seen.
#[must_use]
pub fn last_event_id(headers: &HeaderMap) -> i64 {
    let value = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    value
        .and_then(|id| id.trim().parse().ok())
        .unwrap_or(0_i64)
        .clamp(0, i64::MAX / 2)
}

/// Sends frames as they come, and a heartbeat when none does.
pub fn response(frames: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let beating = futures_util::stream::unfold(Box::pin(frames), |mut frames| async move {
        match tokio::time::timeout(HEARTBEAT, frames.next()).await {
            Ok(Some(frame)) => Some((frame, frames)),
            Ok(None) => None,
            Err(_) => Some((HEARTBEAT_FRAME, frames)),
        }
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream; charset=utf-8"),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store, no-transform"),
        ),
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    (headers, Body::from_stream(beating.map(Ok::<_, Infallible>))).into_response()
}
