//! Records that every request asks for, decoded once for as long as they do not change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use state::records::Error;
use state::{Key, Record, Records, Revision, Scope, Stored};

/// Records of one kind as they were decoded. The store is asked for the revision each time, so
/// nothing here is ever stale.
pub(crate) struct Decoded<R>(Mutex<Known<R>>);

type Known<R> = HashMap<Bytes, (Revision, Arc<R>)>;

/// Beyond it everything is forgotten and decoded again.
const KNOWN_MAX: usize = 4096;

impl<R> Default for Decoded<R> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<R: Record> Decoded<R> {
    /// The record as it is now.
    ///
    /// # Errors
    /// The store does not answer, or the record cannot be read.
    pub(crate) async fn get(
        &self,
        records: &Records,
        scope: &Scope,
        id: &str,
    ) -> Result<Option<Arc<R>>, Error> {
        let key = Key::new(scope, R::KIND, id).encode();
        let Some(found) = records.store().get(&key).await? else {
            self.known().remove(&key);
            return Ok(None);
        };
        if let Some((revision, record)) = self.known().get(&key)
            && *revision == found.modified
        {
            return Ok(Some(record.clone()));
        }
        // Read again and not only decoded: it may have changed once more, and is kept under the
        // revision that it came with.
        let read: Option<Stored<R>> = records.get(scope, id).await?;
        let Some(Stored { record, revision, .. }) = read else { return Ok(None) };
        let record = Arc::new(record);
        let mut known = self.known();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(key, (revision, record.clone()));
        Ok(Some(record))
    }

    fn known(&self) -> MutexGuard<'_, Known<R>> {
        self.0.lock().expect("nothing under this lock panics")
    }
}
