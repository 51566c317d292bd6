//! An index that is gone with the process.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::{Audit, Counts, Index, IndexError, Segment};
use crate::scan::Cursor;
use crate::table::{Blob, Reached, Slot, Table};
use crate::{BlobId, ReadError, Row};

#[derive(Default)]
pub(crate) struct Memory(RwLock<Shown>);

#[derive(Default)]
struct Shown {
    rows: BTreeMap<Vec<u8>, Slot>,
    blobs: BTreeMap<BlobId, Blob>,
    segments: BTreeMap<u64, Segment>,
    extents: BTreeMap<u64, u64>,
    reached: Reached,
}

impl Memory {
    fn shown(&self) -> RwLockReadGuard<'_, Shown> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index for Memory {
    fn row(&self, key: &[u8]) -> Result<Option<Slot>, IndexError> {
        Ok(self.shown().rows.get(key).cloned())
    }

    fn blob(&self, id: BlobId) -> Result<Option<Blob>, IndexError> {
        Ok(self.shown().blobs.get(&id).cloned())
    }

    fn blobs(&self, after: Option<BlobId>, max: usize) -> Result<Vec<BlobId>, IndexError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let shown = self.shown();
        Ok(shown.blobs.range((from, Bound::Unbounded)).take(max).map(|(id, _)| *id).collect())
    }

    fn cursor(&self, from: &[u8], end: &[u8]) -> Result<Box<dyn Cursor + '_>, IndexError> {
        let mut cursor = Rows { memory: self, end: end.to_vec(), present: None };
        cursor.find(Bound::Included(from));
        Ok(Box::new(cursor))
    }

    fn reached(&self) -> Reached {
        self.shown().reached
    }

    fn apply(&self, table: &Table) -> Result<(), IndexError> {
        let mut shown = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut counts = Counts::default();
        for (key, slot) in &table.rows {
            counts.row(key, slot, 1);
            let old = match slot.row {
                Some(_) => shown.rows.insert(key.clone(), slot.clone()),
                None => shown.rows.remove(key),
            };
            if let Some(old) = old {
                counts.row(key, &old, -1);
            }
        }
        for (id, blob) in &table.blobs {
            let old = match blob {
                Some(blob) => {
                    counts.blob(blob, 1);
                    shown.blobs.insert(*id, blob.clone())
                }
                None => shown.blobs.remove(id),
            };
            if let Some(old) = old {
                counts.blob(&old, -1);
            }
        }
        for (segment, begins_well) in &table.begun {
            shown.segments.entry(*segment).or_default().begins_well = *begins_well;
        }
        for (segment, bytes) in counts.segments {
            let live = &mut shown.segments.entry(segment).or_default().live_bytes;
            *live = live.saturating_add_signed(bytes);
        }
        for (extent, room) in counts.extents {
            let live = shown.extents.entry(extent).or_default();
            *live = live.saturating_add_signed(room);
        }
        shown.extents.retain(|_, live| *live > 0);
        shown.reached = table.reached;
        Ok(())
    }

    fn segments(&self) -> Result<BTreeMap<u64, Segment>, IndexError> {
        Ok(self.shown().segments.clone())
    }

    fn extents(&self) -> Result<BTreeMap<u64, u64>, IndexError> {
        Ok(self.shown().extents.clone())
    }

    fn audit(&self) -> Result<Option<Box<dyn Audit>>, IndexError> {
        Ok(None)
    }
}

/// Looks its next row up by the present one's key, so that it holds no lock in between.
struct Rows<'a> {
    memory: &'a Memory,
    end: Vec<u8>,
    present: Option<(Vec<u8>, Slot)>,
}

impl Rows<'_> {
    fn find(&mut self, from: Bound<&[u8]>) {
        let shown = self.memory.shown();
        let next = shown.rows.range::<[u8], _>((from, Bound::Unbounded)).next();
        let next = next.filter(|(key, _)| **key < self.end);
        self.present = next.map(|(key, slot)| (key.clone(), slot.clone()));
    }
}

impl Cursor for Rows<'_> {
    fn peek(&self) -> Option<(&[u8], Option<&Row>)> {
        self.present.as_ref().map(|(key, slot)| (key.as_slice(), slot.row.as_ref()))
    }

    fn advance(&mut self) -> Result<(), ReadError> {
        if let Some((key, _)) = self.present.take() {
            self.find(Bound::Excluded(&key));
        }
        Ok(())
    }

    fn seek(&mut self, to: &[u8]) -> Result<(), ReadError> {
        self.find(Bound::Included(to));
        Ok(())
    }
}
