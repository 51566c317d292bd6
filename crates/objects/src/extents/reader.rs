//! Giving a blob's bytes.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{FutureExt, Stream};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::extents::Shared;
use crate::extents::location::{BLOCK_BYTES, Location};
use crate::extents::part::{self, Source};
use crate::seal::Seal;
use crate::{BlobId, ReadError};

/// A blob's bytes, checked before they are given, in parts of at most 256 KiB.
///
/// What the system has in memory is read and opened when it is asked for, by whoever asks: that
/// takes less time than handing it to another thread, and the bytes are still in the processor's
/// cache when they are sent. Who asks for more than [`LONG_BYTES`] would wait for each part,
/// though: after the first one, 512 KiB are opened while those before are sent, on threads that may
/// block. From the first block that is not in memory on, it is 1 MiB, read there too.
pub struct ExtentReader {
    source: Arc<Source>,
    /// What is wanted, and how far reading it has begun, in bytes of the blob.
    range: Range<u64>,
    begun: u64,
    /// Whether all blocks so far were in memory.
    cached: bool,
    reading: Option<JoinHandle<Result<Part, ReadError>>>,
    ready: VecDeque<Bytes>,
}

/// What is read at once by whoever asks, as long as it is in memory.
const LONG_BYTES: u64 = 1 << 20;
const BLOCKS_AHEAD: u64 = 8;

/// Bytes that were read ahead, in few pieces where they were in memory.
struct Part {
    pieces: Vec<Bytes>,
    cached: bool,
}

impl ExtentReader {
    pub(crate) fn begin(
        shared: Arc<Shared>,
        id: BlobId,
        location: Location,
        seal: Option<Seal>,
        range: Range<u64>,
    ) -> ExtentReader {
        let end = range.end.min(location.bytes);
        let range = range.start.min(end)..end;
        let source = Arc::new(Source { shared, id, location, seal });
        let begun = range.start;
        ExtentReader { source, range, begun, cached: true, reading: None, ready: VecDeque::new() }
    }

    fn next_cached(&mut self) -> Option<Bytes> {
        let idle = self.cached && self.reading.is_none();
        if !idle || self.begun >= self.range.end {
            return None;
        }
        let first = self.begun / BLOCK_BYTES;
        let end = (first + part::BLOCKS_CACHED).min(self.range.end.div_ceil(BLOCK_BYTES));
        let Some(blocks) = self.source.read_cached(first..end) else {
            self.cached = false;
            self.read_ahead();
            return None;
        };
        self.begun = first * BLOCK_BYTES + blocks.len() as u64;
        if self.range.end - self.range.start > LONG_BYTES {
            self.read_ahead();
        }
        Some(wanted_of(&blocks, first * BLOCK_BYTES, &self.range))
    }

    /// Begins the next part, if there is one. Parts end at multiples of their length.
    fn read_ahead(&mut self) {
        if self.begun >= self.range.end {
            return;
        }
        let first = self.begun / BLOCK_BYTES;
        let length = if self.cached { BLOCKS_AHEAD } else { part::BLOCKS };
        let end = (first / length + 1) * length;
        let end = end.min(self.range.end.div_ceil(BLOCK_BYTES));
        let (wanted, source) = (self.range.clone(), self.source.clone());
        let cached = self.cached;
        self.begun = end * BLOCK_BYTES;
        self.reading = Some(spawn_blocking(move || {
            let mut pieces = Vec::new();
            let left =
                if cached { cached_of(&source, first..end, &wanted, &mut pieces) } else { first };
            let cached = left == end;
            if !cached {
                pieces.extend(blocks_of(&source, left..end, &wanted)?);
            }
            Ok(Part { pieces, cached })
        }));
    }
}

/// What the system has in memory of these blocks, without a gap; answers the first that is left.
fn cached_of(
    source: &Source,
    blocks: Range<u64>,
    wanted: &Range<u64>,
    pieces: &mut Vec<Bytes>,
) -> u64 {
    let mut first = blocks.start;
    while first < blocks.end {
        let end = (first + part::BLOCKS_CACHED).min(blocks.end);
        let Some(bytes) = source.read_cached(first..end) else { break };
        let start = first * BLOCK_BYTES;
        first = (start + bytes.len() as u64).div_ceil(BLOCK_BYTES);
        pieces.push(wanted_of(&bytes, start, wanted));
    }
    first
}

fn blocks_of(
    source: &Source,
    blocks: Range<u64>,
    wanted: &Range<u64>,
) -> Result<Vec<Bytes>, ReadError> {
    let first = blocks.start;
    let mut blocks = source.read(blocks)?;
    if source.gives_plain() {
        for (number, block) in (first..).zip(&mut blocks) {
            *block = wanted_of(block, number * BLOCK_BYTES, wanted);
        }
    }
    Ok(blocks)
}

/// Cuts what is not wanted off bytes that begin there in the blob.
fn wanted_of(bytes: &Bytes, start: u64, wanted: &Range<u64>) -> Bytes {
    let within = |place: u64| {
        let place = usize::try_from(place.saturating_sub(start)).unwrap_or(usize::MAX);
        place.min(bytes.len())
    };
    bytes.slice(within(wanted.start)..within(wanted.end))
}

impl Stream for ExtentReader {
    type Item = Result<Bytes, ReadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let reader = self.get_mut();
        if let Some(bytes) = reader.ready.pop_front().or_else(|| reader.next_cached()) {
            return Poll::Ready(Some(Ok(bytes)));
        }
        let Some(reading) = reader.reading.as_mut() else { return Poll::Ready(None) };
        let part = ready!(reading.poll_unpin(cx));
        reader.reading = None;
        let panicked = |_| Err(ReadError::Unavailable("reading an extent panicked".to_owned()));
        match part.unwrap_or_else(panicked) {
            Ok(Part { pieces, cached }) => {
                reader.ready.extend(pieces);
                reader.cached = cached;
                reader.read_ahead();
                Poll::Ready(reader.ready.pop_front().map(Ok))
            }
            Err(error) => {
                reader.begun = reader.range.end;
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}
