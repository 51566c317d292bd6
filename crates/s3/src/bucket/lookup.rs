//! Finding a bucket by its name, parsed once for as long as it does not change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws::Error;
use objects::Rows;

use crate::S3;
use crate::authorization::Access;
use crate::error::{EngineFailure, no_such_bucket};
use crate::row::{Bucket, Codec, bucket_key};

/// Buckets as they were parsed, under the stamps of their rows: a row that was set again has
/// another stamp, so nothing here is ever stale.
#[derive(Default)]
pub(crate) struct Lookup {
    parsed: Mutex<HashMap<String, Parsed>>,
}

#[derive(Clone)]
struct Parsed {
    stamp: u64,
    bucket: Arc<Bucket>,
    access: Arc<Access>,
}

impl S3 {
    /// Changes a bucket's configuration, on the bucket as it is at that moment.
    ///
    /// # Errors
    /// `NoSuchBucket`, a refusal of `expected_owner`, and `change`'s own: nothing is changed then.
    pub(crate) async fn configure<T: Send>(
        &self,
        name: &str,
        expected_owner: Option<&str>,
        change: impl FnOnce(&mut Bucket) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        let changed = self.engine().commit(|rows| {
            let mut bucket = Bucket::clone(&*self.bucket(rows, name)?);
            bucket.expect_owner(expected_owner)?;
            let answer = change(&mut bucket)?;
            rows.set(bucket_key(name), bucket.encode());
            Ok(answer)
        });
        changed.await.map_err(EngineFailure::refusal)?
    }
}

/// Beyond it everything is forgotten and parsed again.
const PARSED_MAX: usize = 10_000;

impl Lookup {
    /// # Errors
    /// `NoSuchBucket`, and when the index cannot be read.
    pub(crate) fn find(&self, rows: &dyn Rows, name: &str) -> Result<Arc<Bucket>, Error> {
        Ok(self.parsed(rows, name)?.bucket)
    }

    /// The bucket with what its policy and its list of grants come to.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(crate) fn access(
        &self,
        rows: &dyn Rows,
        name: &str,
    ) -> Result<(Arc<Bucket>, Arc<Access>), Error> {
        let Parsed { bucket, access, .. } = self.parsed(rows, name)?;
        Ok((bucket, access))
    }

    fn parsed(&self, rows: &dyn Rows, name: &str) -> Result<Parsed, Error> {
        let row = rows.get(&bucket_key(name)).map_err(EngineFailure::refusal)?;
        let row = row.ok_or_else(|| no_such_bucket(name))?;
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = parsed.get(name)
            && known.stamp == row.stamp
        {
            return Ok(known.clone());
        }
        let bucket = Bucket::decode(&row.value)?;
        let access = Arc::new(Access::of(&bucket)?);
        let new = Parsed { stamp: row.stamp, bucket: Arc::new(bucket), access };
        if parsed.len() >= PARSED_MAX {
            parsed.clear();
        }
        parsed.insert(name.to_owned(), new.clone());
        Ok(new)
    }
}
