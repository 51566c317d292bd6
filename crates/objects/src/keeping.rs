//! Keeps the zones in order while the engine runs: empties segments of the log and extents that
//! are mostly garbage, finds and mends what the disks have lost, and writes again what could only
//! be kept in two zones. All of it goes through the line as any change does, so readers and
//! writers see nothing of it; `docs/0007-object-engine.md` has the argument.

mod audit;
mod collect;
mod compact;
mod moving;
mod scrub;

use std::collections::BTreeSet;
use std::time::Instant;

use crate::frame::Stored;
use crate::shared::Shared;
use crate::table::Table;
use crate::{BlobId, CommitError, ReadError, WriteError};
pub use scrub::{LogScrub, ScrubReport};

/// Why a round was cut short; the next one begins anew.
#[derive(Debug, thiserror::Error)]
pub enum KeepingError {
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("the log cannot be read: {0}")]
    Log(String),
    #[error("the index is damaged and could not be built again: {0}")]
    Index(String),
}

/// What the rounds remember of each other.
#[derive(Default)]
pub(crate) struct Keeping {
    /// Extents in which nothing lives, and since when: a reader may be on its way to them.
    empty: std::collections::BTreeMap<u64, Instant>,
}

/// Blobs that the index does not know yet.
fn blobs_in_memory(shared: &Shared) -> Vec<BlobId> {
    let tables = shared.tables();
    let frozen = tables.frozen.as_deref();
    let known = [Some(&tables.active), frozen].into_iter().flatten();
    known
        .flat_map(|table| table.blobs.iter())
        .filter(|(_, blob)| blob.is_some())
        .map(|(id, _)| *id)
        .collect()
}

/// The extents that blobs in memory lie in, which the index does not know yet.
fn extents_in_memory(shared: &Shared) -> BTreeSet<u64> {
    let tables = shared.tables();
    let frozen = tables.frozen.as_deref();
    let of = |table: &Table| -> Vec<u64> {
        let blobs = table.blobs.values().flatten();
        let extent = |stored: &Stored| match stored {
            Stored::Extent(location) => Some(location.extent()),
            Stored::Inline { .. } => None,
        };
        blobs.filter_map(|blob| extent(&blob.stored)).collect()
    };
    [Some(&tables.active), frozen].into_iter().flatten().flat_map(of).collect()
}
