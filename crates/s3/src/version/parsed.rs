//! Versions as they were parsed, so that an object that is asked for often is parsed once.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use aws::Error;
use objects::{Engine, Row};

use super::{Found, Which, search};
use crate::row::{Codec, Version};

/// Beside its rows' stamps: a row that was set again has another, so nothing here is ever stale.
/// That holds of what is committed only, for a change may set a row twice: hence an [`Engine`].
///
/// Each key has one place, in which the last of those that share it is.
pub(crate) struct Parsed {
    places: Box<[Mutex<Option<Kept>>]>,
    hasher: RandomState,
}

struct Kept {
    key: Box<[u8]>,
    stamp: u64,
    version: Arc<Version>,
}

const PLACES: usize = 1024;
/// Longer rows, of uploads in many parts, are parsed each time: all together take some MiB.
const ROW_BYTES_MAX: usize = 2048;

impl Default for Parsed {
    fn default() -> Self {
        let places = std::iter::repeat_with(Mutex::default).take(PLACES).collect();
        Self { places, hasher: RandomState::new() }
    }
}

impl Parsed {
    /// As [`super::find`], of what is committed.
    ///
    /// # Errors
    /// As of [`super::current`].
    pub(crate) fn find(
        &self,
        engine: &Engine,
        bucket: u64,
        key: &str,
        which: &Which,
    ) -> Result<Option<Found>, Error> {
        search(engine, &|key, row| self.version(key, row), bucket, key, which)
    }

    fn version(&self, key: &[u8], row: &Row) -> Result<Arc<Version>, Error> {
        let places = u64::try_from(self.places.len()).expect("few");
        let place =
            usize::try_from(self.hasher.hash_one(key) % places).expect("below their number");
        let place = &self.places[place];
        let lock = || place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = lock().as_ref()
            && kept.stamp == row.stamp
            && *kept.key == *key
        {
            return Ok(kept.version.clone());
        }
        let version = Arc::new(Version::decode(&row.value)?);
        if row.value.len() <= ROW_BYTES_MAX {
            let kept = Kept { key: key.into(), stamp: row.stamp, version: version.clone() };
            *lock() = Some(kept);
        }
        Ok(version)
    }
}
