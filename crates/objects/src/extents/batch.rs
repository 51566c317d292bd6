//! Some rows of a blob on their way to the zones.

use std::sync::Arc;

use crate::BlobId;
use crate::extents::buffers::{Buffer, Pool};
use crate::extents::location::{BLOCK_BYTES, Form, Location, ZoneSet};
use crate::extents::room::Extent;
use crate::extents::slot::{HEADER_BYTES, SLOT_BYTES_MAX};
use crate::extents::{Sealing, parity};

const ROWS_STRIPED: u64 = 4;
/// A batch is as many blocks whatever the form.
const BLOCKS: u64 = 2 * ROWS_STRIPED;
const SLOTS: usize = 3 * 4;
pub(crate) const BYTES: usize = SLOTS * SLOT_BYTES_MAX;

/// The buffer holds one column after the other, each as it will lie in its zone.
pub(crate) struct Batch {
    buffer: Buffer,
    first_row: u64,
    /// The block that is being filled, and how much of its payload has come.
    block: u64,
    filled: usize,
}

/// What a batch needs to know of its blob.
pub(crate) struct Target {
    pub(crate) id: BlobId,
    pub(crate) location: Location,
    pub(crate) extent: Arc<Extent>,
    pub(crate) sealing: Sealing,
}

impl Target {
    fn columns(&self) -> u64 {
        self.location.width()
    }

    fn rows_max(&self) -> u64 {
        (BLOCKS / self.columns()).min(self.location.rows())
    }

    /// Of one batch's buffer: parity is a column more.
    fn buffer_bytes(&self) -> usize {
        let columns = if self.location.form == Form::Striped { 3 } else { 1 };
        self.at(columns, 0)
    }

    /// What has to come for a block: its tag too, when others sealed it.
    fn pushed_bytes(&self, block: u64) -> usize {
        match self.sealing {
            Sealing::Sealed => self.location.payload_bytes(block),
            _ => usize::try_from(self.location.plain_bytes(block)).expect("a block fits"),
        }
    }

    /// All that has to come.
    pub(crate) fn pushed_bytes_total(&self) -> u64 {
        let tags = match self.sealing {
            Sealing::Sealed => self.location.blocks() * crate::seal::TAG_BYTES as u64,
            _ => 0,
        };
        self.location.bytes + tags
    }

    /// Where a slot begins in a batch's buffer.
    fn at(&self, column: u64, row_in_batch: u64) -> usize {
        let slot = column * self.rows_max() + row_in_batch;
        usize::try_from(slot * self.location.pitch()).expect("within the buffer")
    }
}

impl Batch {
    pub(crate) fn new(pool: &Arc<Pool>, target: &Target, first_row: u64) -> Batch {
        let block = first_row * target.columns();
        Batch { buffer: pool.take(target.buffer_bytes()), first_row, block, filled: 0 }
    }

    /// Takes from the front of `bytes` what fits; answers how much.
    pub(crate) fn fill(&mut self, target: &Target, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && !self.is_full(target) {
            let (row, column) = (self.block / target.columns(), self.block % target.columns());
            let at = target.at(column, row - self.first_row) + HEADER_BYTES + self.filled;
            let wanted = target.pushed_bytes(self.block);
            let take = (wanted - self.filled).min(bytes.len() - taken);
            self.buffer[at..at + take].copy_from_slice(&bytes[taken..taken + take]);
            (taken, self.filled) = (taken + take, self.filled + take);
            if self.filled == wanted {
                (self.block, self.filled) = (self.block + 1, 0);
            }
        }
        taken
    }

    /// No block more fits into it, or the blob has no more.
    pub(crate) fn is_full(&self, target: &Target) -> bool {
        self.block >= self.end_row(target) * target.columns()
            || self.block >= target.location.blocks()
    }

    pub(crate) fn end_row(&self, target: &Target) -> u64 {
        (self.first_row + target.rows_max()).min(target.location.rows())
    }

    /// Seals, checksums and writes all rows of a full batch; answers the zones that failed.
    pub(crate) fn write(mut self, target: &Target) -> ZoneSet {
        self.seal_blocks(target);
        let zones = target.location.zones();
        let failed = zones.iter().filter(|zone| !self.write_zone(target, *zone));
        failed.collect()
    }

    fn seal_blocks(&mut self, target: &Target) {
        let location = &target.location;
        let blocks = self.first_row * target.columns()..self.block;
        for block in blocks {
            let (row, column) = (block / target.columns(), block % target.columns());
            let at = target.at(column, row - self.first_row) + HEADER_BYTES;
            if let Sealing::Seal(seal) = &target.sealing {
                let plain = target.pushed_bytes(block);
                let tag = seal.seal(block, &mut self.buffer[at..at + plain]);
                self.buffer[at + plain..][..tag.len()].copy_from_slice(&tag);
            }
        }
        if location.form == Form::Striped {
            for row in self.first_row..self.end_row(target) {
                self.make_parity(target, row);
            }
        }
        // Whole copies are the same bytes in each zone: one zone's headers are all zones'.
        let columns = if location.form == Form::Striped { 3 } else { 1 };
        for (column, zone) in self.column_zones(target).take(columns).enumerate() {
            for row in self.first_row..self.end_row(target) {
                if let Some(place) = location.place(target.id, zone, row) {
                    let at = target.at(column as u64, row - self.first_row);
                    place.identity.seal(&mut self.buffer[at..at + place.slot_bytes()]);
                }
            }
        }
    }

    fn make_parity(&mut self, target: &Target, row: u64) {
        let in_batch = row - self.first_row;
        let (odd_at, parity_at) = (target.at(1, in_batch), target.at(2, in_batch));
        let even_at = target.at(0, in_batch);
        let even_bytes = target.location.payload_bytes(2 * row);
        let odd_bytes = target.location.payload_bytes(2 * row + 1);
        let (data, parities) = self.buffer.split_at_mut(target.at(2, 0));
        let even = &data[even_at + HEADER_BYTES..][..even_bytes];
        let odd = &data[odd_at + HEADER_BYTES..][..odd_bytes];
        let parity = &mut parities[parity_at - target.at(2, 0) + HEADER_BYTES..][..even_bytes];
        parity::xor(even, odd, parity);
    }

    /// The zones in the order of the buffer's columns.
    fn column_zones<'a>(&self, target: &'a Target) -> impl Iterator<Item = usize> + use<'a> {
        let striped = target.location.form == Form::Striped;
        let turned = (0..3).map(|column| target.location.column_zone(target.id, column));
        let turned: Vec<usize> =
            if striped { turned.collect() } else { target.location.zones().iter().collect() };
        turned.into_iter()
    }

    /// All slots of one zone lie together, here and there.
    fn write_zone(&self, target: &Target, zone: usize) -> bool {
        let Ok(file) = &target.extent.files[zone] else { return false };
        let column = match target.location.form {
            Form::Striped => self.column_zones(target).position(|of| of == zone).unwrap_or(0),
            _ => 0,
        };
        let rows = self.first_row..self.end_row(target);
        let last = rows.rev().find_map(|row| {
            let place = target.location.place(target.id, zone, row)?;
            Some(target.at(column as u64, row - self.first_row) + place.slot_bytes())
        });
        let Some(end) = last else { return true };
        let start = target.at(column as u64, 0);
        let offset = target.location.row_offset(self.first_row);
        file.write(&self.buffer[start..end], offset).is_ok()
    }
}

const _: () = assert!(BLOCKS * BLOCK_BYTES == 512 << 10);
