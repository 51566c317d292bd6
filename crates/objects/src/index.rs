//! The index: a view of the log up to some place, larger than memory. It can be lost at any time
//! and is built again from the log.

mod audit;
mod database;
mod memory;

use std::collections::BTreeMap;

pub(crate) use database::Database;
pub(crate) use memory::Memory;

use journal::Place;

use crate::frame::{Effect, Stored};
use crate::scan::Cursor;
use crate::table::{Blob, Reached, Slot, Table};
use crate::{BlobId, ReadError};

/// Why the index cannot be used or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IndexError {
    #[error("the index of the objects is in use by another process")]
    InUse,
    #[error("the index of the objects: {0}")]
    Unusable(String),
}

impl From<IndexError> for ReadError {
    fn from(error: IndexError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

pub(crate) trait Index: Send + Sync {
    fn row(&self, key: &[u8]) -> Result<Option<Slot>, IndexError>;

    fn blob(&self, id: BlobId) -> Result<Option<Blob>, IndexError>;

    /// At most `max` blobs in the order of their ids, those after `after`.
    fn blobs(&self, after: Option<BlobId>, max: usize) -> Result<Vec<BlobId>, IndexError>;

    /// The rows from `from` on and before `end`, as they are now: not as `apply` makes them.
    fn cursor(&self, from: &[u8], end: &[u8]) -> Result<Box<dyn Cursor + '_>, IndexError>;

    /// How far of the log it shows.
    fn reached(&self) -> Reached;

    /// Takes in what comes after; durable, and seen by readers, as a whole or not at all. Blocks.
    fn apply(&self, table: &Table) -> Result<(), IndexError>;

    /// What of each segment of the log still counts, as far as it shows the log.
    fn segments(&self) -> Result<BTreeMap<u64, Segment>, IndexError>;

    /// The room that attached blobs take of each extent, as far as it shows the log; extents
    /// without any are not there.
    fn extents(&self) -> Result<BTreeMap<u64, u64>, IndexError>;

    /// Begins to hold what it shows against the log; `None` for one that cannot rot. Blocks.
    ///
    /// # Errors
    /// When what it shows is damaged.
    fn audit(&self) -> Result<Option<Box<dyn Audit>>, IndexError>;
}

/// What an index showed at one moment, held against the log frame by frame. An error is damage.
pub(crate) trait Audit {
    fn reached(&self) -> Reached;

    /// To be told each frame that the log has, from its front to what was reached.
    fn frame(
        &mut self,
        place: Place,
        payload_bytes: usize,
        effect: &Effect,
    ) -> Result<(), IndexError>;

    fn end(&self) -> Result<(), IndexError>;
}

/// What a segment of the log holds for us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Bytes of the rows and blobs that were last set, or attached, by a frame in it.
    pub live_bytes: u64,
    /// Whether its first payload is a change that happened. The log may not be cut before a
    /// segment where it is not: nothing would be left to tell.
    pub begins_well: bool,
}

/// How live bytes change: a function of the log alone, so that an index built again has the same.
#[derive(Debug, Default)]
struct Counts {
    segments: BTreeMap<u64, i64>,
    extents: BTreeMap<u64, i64>,
}

impl Counts {
    fn row(&mut self, key: &[u8], slot: &Slot, sign: i64) {
        if let Some(row) = &slot.row {
            self.row_bytes(slot.place.segment, key.len(), row.value.len(), sign);
        }
    }

    fn row_bytes(&mut self, segment: u64, key: usize, value: usize, sign: i64) {
        self.add(segment, key + value + ENTRY_BYTES, sign);
    }

    fn blob(&mut self, blob: &Blob, sign: i64) {
        let bytes = match &blob.stored {
            Stored::Inline { bytes, .. } => usize::try_from(*bytes).unwrap_or(usize::MAX),
            Stored::Extent(location) => {
                let room = i64::try_from(location.room()).unwrap_or(i64::MAX);
                *self.extents.entry(location.extent()).or_default() += sign * room;
                0
            }
        };
        self.add(blob.place.segment, bytes + ENTRY_BYTES, sign);
    }

    fn add(&mut self, segment: u64, bytes: usize, sign: i64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        *self.segments.entry(segment).or_default() += sign * bytes;
    }
}

/// What each entry of a frame takes besides its bytes.
const ENTRY_BYTES: usize = 16;
