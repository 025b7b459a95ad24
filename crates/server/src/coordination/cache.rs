use std::{
    hash::Hash,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Rows kept in memory until a write makes them stale.
///
/// A reader that loaded a row before a write must not put it back after that write's invalidation, or a revoked session
/// would live on. So every invalidation counts an epoch up first, and a loader that sees another epoch after its insert
/// takes the row out again.
pub struct Cache<K, V> {
    entries: moka::sync::Cache<K, V>,
    epoch: AtomicU64,
}

impl<K, V> Cache<K, V>
where
    K: Hash + Eq + Copy + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// At most `capacity` rows, each for at most `max_age`: the bound for writes of other nodes.
    #[must_use]
    pub fn new(capacity: u64, max_age: Duration) -> Self {
        let entries = moka::sync::Cache::builder()
            .max_capacity(capacity)
            .time_to_live(max_age)
            .build();
        Self {
            entries,
            epoch: AtomicU64::new(0),
        }
    }

    /// The cached row, or what `load` finds, which is then kept.
    ///
    /// # Errors
    /// Those of `load`; nothing is kept then.
    pub async fn get_or_load<E>(
        &self,
        key: K,
        load: impl Future<Output = Result<Option<V>, E>>,
    ) -> Result<Option<V>, E> {
        if let Some(value) = self.entries.get(&key) {
            return Ok(Some(value));
        }
        let epoch = self.epoch.load(Ordering::SeqCst);
        let Some(value) = load.await? else { return Ok(None) };
        self.entries.insert(key, value.clone());
        if self.epoch.load(Ordering::SeqCst) != epoch {
            self.entries.invalidate(&key);
        }
        Ok(Some(value))
    }

    /// Forgets a row. Call it after the commit that changed the row.
    pub fn invalidate(&self, key: &K) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.entries.invalidate(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Infallible = std::convert::Infallible;

    #[tokio::test]
    async fn a_row_loaded_before_a_write_is_not_kept_after_it() {
        let cache = Cache::new(10, Duration::from_secs(60));
        let stale = cache.get_or_load(1, async {
            cache.invalidate(&1);
            Ok::<_, Infallible>(Some("old"))
        });
        assert_eq!(stale.await, Ok(Some("old")));
        assert_eq!(
            cache.get_or_load(1, async { Ok::<_, Infallible>(Some("new")) }).await,
            Ok(Some("new"))
        );
        assert_eq!(
            cache.get_or_load(1, async { Ok::<_, Infallible>(Some("newer")) }).await,
            Ok(Some("new"))
        );
    }
}
