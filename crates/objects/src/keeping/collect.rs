//! Emptying extents that are mostly garbage, and removing those that are all garbage.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::moving::Moves;
use super::{Keeping, KeepingError, extents_in_memory};
use crate::blob::Held;
use crate::extents::{AtRest, CopyError};
use crate::frame::Stored;
use crate::shared::Shared;
use crate::{BlobId, ReadError};

/// Less than this part of an extent must live before the rest is moved out of it.
const LIVE_PARTS: u64 = 2;
/// How long an extent in which nothing lives stays, for answers that are underway.
const EMPTY_FOR: Duration = Duration::from_secs(300);
const MOVED_AT_ONCE: usize = 64;

impl Shared {
    /// Removes extents in which nothing has lived for a while, and moves what is left out of
    /// those that are mostly garbage. Answers how many were removed.
    ///
    /// # Errors
    /// [`KeepingError`]; whatever was moved by then stays so.
    pub(crate) async fn collect(
        self: &Arc<Self>,
        keeping: &mut Keeping,
    ) -> Result<usize, KeepingError> {
        self.collect_after(keeping, EMPTY_FOR).await
    }

    /// The same, with another patience.
    pub(crate) async fn collect_after(
        self: &Arc<Self>,
        keeping: &mut Keeping,
        empty_for: Duration,
    ) -> Result<usize, KeepingError> {
        let extents = self.extents.clone();
        let at_rest = tokio::task::spawn_blocking(move || extents.at_rest()).await;
        let at_rest = at_rest.unwrap_or_default();
        // In this order: what is attached meanwhile is in memory first, and then in the index.
        let in_memory = extents_in_memory(self);
        let index = self.tables().index.clone();
        let live = index.extents().map_err(ReadError::from)?;
        let mut removed = 0;
        let mut mostly_garbage = Vec::new();
        let mut empty = BTreeSet::new();
        for AtRest { extent, bytes } in at_rest {
            if in_memory.contains(&extent) {
                continue;
            }
            match live.get(&extent) {
                None => _ = empty.insert(extent),
                Some(room) if room.saturating_mul(LIVE_PARTS) < bytes => {
                    mostly_garbage.push(extent)
                }
                Some(_) => {}
            }
        }
        keeping.empty.retain(|extent, _| empty.contains(extent));
        for extent in empty {
            let since = *keeping.empty.entry(extent).or_insert_with(Instant::now);
            if since.elapsed() >= empty_for {
                let extents = self.extents.clone();
                let done = tokio::task::spawn_blocking(move || extents.remove(extent)).await;
                match done {
                    Ok(Ok(())) => removed += 1,
                    Ok(Err(error)) => tracing::warn!(extent, %error, "an extent was not removed"),
                    Err(panic) => tracing::error!(extent, %panic, "removing an extent panicked"),
                }
            }
        }
        let moved = !mostly_garbage.is_empty();
        for extent in mostly_garbage {
            match self.empty_extent(extent).await {
                // A blob in it cannot be read or written now; the other extents need not wait.
                Err(error @ (KeepingError::Read(_) | KeepingError::Write(_))) => {
                    tracing::warn!(extent, %error, "an extent could not be emptied");
                }
                done => done?,
            }
        }
        if moved {
            // They are empty once the index says so.
            self.flush();
        }
        Ok(removed)
    }

    async fn empty_extent(self: &Arc<Self>, extent: u64) -> Result<(), KeepingError> {
        let extents = self.extents.clone();
        let zones = extents.health().len();
        let walk = move || -> BTreeSet<BlobId> {
            let found = (0..zones).filter_map(|zone| extents.walk(extent, zone).ok()).flatten();
            found.map(|found| found.identity.id).collect()
        };
        let blobs = tokio::task::spawn_blocking(walk).await.unwrap_or_default();
        let mut moves = Moves::default();
        for id in blobs {
            let Some(blob) = self.tables().blob(id)? else { continue };
            let Stored::Extent(location) = blob.stored else { continue };
            if location.extent() != extent {
                continue;
            }
            let written = self.extents.copy(id, &location).await.map_err(KeepingError::from)?;
            moves.blobs.push((id, blob.place, Held::Extent(written)));
            if moves.blobs.len() >= MOVED_AT_ONCE {
                self.move_on(std::mem::take(&mut moves)).await?;
            }
        }
        if moves.is_empty() { Ok(()) } else { Ok(self.move_on(moves).await?) }
    }
}

impl From<CopyError> for KeepingError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Read(error) => Self::Read(error),
            CopyError::Write(error) => Self::Write(error),
        }
    }
}
