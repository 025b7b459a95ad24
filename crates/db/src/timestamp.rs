use std::{fmt, ops, time::Duration};

use sea_orm::{DbErr, sea_query};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC with microseconds, the finest unit both databases keep; stored as an integer so that it sorts and
/// compares alike on both, and written as RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, as JWT claims want them.
    #[must_use]
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The time from `earlier` to this moment; zero when it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The same moment as a calendar value.
    #[must_use]
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or_default()
    }
}

impl ops::Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

impl ops::Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.to_jiff())
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(value: jiff::Timestamp) -> Self {
        Self(value.as_microsecond())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(jiff::Timestamp::deserialize(deserializer)?.into())
    }
}

impl From<Timestamp> for sea_orm::Value {
    fn from(value: Timestamp) -> Self {
        value.0.into()
    }
}

impl sea_orm::TryGetable for Timestamp {
    fn try_get_by<I: sea_orm::ColIdx>(res: &sea_orm::QueryResult, index: I) -> Result<Self, sea_orm::TryGetError> {
        <i64 as sea_orm::TryGetable>::try_get_by(res, index).map(Self)
    }
}

impl sea_query::ValueType for Timestamp {
    fn try_from(v: sea_orm::Value) -> Result<Self, sea_query::ValueTypeErr> {
        <i64 as sea_query::ValueType>::try_from(v).map(Self)
    }

    fn type_name() -> String {
        "Timestamp".to_owned()
    }

    fn array_type() -> sea_query::ArrayType {
        sea_query::ArrayType::BigInt
    }

    fn column_type() -> sea_orm::ColumnType {
        sea_orm::ColumnType::BigInteger
    }
}

impl sea_query::Nullable for Timestamp {
    fn null() -> sea_orm::Value {
        sea_orm::Value::BigInt(None)
    }
}

impl sea_orm::TryFromU64 for Timestamp {
    fn try_from_u64(_: u64) -> Result<Self, DbErr> {
        Err(DbErr::ConvertFromU64("Timestamp"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_rfc_3339_with_microseconds() {
        let t = Timestamp::from_micros(1_700_000_000_000_010);
        assert_eq!(serde_json::to_string(&t).unwrap(), "\"2023-11-14T22:13:20.000010Z\"");
        assert_eq!(
            serde_json::from_str::<Timestamp>("\"2023-11-14T23:13:20.00001+01:00\"").unwrap(),
            t
        );
    }
}
