//! Input: strict, and with an error that names the field.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use garde::Validate;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use super::error::{Code, Error, FieldError};

/// A JSON body in, checked; or a JSON body out.
pub struct Json<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context = ()>,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        require_json(request.headers())?;
        parse(&read_body(request, state).await?).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The whole body, within the configured bound.
pub(super) async fn read_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Error> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
            Error::new(
                Code::PayloadTooLarge,
                "Send less, or ask the operator to raise http.max_body_bytes.",
            )
        } else {
            Error::new(Code::MalformedRequest, "The body ended early or could not be read.")
        }
    })
}

/// Refuses a body that is not declared as JSON: browsers send the declared type of a form across sites without asking.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), Error> {
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = declared
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(Error::new(
        Code::UnsupportedMediaType,
        "Send JSON, with the header Content-Type: application/json.",
    ))
}

/// Reads and checks a JSON text.
pub(super) fn parse<T: DeserializeOwned + Validate<Context = ()>>(body: &[u8]) -> Result<T, Error> {
    if has_nul(body) {
        return Err(Error::new(
            Code::MalformedRequest,
            "Text cannot contain the character U+0000.",
        ));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|e| {
        let path = e.path().to_string();
        explain(&path, e.inner())
    })?;
    deserializer
        .end()
        .map_err(|e| Error::new(Code::MalformedRequest, format!("The body is not one JSON value: {e}.")))?;
    validate(&value)?;
    Ok(value)
}

/// Whether a JSON text has an escaped U+0000, which PostgreSQL cannot store in a text: alike on both databases.
fn has_nul(body: &[u8]) -> bool {
    let escapes = body.windows(6).enumerate().filter(|(_, window)| *window == br"\u0000");
    let unescaped = |at: usize| body[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0;
    escapes.into_iter().any(|(at, _)| unescaped(at))
}

pub(super) fn validate<T: Validate<Context = ()>>(value: &T) -> Result<(), Error> {
    let Err(report) = value.validate() else { return Ok(()) };
    let fields = report.iter().map(|(path, error)| {
        let message = error.message();
        FieldError::new(path.to_string(), code_of(message), sentence(message))
    });
    Err(Error::validation(fields.collect()))
}

/// Unknown and missing fields are about fields (422); anything else is not readable at all (400).
fn explain(path: &str, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    if let Some(field) = explain_field(path, &text) {
        return Error::validation(vec![field]);
    }
    let detail = if error.is_data() && text.contains("expected struct") {
        "The body must be a JSON object.".to_owned()
    } else if error.is_data() {
        format!("{path}: {text}.")
    } else {
        format!("The body is not JSON: {text}.")
    };
    Error::new(Code::MalformedRequest, detail)
}

/// In a query every value is text, so whatever is wrong is wrong with one parameter.
fn explain_query(path: &str, text: &str) -> Error {
    let wrong = || FieldError::new(path, "invalid_value", format!("This value does not fit: {text}."));
    Error::validation(vec![explain_field(path, text).unwrap_or_else(wrong)])
}

/// What serde says, where it is about one field.
fn explain_field(path: &str, text: &str) -> Option<FieldError> {
    let named = text.split('`').nth(1).unwrap_or_default();
    let at = |name: &str| match path {
        "." | "" => name.to_owned(),
        path if path.ends_with(name) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    if text.starts_with("unknown field") {
        return Some(FieldError::new(at(named), "unknown_field", "There is no such field."));
    }
    if text.starts_with("missing field") {
        return Some(FieldError::new(at(named), "required", "This field is required."));
    }
    let expected = text.strip_prefix("unknown variant")?.split("expected ").nth(1)?;
    let words = expected.split(" at line").next().unwrap_or_default();
    Some(FieldError::new(
        path,
        "invalid_value",
        format!("Must be one of {}.", words.trim_start_matches("one of ")),
    ))
}

fn code_of(message: &str) -> &'static str {
    match message {
        m if m.starts_with("length is lower") => "too_short",
        m if m.starts_with("length is greater") => "too_long",
        m if m.contains("email") => "invalid_email",
        m if m.starts_with("lower than") => "too_small",
        m if m.starts_with("greater than") => "too_large",
        _ => "invalid",
    }
}

fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if message.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}

/// For a field that may be emptied: tells `null` from a field that is not there, which is left alone.
pub fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Path parameters; what cannot be an id is not found.
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Error::not_found()),
        }
    }
}

/// Query parameters, checked.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Validate<Context = ()>> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        let value: T = serde_path_to_error::deserialize(pairs)
            .map_err(|e| explain_query(&e.path().to_string(), &e.inner().to_string()))?;
        validate(&value)?;
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Input {
        #[garde(length(min = 3))]
        name: String,
    }

    fn error(body: &str) -> (&'static str, Vec<(String, String)>) {
        let error = parse::<Input>(body.as_bytes()).expect_err("refused");
        let fields = error
            .fields()
            .iter()
            .map(|f| (f.field.clone(), f.code.to_string()))
            .collect();
        (error.code().as_str(), fields)
    }

    #[tokio::test]
    async fn sec_5_query_errors_name_the_parameter() {
        #[derive(Debug, serde::Deserialize, Validate)]
        #[serde(deny_unknown_fields)]
        struct Input {
            #[garde(range(max = 100))]
            limit: Option<u64>,
        }
        let ask = async |uri: &str| {
            let (mut parts, ()) = axum::http::Request::get(uri).body(()).unwrap().into_parts();
            let asked = Query::<Input>::from_request_parts(&mut parts, &()).await;
            asked
                .map(|Query(input)| input.limit)
                .map_err(|e| (e.fields()[0].field.clone(), e.code().as_str()))
        };
        assert_eq!(ask("/?limit=5").await, Ok(Some(5)));
        for (uri, field) in [
            ("/?limit=x", "limit"),
            ("/?limit=-1", "limit"),
            ("/?limit=101", "limit"),
            ("/?page=1", "page"),
        ] {
            assert_eq!(ask(uri).await, Err((field.to_owned(), "validation_failed")), "{uri}");
        }
    }

    #[test]
    fn sec_5_errors_name_the_field() {
        let field = |name: &str, code: &str| vec![(name.to_owned(), code.to_owned())];
        assert_eq!(error("{"), ("malformed_request", vec![]));
        assert_eq!(error(r#"{"name": 5}"#), ("malformed_request", vec![]));
        assert_eq!(error(r#"{"name": "abc"} x"#), ("malformed_request", vec![]));
        assert_eq!(error("{}"), ("validation_failed", field("name", "required")));
        assert_eq!(
            error(r#"{"name": "ab"}"#),
            ("validation_failed", field("name", "too_short"))
        );
        assert_eq!(
            error(r#"{"name": "abc", "role": 1}"#),
            ("validation_failed", field("role", "unknown_field"))
        );
        assert_eq!(error(r#"{"name": "ab\u0000c"}"#), ("malformed_request", vec![]));
        assert_eq!(parse::<Input>(br#"{"name": "ab\\u0000c"}"#).unwrap().name, r"ab\u0000c");
        assert_eq!(parse::<Input>(br#"{"name": "abc"}"#).unwrap().name, "abc");
    }
}
