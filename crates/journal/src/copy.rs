//! Reading one zone's copy of the log, a window at a time.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::JournalId;
use crate::disk::DiskFile;
use crate::frame::{self, Cursor, Header, Kind, Members, decode_header};
use crate::segment::SegmentFile;

const WINDOW_BYTES: usize = 128 * 1024;
/// A scan looks at the end of one segment and the start of the next at the same time.
const WINDOWS_MAX: usize = 2;

/// A zone's segments, open for reading.
pub(crate) struct Copy {
    pub(crate) zone: usize,
    pub(crate) segments: BTreeMap<u64, SegmentFile>,
    windows: Vec<Window>,
    /// The first read that failed. What could be read stays usable.
    pub(crate) failed: Option<io::Error>,
}

struct Window {
    segment: u64,
    file: Arc<dyn DiskFile>,
    start: u64,
    bytes: Vec<u8>,
    /// How many of `bytes` were read.
    filled: usize,
}

impl Window {
    /// `len` bytes at `offset`, if the file has them before `limit`.
    fn get(&mut self, offset: u64, len: usize, limit: u64) -> io::Result<Option<&[u8]>> {
        let end = offset + len as u64;
        if end > limit {
            return Ok(None);
        }
        if offset < self.start || end > self.start + self.filled as u64 {
            let room = usize::try_from(limit - offset).unwrap_or(usize::MAX);
            let want = len.max(WINDOW_BYTES).min(room);
            if self.bytes.len() < want {
                self.bytes = vec![0; want];
            }
            self.start = offset;
            self.filled = 0;
            self.filled = self.file.read_at(&mut self.bytes[..want], offset)?;
        }
        let at = usize::try_from(offset - self.start).expect("within the window");
        Ok(self.bytes[..self.filled].get(at..at + len))
    }
}

impl Copy {
    pub(crate) fn new(zone: usize, segments: BTreeMap<u64, SegmentFile>) -> Copy {
        Copy { zone, segments, windows: Vec::new(), failed: None }
    }

    fn window(&mut self, segment: u64) -> Option<&mut Window> {
        if let Some(at) = self.windows.iter().position(|window| window.segment == segment) {
            return Some(&mut self.windows[at]);
        }
        let file = self.segments.get(&segment)?.file.clone();
        if self.windows.len() == WINDOWS_MAX {
            let oldest = (0..WINDOWS_MAX).min_by_key(|at| self.windows[*at].segment)?;
            self.windows.swap_remove(oldest);
        }
        self.windows.push(Window { segment, file, start: 0, bytes: Vec::new(), filled: 0 });
        self.windows.last_mut()
    }

    /// Forgets what was read, so that the next read asks the disk.
    pub(crate) fn forget(&mut self) {
        self.windows.clear();
    }

    fn bytes(&mut self, segment: u64, offset: u64, len: usize, limit: u64) -> Option<&[u8]> {
        // Two look-ups, because a borrow may not be given back on one way out only.
        let got = self.window(segment)?.get(offset, len, limit).map(|bytes| bytes.is_some());
        match got {
            Ok(true) => self.window(segment)?.get(offset, len, limit).ok().flatten(),
            Ok(false) => None,
            Err(error) => {
                self.failed.get_or_insert(error);
                None
            }
        }
    }

    fn limit(&self, at: &Cursor) -> Option<u64> {
        self.segments.get(&at.segment).map(|segment| segment.bytes)
    }

    /// The whole frame at `at`, checked, if this copy has it. `end` bounds what may be read of
    /// a log that grows.
    pub(crate) fn frame(
        &mut self,
        id: JournalId,
        at: Cursor,
        end: Option<Cursor>,
    ) -> Option<(Header, &[u8])> {
        let limit = match end {
            Some(end) if end.segment == at.segment => end.offset,
            _ => self.limit(&at)?,
        };
        let head = self.bytes(at.segment, at.offset, frame::HEADER_BYTES, limit)?;
        let header = decode_header(id, head).filter(|header| at.admits(header))?;
        let whole = self.bytes(at.segment, at.offset, header.frame_bytes(), limit)?;
        let payload = &whole[frame::HEADER_BYTES..frame::HEADER_BYTES + header.payload_bytes];
        (frame::crc(payload) == header.payload_crc).then_some((header, whole))
    }

    /// The highest `committed` that any of this journal's frame headers says from `at` to the
    /// end of the last segment, wherever they lie.
    pub(crate) fn committed_beyond(&mut self, id: JournalId, at: Cursor) -> u64 {
        let mut highest = 0;
        let later: Vec<(u64, u64)> =
            self.segments.range(at.segment..).map(|(index, file)| (*index, file.bytes)).collect();
        for (index, limit) in later {
            let mut offset =
                if index == at.segment { at.offset } else { crate::segment::HEADER_BYTES };
            while offset + frame::HEADER_BYTES as u64 <= limit {
                let room = usize::try_from(limit - offset).unwrap_or(usize::MAX);
                let Some(chunk) = self.bytes(index, offset, room.min(WINDOW_BYTES), limit) else {
                    break;
                };
                highest = highest.max(highest_committed(id, chunk));
                // The next chunk begins where a header could have been cut.
                let step = chunk.len().saturating_sub(frame::HEADER_BYTES - 8).max(8);
                offset += step as u64;
            }
        }
        highest
    }
}

fn highest_committed(id: JournalId, chunk: &[u8]) -> u64 {
    let heads = (0..chunk.len().saturating_sub(frame::HEADER_BYTES - 1)).step_by(8);
    heads
        .filter_map(|at| decode_header(id, &chunk[at..]))
        .map(|header| header.committed)
        .max()
        .unwrap_or(0)
}

pub(crate) fn payload_of(header: &Header, whole: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&whole[frame::HEADER_BYTES..frame::HEADER_BYTES + header.payload_bytes])
}

pub(crate) fn members_of(header: &Header, whole: &[u8]) -> Option<Members> {
    let payload = &whole[frame::HEADER_BYTES..frame::HEADER_BYTES + header.payload_bytes];
    match header.kind {
        Kind::Members => Members::decode(payload),
        Kind::Data => None,
    }
}
