//! Some blocks of a blob, read in one go.

use std::io::IoSliceMut;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::extents::Shared;
use crate::extents::location::{BLOCK_BYTES, Form, Location, Place, ZoneSet};
use crate::extents::slot::{HEADER_BYTES, Identity, SLOT_BYTES_MAX};
use crate::extents::{parity, slot};
use crate::seal::Seal;
use crate::{BlobId, ReadError};

/// 1 MiB.
pub(crate) const BLOCKS: u64 = 16;
pub(crate) const BYTES: usize = 16 * SLOT_BYTES_MAX;
/// What is read of the system's memory together. Sending much in one go costs half of what it does
/// in blocks, and this much stays in a processor's cache until then.
pub(crate) const BLOCKS_CACHED: u64 = 4;
pub(crate) const BYTES_CACHED: usize = 4 * SLOT_BYTES_MAX;

/// A blob as it is read.
pub(crate) struct Source {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: BlobId,
    pub(crate) location: Location,
    /// Without it, sealed blocks are given as they are.
    pub(crate) seal: Option<Seal>,
}

/// A block in a part's buffer.
struct Piece {
    block: u64,
    zone: usize,
    place: Place,
    /// Of its slot.
    at: usize,
    checked: bool,
}

/// Rows of one zone that lie together on the disk and in memory.
struct Run {
    zone: usize,
    rows: Range<u64>,
}

/// What kept blocks from being read, for the error if nothing else helps.
#[derive(Default)]
struct Trouble {
    unreadable: Vec<String>,
    rotten: ZoneSet,
}

impl Source {
    /// Whether blocks are given as they were written, and not as they are stored.
    pub(crate) fn gives_plain(&self) -> bool {
        self.seal.is_some() || !self.location.sealed
    }

    /// The blocks, at most [`BLOCKS`], each as its own slice of few buffers.
    pub(crate) fn read(&self, blocks: Range<u64>) -> Result<Vec<Bytes>, ReadError> {
        let mut trouble = Trouble::default();
        let runs = self.runs(&blocks);
        let lengths: Vec<usize> = runs.iter().map(|run| self.run_bytes(run)).collect();
        let mut buffer = self.shared.parts.take(lengths.iter().sum());
        let mut pieces = Vec::new();
        let mut start = 0;
        for (run, length) in runs.iter().zip(lengths) {
            let bytes = &mut buffer[start..start + length];
            let read = self.read_run(run, bytes, &mut trouble);
            self.check_run(run, &bytes[..read], start, &mut pieces, &mut trouble);
            start += length;
        }
        pieces.retain(|piece| blocks.contains(&piece.block));
        if pieces.iter().any(|piece| !piece.checked) {
            self.make_missing(&mut pieces, &mut buffer, &mut trouble)?;
        }
        pieces.sort_unstable_by_key(|piece| piece.block);
        let mut ranges = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            let payload = piece.at + HEADER_BYTES;
            let range = payload..payload + piece.place.identity.length as usize;
            let end = match &self.seal {
                Some(seal) => {
                    let opened = seal.open(piece.block, &mut buffer[range.clone()])?;
                    payload + opened.len()
                }
                None => range.end,
            };
            ranges.push(payload..end);
        }
        let bytes = buffer.freeze();
        Ok(ranges.into_iter().map(|range| bytes.slice(range)).collect())
    }

    /// As many of these sealed blocks as the system has in memory and are whole, together: for
    /// those who must not wait. Everything else is [`Source::read`]'s to find out.
    pub(crate) fn read_cached(&self, blocks: Range<u64>) -> Option<Bytes> {
        let seal = self.seal.as_ref()?;
        let lengths = blocks.clone().map(|block| self.location.payload_bytes(block));
        let mut buffer = self.shared.cached.take(lengths.sum());
        let mut filled = 0;
        for block in blocks {
            // Each tag lies where the next block will.
            let sealed = &mut buffer[filled..][..self.location.payload_bytes(block)];
            let Some(opened) = self.open_cached(seal, block, sealed) else { break };
            filled += opened;
        }
        (filled > 0).then(|| buffer.freeze().slice(..filled))
    }

    /// Answers how much of `sealed` is the block.
    fn open_cached(&self, seal: &Seal, block: u64, sealed: &mut [u8]) -> Option<usize> {
        let (zone, row) = match self.location.form {
            Form::Striped => {
                let column = usize::from(!block.is_multiple_of(2));
                (self.location.column_zone(self.id, column), block / 2)
            }
            _ => (self.first_copy(), block),
        };
        let place = self.location.place(self.id, zone, row)?;
        let file = self.shared.files.held(&self.shared.zone(zone)?, self.location.extent)?;
        let mut header = [0; HEADER_BYTES];
        let bufs = &mut [IoSliceMut::new(&mut header), IoSliceMut::new(sealed)];
        if file.read_cached_at(bufs, place.offset).ok()? < place.slot_bytes() {
            return None;
        }
        // What opens under the blob's own key and the block's number is what was sealed: the
        // checksum, which is for those who have no key, could say nothing more.
        let ours = Identity::claimed(&header) == Some(place.identity);
        ours.then(|| seal.open(block, sealed).ok().map(|opened| opened.len()))?
    }

    /// What is read when all is well: each zone's rows of data, one run a zone.
    fn runs(&self, blocks: &Range<u64>) -> Vec<Run> {
        let location = &self.location;
        if location.form != Form::Striped {
            let zone = self.first_copy();
            return vec![Run { zone, rows: blocks.clone() }];
        }
        let even = blocks.start.div_ceil(2)..blocks.end.div_ceil(2);
        let odd = blocks.start / 2..blocks.end / 2;
        let runs = [(0, even), (1, odd)].into_iter().filter(|(_, rows)| !rows.is_empty());
        runs.map(|(column, rows)| Run { zone: location.column_zone(self.id, column), rows })
            .collect()
    }

    /// The copy to read first: of those that can be, one turned by the id.
    fn first_copy(&self) -> usize {
        let zones: Vec<usize> = self.location.zones().iter().collect();
        let present = |zone: &&usize| self.shared.zone(**zone).is_some();
        let at = usize::try_from(self.id.0 % zones.len() as u64).expect("less than the zones");
        let turned = zones.iter().cycle().skip(at).take(zones.len());
        turned.clone().find(present).copied().unwrap_or(zones[at])
    }

    /// To the end of the last slot that the zone has; its last row may have none.
    fn run_bytes(&self, run: &Run) -> usize {
        let places = run.rows.clone().rev();
        let last = places.filter_map(|row| self.location.place(self.id, run.zone, row)).next();
        last.map_or(0, |place| self.at(run, &place) + place.slot_bytes())
    }

    /// Where a slot lies in its run.
    fn at(&self, run: &Run, place: &Place) -> usize {
        let at = place.offset - self.location.row_offset(run.rows.start);
        usize::try_from(at).expect("a part fits into memory")
    }

    /// Reads what there is of a run; answers how much.
    fn read_run(&self, run: &Run, bytes: &mut [u8], trouble: &mut Trouble) -> usize {
        let Some(zone) = self.shared.zone(run.zone) else {
            trouble.unreadable.push(format!("zone {} is away", run.zone));
            return 0;
        };
        let file = self.shared.files.open(&zone, self.location.extent);
        let offset = self.location.row_offset(run.rows.start);
        match file.and_then(|file| file.read_at(bytes, offset)) {
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => {
                trouble.unreadable.push(format!("zone {}: {error}", run.zone));
                0
            }
        }
    }

    fn check_run(
        &self,
        run: &Run,
        bytes: &[u8],
        start: usize,
        pieces: &mut Vec<Piece>,
        trouble: &mut Trouble,
    ) {
        for row in run.rows.clone() {
            let Some(place) = self.location.place(self.id, run.zone, row) else { continue };
            let at = self.at(run, &place);
            let checked = bytes.get(at..at + place.slot_bytes());
            let checked = checked.is_some_and(|slot| slot::checks(slot, &place));
            if !checked {
                trouble.rotten = trouble.rotten.with(run.zone);
            }
            let block = u64::from(place.identity.block);
            pieces.push(Piece { block, zone: run.zone, place, at: start + at, checked });
        }
    }

    /// Fills in the blocks that did not check, from other copies or from their row.
    fn make_missing(
        &self,
        pieces: &mut [Piece],
        buffer: &mut [u8],
        trouble: &mut Trouble,
    ) -> Result<(), ReadError> {
        if self.location.form != Form::Striped {
            for zone in self.location.zones().iter() {
                self.fill_from_copy(zone, pieces, buffer, trouble);
            }
        } else {
            self.fill_from_rows(pieces, buffer, trouble);
        }
        match pieces.iter().find(|piece| !piece.checked) {
            None => Ok(()),
            Some(piece) => Err(trouble.error(self.id, piece.block)),
        }
    }

    fn fill_from_copy(
        &self,
        zone: usize,
        pieces: &mut [Piece],
        buffer: &mut [u8],
        trouble: &mut Trouble,
    ) {
        let missing = |piece: &&mut Piece| !piece.checked && piece.zone != zone;
        let rows = span(pieces.iter_mut().filter(missing).map(|piece| piece.block));
        let Some(rows) = rows else { return };
        let other = self.load(Run { zone, rows }, trouble);
        for piece in pieces.iter_mut().filter(missing) {
            if let Some(slot) = other.slot(self, piece.block) {
                buffer[piece.at..piece.at + slot.len()].copy_from_slice(slot);
                piece.checked = true;
            }
        }
    }

    fn fill_from_rows(&self, pieces: &mut [Piece], buffer: &mut [u8], trouble: &mut Trouble) {
        // The other two columns' runs over the rows in question, even where a partner was read
        // already: simple, and this is not the way that has to be quick.
        for column in 0..2 {
            let own = self.location.column_zone(self.id, column);
            let partner = self.location.column_zone(self.id, 1 - column);
            let parity = self.location.column_zone(self.id, 2);
            let missing = |piece: &&mut Piece| !piece.checked && piece.zone == own;
            let rows = span(pieces.iter_mut().filter(missing).map(|piece| piece.block / 2));
            let Some(rows) = rows else { continue };
            let partners = self.load(Run { zone: partner, rows: rows.clone() }, trouble);
            let parities = self.load(Run { zone: parity, rows }, trouble);
            for piece in pieces.iter_mut().filter(missing) {
                let row = piece.block / 2;
                // The last block may have no partner: then the parity is its copy.
                let alone = self.location.place(self.id, partner, row).is_none();
                let partner = if alone { Some(&[][..]) } else { partners.payload(self, row) };
                let (Some(partner), Some(parity)) = (partner, parities.payload(self, row)) else {
                    continue;
                };
                let length = piece.place.identity.length as usize;
                let payload = &mut buffer[piece.at + HEADER_BYTES..][..length];
                parity::xor(&parity[..length], &partner[..partner.len().min(length)], payload);
                piece.checked = true;
            }
        }
    }

    fn load(&self, run: Run, trouble: &mut Trouble) -> Loaded {
        let mut bytes = vec![0; self.run_bytes(&run)];
        let read = self.read_run(&run, &mut bytes, trouble);
        let mut pieces = Vec::new();
        self.check_run(&run, &bytes[..read], 0, &mut pieces, trouble);
        pieces.retain(|piece| piece.checked);
        Loaded { bytes, pieces, zone: run.zone }
    }
}

/// A run read to make other blocks from; only what checked.
struct Loaded {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
    zone: usize,
}

impl Loaded {
    fn slot(&self, source: &Source, row: u64) -> Option<&[u8]> {
        let place = source.location.place(source.id, self.zone, row)?;
        let piece = self.pieces.iter().find(|piece| piece.place == place)?;
        Some(&self.bytes[piece.at..piece.at + place.slot_bytes()])
    }

    fn payload(&self, source: &Source, row: u64) -> Option<&[u8]> {
        self.slot(source, row).map(|slot| &slot[HEADER_BYTES..])
    }
}

/// From the least to the greatest.
fn span(rows: impl Iterator<Item = u64>) -> Option<Range<u64>> {
    rows.fold(None, |span: Option<Range<u64>>, row| {
        let span = span.unwrap_or(row..row + 1);
        Some(span.start.min(row)..span.end.max(row + 1))
    })
}

impl Trouble {
    /// What could not be looked at may be whole.
    fn error(&self, id: BlobId, block: u64) -> ReadError {
        let rotten: Vec<usize> = self.rotten.iter().collect();
        let what = format!("block {block} of blob {} (not whole in zones {rotten:?})", id.0);
        match self.unreadable.as_slice() {
            [] => ReadError::Lost(what),
            why => ReadError::Unavailable(format!("{what}: {}", why.join(", "))),
        }
    }
}

const _: () = assert!(BLOCKS * BLOCK_BYTES == 1 << 20);
