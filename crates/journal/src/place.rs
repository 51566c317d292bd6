//! Where frames lie, and reading one of them by its place alone.

use std::sync::Arc;

use bytes::{Buf, Bytes};

use crate::disk::DiskFile;
use crate::frame::{self, HEADER_BYTES, Kind, crc, decode_header};
use crate::frames::ReadError;
use crate::log::{Segment, View};
use crate::{JournalId, Sequence};

/// Where a frame lies: the same in all zones, for as long as the log is kept there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub segment: u64,
    /// Of the frame's first byte, in its segment's file.
    pub offset: u64,
}

/// What became of a payload that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    pub sequence: Sequence,
    pub place: Place,
}

impl Committed {
    /// The frame after one whose payload has so many bytes, in the same group.
    pub(crate) fn next(self, payload_bytes: usize) -> Committed {
        let bytes = frame::frame_bytes(payload_bytes) as u64;
        Committed {
            sequence: Sequence(self.sequence.0 + 1),
            place: Place { offset: self.place.offset + bytes, ..self.place },
        }
    }
}

/// What a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where its first frame lies.
    pub first: Place,
    /// The sequence of that frame. [`crate::Journal::read`] can begin after the one before it.
    pub sequence: Sequence,
    /// Bytes of its frames, headers and padding included.
    pub bytes: u64,
    /// Whether frames are still added to it.
    pub open: bool,
}

/// A segment to read one frame of, and the sequences that a frame in it may have.
pub(crate) struct Pick {
    id: JournalId,
    segment: Arc<Segment>,
    /// Where its committed frames end.
    end: u64,
    /// The first sequence after those in it.
    next_sequence: u64,
}

impl View {
    pub(crate) fn extents(&self) -> Vec<Extent> {
        let extents = self.segments.iter().map(|segment| Extent {
            first: segment.first.place(),
            sequence: Sequence(segment.first.sequence),
            bytes: self.end_of(segment) - segment.first.offset,
            open: segment.end.is_none(),
        });
        extents.collect()
    }

    pub(crate) fn pick(&self, place: Place) -> Result<Pick, ReadError> {
        let first = self.first();
        if place < first.place() {
            return Err(ReadError::Truncated { oldest: Sequence(first.sequence) });
        }
        let found = self.segments.binary_search_by_key(&place.segment, |segment| segment.index);
        let at = found.map_err(|_| ReadError::NoFrame(place))?;
        let next_sequence =
            self.segments.get(at + 1).map_or(self.end.sequence, |s| s.first.sequence);
        let segment = self.segments[at].clone();
        let end = self.end_of(&segment);
        Ok(Pick { id: self.id, segment, end, next_sequence })
    }
}

impl Pick {
    /// The payload of `payload_bytes` whose frame lies at `place`, from the first zone that has
    /// it, and how many others were passed over.
    ///
    /// The frame before is not read, so the chain is checked only as far as the frame itself
    /// tells it: it is this journal's, its payload is whole, and its sequence is one of those
    /// in this segment.
    pub(crate) fn payload(
        &self,
        place: Place,
        payload_bytes: usize,
    ) -> Result<(Bytes, u64), ReadError> {
        let whole = frame::frame_bytes(payload_bytes) as u64;
        if place.offset.checked_add(whole).is_none_or(|end| end > self.end) {
            return Err(ReadError::NoFrame(place));
        }
        let files = &self.segment.files;
        // Each segment has a zone that it is read from first, so that the page cache holds one
        // copy of what is read often and not three.
        let start = usize::try_from(place.segment % files.len() as u64).unwrap_or(0);
        let mut buffer = vec![0; HEADER_BYTES + payload_bytes];
        let mut rotten = 0;
        for zone in (start..files.len()).chain(0..start) {
            let Some(held) = &files[zone] else { continue };
            if self.read(held.file.as_ref(), place.offset, &mut buffer) {
                let mut payload = Bytes::from(buffer);
                payload.advance(HEADER_BYTES);
                return Ok((payload, rotten));
            }
            rotten += 1;
            tracing::warn!(zone, ?place, payload_bytes, "a frame does not check in this zone");
        }
        Err(ReadError::NoFrame(place))
    }

    /// Whether `file` has such a frame at `offset`, which then fills `buffer`.
    fn read(&self, file: &dyn DiskFile, offset: u64, buffer: &mut [u8]) -> bool {
        if !matches!(file.read_at(buffer, offset), Ok(read) if read == buffer.len()) {
            return false;
        }
        let (head, payload) = buffer.split_at(HEADER_BYTES);
        decode_header(self.id, head).is_some_and(|header| {
            header.kind == Kind::Data
                && header.payload_bytes == payload.len()
                && (self.segment.first.sequence..self.next_sequence).contains(&header.sequence)
                && header.payload_crc == crc(payload)
        })
    }
}
