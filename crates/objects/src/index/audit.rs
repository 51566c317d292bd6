//! Whether a database shows what the log says. redb believes its pages as it reads them, so one
//! that rotted is found by what it says: every entry must be in the log at the place it names, and
//! none may be missing of those that were counted when they were written.

use std::collections::BTreeMap;

use journal::Place;
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable};

use super::database::{
    ABOUT, BLOBS, EXTENTS, ROWS, SEGMENTS, damaged, decode_blob, decode_reached, decode_slot,
};
use super::{Audit, Counts, IndexError};
use crate::frame::Effect;
use crate::table::{Blob, Reached};

/// All entries were walked over and are as many as were counted.
pub(super) struct Walked {
    rows: ReadOnlyTable<&'static [u8], &'static [u8]>,
    blobs: ReadOnlyTable<u64, &'static [u8]>,
    reached: Reached,
    /// Entries that are not found in the log yet.
    left: u64,
}

impl Walked {
    pub(super) fn walk(transaction: &ReadTransaction) -> Result<Self, IndexError> {
        let reached = transaction.open_table(ABOUT)?.get("reached")?.ok_or_else(damaged)?;
        let reached = decode_reached(reached.value()).ok_or_else(damaged)?;
        let (rows, blobs) = (transaction.open_table(ROWS)?, transaction.open_table(BLOBS)?);
        let (mut counts, mut left) = (Counts::default(), 0);
        for entry in rows.iter()? {
            let (key, entry) = entry?;
            let slot = decode_slot(entry.value()).ok_or_else(damaged)?;
            counts.row(key.value(), &slot, 1);
            left += 1;
        }
        for entry in blobs.iter()? {
            counts.blob(&decode_blob(entry?.1.value()).ok_or_else(damaged)?, 1);
            left += 1;
        }
        let mut known = BTreeMap::new();
        for entry in transaction.open_table(SEGMENTS)?.iter()? {
            let (segment, held) = entry?;
            known.insert(segment.value(), held.value().0);
        }
        check(known, counts.segments)?;
        let mut known = BTreeMap::new();
        for entry in transaction.open_table(EXTENTS)?.iter()? {
            let (extent, live) = entry?;
            known.insert(extent.value(), live.value());
        }
        check(known, counts.extents)?;
        Ok(Self { rows, blobs, reached, left })
    }
}

/// Whether the sums that were kept are those of what is there.
fn check(mut known: BTreeMap<u64, u64>, counted: BTreeMap<u64, i64>) -> Result<(), IndexError> {
    for (number, bytes) in counted {
        if i64::try_from(known.remove(&number).unwrap_or(0)) != Ok(bytes) {
            return Err(differs());
        }
    }
    if known.into_values().all(|bytes| bytes == 0) { Ok(()) } else { Err(differs()) }
}

fn differs() -> IndexError {
    IndexError::Unusable("it shows other than the log says".to_owned())
}

impl Audit for Walked {
    fn reached(&self) -> Reached {
        self.reached
    }

    fn frame(
        &mut self,
        place: Place,
        payload_bytes: usize,
        effect: &Effect,
    ) -> Result<(), IndexError> {
        let mut found = 0;
        for (key, row) in &effect.rows {
            let Some(entry) = self.rows.get(key.as_slice())? else { continue };
            let slot = decode_slot(entry.value()).ok_or_else(damaged)?;
            if slot.place == place {
                found += 1;
                if slot.row != *row {
                    return Err(differs());
                }
            }
        }
        for (id, stored) in &effect.blobs {
            let Some(entry) = self.blobs.get(id.0)? else { continue };
            let blob = decode_blob(entry.value()).ok_or_else(damaged)?;
            if blob.place == place {
                found += 1;
                let said = stored.clone().zip(u32::try_from(payload_bytes).ok());
                let said =
                    said.map(|(stored, payload_bytes)| Blob { stored, place, payload_bytes });
                if said != Some(blob) {
                    return Err(differs());
                }
            }
        }
        self.left = self.left.checked_sub(found).ok_or_else(differs)?;
        Ok(())
    }

    fn end(&self) -> Result<(), IndexError> {
        if self.left == 0 { Ok(()) } else { Err(differs()) }
    }
}
