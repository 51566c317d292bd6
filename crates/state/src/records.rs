//! Typed records on a [`StateStore`]: the face of this crate that services use.

use std::sync::Arc;

use crate::key::{self, Key, Scope};
use crate::record::{self, Record, Stored, Unreadable};
use crate::store::{self, KeyValue, Revision, StateStore};
use crate::transaction::{MayConflict, Transaction};

/// Cheap to clone.
#[derive(Clone)]
pub struct Records(Arc<dyn StateStore>);

/// Records in the byte order of their ids, as of one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<R> {
    pub items: Vec<Stored<R>>,
    /// Whether there are more after the last item.
    pub more: bool,
    pub revision: Revision,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// How often [`Records::retry`] tries. With a store in memory each round lets at least one
/// rival through, so only a hot record reaches it.
pub const RETRIES_MAX: u32 = 32;

impl Records {
    /// Looks at nothing. For a store that an older or newer haneul may have written, see
    /// [`crate::open()`].
    pub fn new(store: Arc<dyn StateStore>) -> Self {
        Self(store)
    }

    pub fn store(&self) -> &Arc<dyn StateStore> {
        &self.0
    }

    /// # Errors
    /// The store does not answer, or the record cannot be read.
    pub async fn get<R: Record>(
        &self,
        scope: &Scope,
        id: &str,
    ) -> Result<Option<Stored<R>>, Error> {
        let key = key_of::<R>(scope, id);
        let found = self.0.get(&key.encode()).await?;
        Ok(found.map(|found| stored(key, &found)).transpose()?)
    }

    /// At most `limit` records whose ids begin with `prefix` and come after `after`.
    ///
    /// # Errors
    /// The store does not answer, or a record cannot be read.
    pub async fn list<R: Record>(
        &self,
        scope: &Scope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<R>, Error> {
        let head = key::encode(scope, R::KIND, "").len();
        let prefix = key::encode(scope, R::KIND, prefix).into_bytes();
        let end = key::after_prefix(&prefix);
        // The first key after another is that key and a zero byte.
        let after = after.map(|id| [key::encode(scope, R::KIND, id).as_bytes(), b"\0"].concat());
        let start = after.map_or(prefix.clone(), |after| after.max(prefix));
        let range = self.0.range(&start, &end, limit).await?;
        let read = |found: KeyValue| {
            let id = String::from_utf8_lossy(&found.key[head..]);
            stored(key_of::<R>(scope, &id), &found)
        };
        let items = range.items.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page { items, more: range.more, revision: range.revision })
    }

    pub fn transaction(&self) -> Transaction {
        Transaction::on(self.0.clone())
    }

    /// Runs `attempt` (read, decide, commit) again as long as it fails because something it
    /// read was changed before its commit, at most [`RETRIES_MAX`] times.
    ///
    /// # Errors
    /// What the last attempt said.
    pub async fn retry<T, E, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, E>
    where
        E: MayConflict,
        F: Future<Output = Result<T, E>>,
    {
        for _ in 1..RETRIES_MAX {
            match attempt().await {
                Err(error) if error.is_conflict() => tokio::task::yield_now().await,
                done => return done,
            }
        }
        attempt().await
    }
}

pub(crate) fn key_of<R: Record>(scope: &Scope, id: &str) -> Key {
    const { assert!(key::is_kind(R::KIND) && R::FORMAT > 0) }
    Key::new(scope, R::KIND, id)
}

fn stored<R: Record>(key: Key, found: &KeyValue) -> Result<Stored<R>, Unreadable> {
    let record = record::decode(&key, &found.value)?;
    Ok(Stored { key, record, revision: found.modified })
}

impl From<Error> for aws::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(_) => Self::unavailable(error),
            Error::Unreadable(_) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests;
