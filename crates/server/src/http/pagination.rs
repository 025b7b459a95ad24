//! Lists: `?limit=` and `?cursor=` in, `{data, next_cursor}` out.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use garde::Validate;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::error::{Error, FieldError, Result};

pub const DEFAULT_LIMIT: u64 = 20;

#[derive(Clone, Debug, Default, Deserialize, Validate, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// At most so many, 1 to 100; 20 if not given.
    #[garde(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u64>,
    /// `next_cursor` of the page before.
    #[garde(length(max = 500))]
    pub cursor: Option<String>,
}

impl PageQuery {
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }

    /// Where the last page ended.
    ///
    /// # Errors
    /// `validation_failed` when it is not a cursor of this list.
    pub fn after<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        decode(self.cursor.as_deref())
    }
}

/// # Errors
/// `validation_failed` when the text is not a cursor of this list.
pub fn decode<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
    match bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        Some(position) => Ok(Some(position)),
        None => Err(Error::validation(vec![FieldError::new(
            "cursor",
            "invalid",
            "Use next_cursor of an earlier page.",
        )])),
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// Send it as `?cursor=` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// From `limit + 1` rows, of which the last only says that there are more.
    pub fn from_rows<R, P: Serialize>(
        mut rows: Vec<R>,
        limit: u64,
        position: impl Fn(&R) -> P,
        item: impl Fn(R) -> T,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more).map(&position);
        let next_cursor = last
            .and_then(|p| serde_json::to_vec(&p).ok())
            .map(|p| BASE64_URL_SAFE_NO_PAD.encode(p));
        Self {
            data: rows.into_iter().map(item).collect(),
            next_cursor,
        }
    }
}
