//! Finding a bucket by its name, parsed once for as long as it does not change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws::Error;
use objects::Rows;

use crate::error::{EngineFailure, no_such_bucket};
use crate::row::{Bucket, Codec, bucket_key};

/// Buckets as they were parsed, under the stamps of their rows: a row that was set again has
/// another stamp, so nothing here is ever stale.
#[derive(Default)]
pub(crate) struct Lookup {
    parsed: Mutex<HashMap<String, (u64, Arc<Bucket>)>>,
}

/// Beyond it everything is forgotten and parsed again.
const PARSED_MAX: usize = 10_000;

impl Lookup {
    /// # Errors
    /// `NoSuchBucket`, and when the index cannot be read.
    pub(crate) fn find(&self, rows: &dyn Rows, name: &str) -> Result<Arc<Bucket>, Error> {
        let row = rows.get(&bucket_key(name)).map_err(EngineFailure::refusal)?;
        let row = row.ok_or_else(|| no_such_bucket(name))?;
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((stamp, bucket)) = parsed.get(name)
            && *stamp == row.stamp
        {
            return Ok(bucket.clone());
        }
        let bucket = Arc::new(Bucket::decode(&row.value)?);
        if parsed.len() >= PARSED_MAX {
            parsed.clear();
        }
        parsed.insert(name.to_owned(), (row.stamp, bucket.clone()));
        Ok(bucket)
    }
}
