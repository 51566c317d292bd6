//! Emptying the log's front.

use std::sync::Arc;

use journal::{Place, Sequence};

use super::KeepingError;
use super::moving::Moves;
use crate::blob::Held;
use crate::frame::{self, Frame, Stored};
use crate::shared::Shared;
use crate::table::Blob;
use crate::{BlobId, Layout};

/// Of the log's bytes less than this part must live before it is worth while.
const LIVE_PARTS: u64 = 2;
/// A log of so few segments is let be.
const SEGMENTS_MIN: usize = 4;
/// Segments emptied in one round.
const SEGMENTS_AT_ONCE: usize = 4;
const MOVED_AT_ONCE: usize = 256;
const MOVED_BYTES_AT_ONCE: usize = 1 << 20;

impl Shared {
    /// Empties segments from the front while most of the log is garbage. They go once the index
    /// has taken the moves in. Answers how many were emptied.
    ///
    /// # Errors
    /// [`KeepingError`]; whatever was moved by then stays so.
    pub(crate) async fn compact(self: &Arc<Self>) -> Result<usize, KeepingError> {
        let mut emptied = 0;
        while emptied < SEGMENTS_AT_ONCE {
            let Some((first, next)) = self.worth_emptying()? else { break };
            for segment in first..next {
                self.empty(segment).await?;
                emptied += 1;
            }
            self.tables_mut().active.keep_from = Some(next);
            self.flush();
        }
        Ok(emptied)
    }

    /// The first segment of the log, and the next one that the log may begin with.
    fn worth_emptying(&self) -> Result<Option<(u64, u64)>, KeepingError> {
        let tables = self.tables();
        let kept_from = [tables.frozen.as_deref(), Some(&tables.active)];
        let kept_from = kept_from.into_iter().flatten().filter_map(|table| table.keep_from).max();
        let (index, reached) = (tables.index.clone(), tables.index.reached());
        drop(tables);
        let (known, there) =
            (index.segments().map_err(crate::ReadError::from)?, self.log().segments());
        let number = |segment: &journal::Extent| segment.first.segment;
        let kept =
            there.iter().filter(|segment| kept_from.is_none_or(|from| number(segment) >= from));
        let kept: Vec<_> = kept.collect();
        if kept.len() <= SEGMENTS_MIN {
            return Ok(None);
        }
        let bytes: u64 = kept.iter().map(|segment| segment.bytes).sum();
        let live = kept.iter().filter_map(|segment| known.get(&number(segment)));
        let live: u64 = live.map(|segment| segment.live_bytes).sum();
        if live.saturating_mul(LIVE_PARTS) > bytes {
            return Ok(None);
        }
        let first = number(kept[0]);
        // What the index does not show yet cannot be counted.
        let shown = |segment: u64| reached.segment.is_some_and(|last| segment < last);
        let next = kept
            .iter()
            .map(|segment| number(segment))
            .skip(1)
            .find(|segment| known.get(segment).is_some_and(|segment| segment.begins_well));
        Ok(next.filter(|next| shown(*next)).map(|next| (first, next)))
    }

    async fn empty(self: &Arc<Self>, segment: u64) -> Result<(), KeepingError> {
        let unreadable = |error: journal::ReadError| KeepingError::Log(error.to_string());
        let mut moves = Moves::default();
        let mut bytes = 0;
        let log = self.log();
        let there = log.segments().into_iter().find(|there| there.first.segment == segment);
        // Gone already.
        let Some(there) = there else { return Ok(()) };
        let after = Sequence(there.sequence.0 - 1);
        for read in log.read(after).map_err(unreadable)? {
            let journal::Frame { place, payload, .. } = read.map_err(unreadable)?;
            if place.segment > segment {
                break;
            }
            let frame = frame::decode(&payload).map_err(|e| KeepingError::Log(e.to_string()))?;
            bytes += payload.len();
            self.gather(&mut moves, frame, place, &payload).await?;
            if moves.rows.len() + moves.blobs.len() >= MOVED_AT_ONCE || bytes >= MOVED_BYTES_AT_ONCE
            {
                bytes = 0;
                self.move_on(std::mem::take(&mut moves)).await?;
            }
        }
        if moves.is_empty() { Ok(()) } else { Ok(self.move_on(moves).await?) }
    }

    /// Adds what lives of a frame. Bytes of small blobs leave the log for an extent.
    async fn gather(
        &self,
        moves: &mut Moves,
        frame: Frame,
        place: Place,
        payload: &bytes::Bytes,
    ) -> Result<(), KeepingError> {
        for (key, _) in frame.effect.rows.into_iter().filter(|(_, row)| row.is_some()) {
            if self.tables().slot(&key)?.is_some_and(|slot| slot.place == place) {
                moves.rows.push((key, place));
            }
        }
        for (id, stored) in frame.effect.blobs {
            let Some(stored) = stored else { continue };
            let there = self.tables().blob(id)?;
            if there.is_some_and(|blob: Blob| blob.place == place) {
                let held = match stored {
                    Stored::Extent(location) => Held::Moved(location),
                    Stored::Inline { offset, bytes, sealed } => {
                        let offset = usize::try_from(offset).expect("in memory");
                        let end = offset + usize::try_from(bytes).expect("in memory");
                        let stored = payload.slice(offset..end);
                        self.to_extent(id, stored, sealed, Layout::Zones).await?
                    }
                };
                moves.blobs.push((id, place, held));
            }
        }
        Ok(())
    }

    /// Writes what lay in the log.
    pub(super) async fn to_extent(
        &self,
        id: BlobId,
        stored: bytes::Bytes,
        sealed: bool,
        layout: Layout,
    ) -> Result<Held, KeepingError> {
        let bytes = stored.len() as u64;
        let mut writer = if sealed {
            let plain = bytes - crate::seal::TAG_BYTES as u64;
            self.extents.begin_sealed(id, plain, layout).await?
        } else {
            self.extents.begin(id, bytes, layout, None).await?
        };
        writer.push(stored).await?;
        Ok(Held::Extent(writer.finish().await?))
    }
}
