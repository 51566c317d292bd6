//! The index in a file of redb's.
//!
//! ```text
//! rows      key -> stamp u64, segment u32, offset u32, value
//! blobs     id u64 -> segment u32, offset u32, payload bytes u32, where u8, then as that says
//!             0 inline: offset u32, bytes u32, sealed u8
//!             1 in an extent: location
//! segments  segment u64 -> live bytes u64, begins well bool
//! extents   extent u64 -> live bytes u64
//! about     "format" u32, "journal" [16], "reached" sequence u64, number u64, segment u64 + 1, CRC-64 u64
//! ```
//! Numbers are little-endian. Every transaction is durable and saves what redb needs to know of
//! its pages, so that an opening after a crash does not walk the file.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::{Buf, Bytes};
use crc_fast::CrcAlgorithm;
use journal::{JournalId, Place, Sequence};
use redb::{
    OwnedAccessGuard, OwnedRange, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition,
};

use super::{Audit, Counts, Index, IndexError, Segment};
use crate::extents::Location;
use crate::frame::Stored;
use crate::scan::Cursor;
use crate::table::{Blob, Reached, Slot, Table};
use crate::{BlobId, ReadError, Row};

const FORMAT: u32 = 2;

pub(super) const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
pub(super) const BLOBS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blobs");
pub(super) const SEGMENTS: TableDefinition<'_, u64, (u64, bool)> = TableDefinition::new("segments");
pub(super) const EXTENTS: TableDefinition<'_, u64, u64> = TableDefinition::new("extents");
pub(super) const ABOUT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("about");

const INLINE: u8 = 0;
const IN_EXTENT: u8 = 1;

pub(crate) struct Database {
    /// Until it is dropped.
    database: Option<redb::Database>,
    view: RwLock<Arc<View>>,
}

/// What readers see: a transaction of its own, taken once after each that wrote.
struct View {
    rows: ReadOnlyTable<&'static [u8], &'static [u8]>,
    blobs: ReadOnlyTable<u64, &'static [u8]>,
    reached: Reached,
}

impl<E: Into<redb::Error>> From<E> for IndexError {
    fn from(error: E) -> Self {
        match error.into() {
            redb::Error::DatabaseAlreadyOpen => Self::InUse,
            error => Self::Unusable(error.to_string()),
        }
    }
}

pub(super) fn damaged() -> IndexError {
    IndexError::Unusable("an entry cannot be read".to_owned())
}

impl Database {
    /// Opens the index of this journal, or makes it where there is no file.
    ///
    /// # Errors
    /// It is another journal's or another format's, or cannot be read.
    pub(crate) fn open(
        path: &Path,
        journal: JournalId,
        cache_bytes: usize,
    ) -> Result<Self, IndexError> {
        // A file that something else has written to can make redb panic.
        let open = || Self::open_file(path, journal, cache_bytes);
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(open));
        opened
            .unwrap_or_else(|_| Err(IndexError::Unusable("it makes the database panic".to_owned())))
    }

    fn open_file(path: &Path, journal: JournalId, cache_bytes: usize) -> Result<Self, IndexError> {
        let database = redb::Builder::new().set_cache_size(cache_bytes).create(path)?;
        let known = database.begin_read()?.list_tables()?.next().is_some();
        if !known {
            Self::begin(&database, journal)?;
        }
        let about = database.begin_read()?.open_table(ABOUT)?;
        let get = |name| -> Result<Vec<u8>, IndexError> {
            Ok(about.get(name)?.ok_or_else(damaged)?.value().to_vec())
        };
        if get("format")? != FORMAT.to_le_bytes() {
            return Err(IndexError::Unusable("it has another format".to_owned()));
        }
        if get("journal")? != journal.0 {
            return Err(IndexError::Unusable("it is of another log".to_owned()));
        }
        let view = RwLock::new(Arc::new(View::of(&database)?));
        Ok(Self { database: Some(database), view })
    }

    fn begin(database: &redb::Database, journal: JournalId) -> Result<(), IndexError> {
        let mut transaction = database.begin_write()?;
        transaction.set_quick_repair(true);
        {
            let mut about = transaction.open_table(ABOUT)?;
            about.insert("format", FORMAT.to_le_bytes().as_slice())?;
            about.insert("journal", journal.0.as_slice())?;
            about.insert("reached", encode_reached(Reached::default()).as_slice())?;
            transaction.open_table(ROWS)?;
            transaction.open_table(BLOBS)?;
            transaction.open_table(SEGMENTS)?;
            transaction.open_table(EXTENTS)?;
        }
        Ok(transaction.commit()?)
    }

    fn database(&self) -> &redb::Database {
        self.database.as_ref().expect("only dropping takes it")
    }

    fn view(&self) -> Arc<View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// redb writes when it is closed, and what rotted can make it panic then too.
impl Drop for Database {
    fn drop(&mut self) {
        let database = self.database.take();
        let close = std::panic::AssertUnwindSafe(|| drop(database));
        if std::panic::catch_unwind(close).is_err() {
            tracing::error!("the index of the objects could not be closed");
        }
    }
}

impl View {
    fn of(database: &redb::Database) -> Result<Self, IndexError> {
        let transaction = database.begin_read()?;
        let about = transaction.open_table(ABOUT)?;
        let reached = about.get("reached")?.ok_or_else(damaged)?;
        let reached = decode_reached(reached.value()).ok_or_else(damaged)?;
        Ok(Self {
            rows: transaction.open_table(ROWS)?,
            blobs: transaction.open_table(BLOBS)?,
            reached,
        })
    }
}

impl Index for Database {
    fn row(&self, key: &[u8]) -> Result<Option<Slot>, IndexError> {
        match self.view().rows.get(key)? {
            Some(entry) => Ok(Some(decode_slot(entry.value()).ok_or_else(damaged)?)),
            None => Ok(None),
        }
    }

    fn blob(&self, id: BlobId) -> Result<Option<Blob>, IndexError> {
        match self.view().blobs.get(id.0)? {
            Some(entry) => Ok(Some(decode_blob(entry.value()).ok_or_else(damaged)?)),
            None => Ok(None),
        }
    }

    fn blobs(&self, after: Option<BlobId>, max: usize) -> Result<Vec<BlobId>, IndexError> {
        let from = after.map_or(Bound::Unbounded, |id| Bound::Excluded(id.0));
        let view = self.view();
        let range = view.blobs.range::<u64>((from, Bound::Unbounded))?;
        range.take(max).map(|entry| Ok(BlobId(entry?.0.value()))).collect()
    }

    fn cursor(&self, from: &[u8], end: &[u8]) -> Result<Box<dyn Cursor + '_>, IndexError> {
        let view = self.view();
        let range = between(&view, from, end)?;
        let mut rows = Rows { view, range, end: end.to_vec(), present: None };
        rows.step()?;
        Ok(Box::new(rows))
    }

    fn reached(&self) -> Reached {
        self.view().reached
    }

    fn apply(&self, table: &Table) -> Result<(), IndexError> {
        let mut transaction = self.database().begin_write()?;
        transaction.set_quick_repair(true);
        let mut counts = Counts::default();
        put_rows(&transaction, table, &mut counts)?;
        put_blobs(&transaction, table, &mut counts)?;
        put_segments(&transaction, table, &counts)?;
        put_extents(&transaction, &counts)?;
        {
            let mut about = transaction.open_table(ABOUT)?;
            about.insert("reached", encode_reached(table.reached).as_slice())?;
        }
        transaction.commit()?;
        let view = Arc::new(View::of(self.database())?);
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
        Ok(())
    }

    fn segments(&self) -> Result<BTreeMap<u64, Segment>, IndexError> {
        let table = self.database().begin_read()?.open_table(SEGMENTS)?;
        let mut segments = BTreeMap::new();
        for entry in table.range::<u64>(..)? {
            let (segment, held) = entry?;
            let (live_bytes, begins_well) = held.value();
            segments.insert(segment.value(), Segment { live_bytes, begins_well });
        }
        Ok(segments)
    }

    fn extents(&self) -> Result<BTreeMap<u64, u64>, IndexError> {
        let table = self.database().begin_read()?.open_table(EXTENTS)?;
        let mut extents = BTreeMap::new();
        for entry in table.range::<u64>(..)? {
            let (extent, live) = entry?;
            extents.insert(extent.value(), live.value());
        }
        Ok(extents)
    }

    fn audit(&self) -> Result<Option<Box<dyn Audit>>, IndexError> {
        Ok(Some(Box::new(super::audit::Walked::walk(&self.database().begin_read()?)?)))
    }
}

fn put_rows(
    transaction: &redb::WriteTransaction,
    table: &Table,
    counts: &mut Counts,
) -> Result<(), IndexError> {
    let mut rows = transaction.open_table(ROWS)?;
    let mut entry = Vec::new();
    for (key, slot) in &table.rows {
        counts.row(key, slot, 1);
        let old = match &slot.row {
            Some(row) => {
                entry.clear();
                entry.extend_from_slice(&row.stamp.to_le_bytes());
                put_place(&mut entry, slot.place);
                entry.extend_from_slice(&row.value);
                rows.insert(key.as_slice(), entry.as_slice())?
            }
            None => rows.remove(key.as_slice())?,
        };
        if let Some(old) = old {
            let (_, place, value) = split_row(old.value()).ok_or_else(damaged)?;
            counts.row_bytes(place.segment, key.len(), value.len(), -1);
        }
    }
    Ok(())
}

fn put_blobs(
    transaction: &redb::WriteTransaction,
    table: &Table,
    counts: &mut Counts,
) -> Result<(), IndexError> {
    let mut blobs = transaction.open_table(BLOBS)?;
    for (id, blob) in &table.blobs {
        let old = match blob {
            Some(blob) => {
                counts.blob(blob, 1);
                blobs.insert(id.0, encode_blob(blob).as_slice())?
            }
            None => blobs.remove(id.0)?,
        };
        if let Some(old) = old {
            counts.blob(&decode_blob(old.value()).ok_or_else(damaged)?, -1);
        }
    }
    Ok(())
}

fn put_segments(
    transaction: &redb::WriteTransaction,
    table: &Table,
    counts: &Counts,
) -> Result<(), IndexError> {
    let mut segments = transaction.open_table(SEGMENTS)?;
    let changed = table.begun.keys().chain(counts.segments.keys());
    for segment in changed.collect::<std::collections::BTreeSet<_>>() {
        let held = segments.get(segment)?.map(|held| held.value());
        let (live, begins_well) = held.unwrap_or_default();
        let more = counts.segments.get(segment).copied().unwrap_or(0);
        let begins_well = table.begun.get(segment).copied().unwrap_or(begins_well);
        segments.insert(segment, (live.saturating_add_signed(more), begins_well))?;
    }
    Ok(())
}

fn put_extents(transaction: &redb::WriteTransaction, counts: &Counts) -> Result<(), IndexError> {
    let mut extents = transaction.open_table(EXTENTS)?;
    for (extent, more) in &counts.extents {
        let live = extents.get(extent)?.map_or(0, |live| live.value());
        match live.saturating_add_signed(*more) {
            0 => drop(extents.remove(extent)?),
            live => drop(extents.insert(extent, live)?),
        }
    }
    Ok(())
}

struct Rows {
    view: Arc<View>,
    range: OwnedRange<&'static [u8], &'static [u8]>,
    end: Vec<u8>,
    present: Option<(OwnedAccessGuard<&'static [u8]>, Row)>,
}

fn between(
    view: &View,
    from: &[u8],
    end: &[u8],
) -> Result<OwnedRange<&'static [u8], &'static [u8]>, IndexError> {
    let bounds = (Bound::Included(from), Bound::Excluded(end.max(from)));
    Ok(view.rows.range_owned::<&[u8]>(bounds)?)
}

impl Rows {
    fn step(&mut self) -> Result<(), IndexError> {
        self.present = match self.range.next().transpose()? {
            Some((key, entry)) => {
                let row = decode_slot(entry.value()).and_then(|slot| slot.row);
                Some((key, row.ok_or_else(damaged)?))
            }
            None => None,
        };
        Ok(())
    }
}

impl Cursor for Rows {
    fn peek(&self) -> Option<(&[u8], Option<&Row>)> {
        self.present.as_ref().map(|(key, row)| (key.value(), Some(row)))
    }

    fn advance(&mut self) -> Result<(), ReadError> {
        Ok(self.step()?)
    }

    fn seek(&mut self, to: &[u8]) -> Result<(), ReadError> {
        self.range = between(&self.view, to, &self.end)?;
        Ok(self.step()?)
    }
}

fn put_place(out: &mut Vec<u8>, place: Place) {
    let segment = u32::try_from(place.segment).expect("2^32 segments are never filled");
    let offset = u32::try_from(place.offset).expect("a segment is below 4 GiB");
    out.extend_from_slice(&segment.to_le_bytes());
    out.extend_from_slice(&offset.to_le_bytes());
}

fn take_place(entry: &mut &[u8]) -> Option<Place> {
    let (segment, offset) = (entry.try_get_u32_le().ok()?, entry.try_get_u32_le().ok()?);
    Some(Place { segment: u64::from(segment), offset: u64::from(offset) })
}

fn split_row(mut entry: &[u8]) -> Option<(u64, Place, &[u8])> {
    let stamp = entry.try_get_u64_le().ok()?;
    Some((stamp, take_place(&mut entry)?, entry))
}

pub(super) fn decode_slot(entry: &[u8]) -> Option<Slot> {
    let (stamp, place, value) = split_row(entry)?;
    Some(Slot { row: Some(Row { value: Bytes::copy_from_slice(value), stamp }), place })
}

fn encode_blob(blob: &Blob) -> Vec<u8> {
    let mut entry = Vec::with_capacity(24);
    put_place(&mut entry, blob.place);
    entry.extend_from_slice(&blob.payload_bytes.to_le_bytes());
    match &blob.stored {
        Stored::Inline { offset, bytes, sealed } => {
            entry.push(INLINE);
            entry.extend_from_slice(&offset.to_le_bytes());
            entry.extend_from_slice(&bytes.to_le_bytes());
            entry.push(u8::from(*sealed));
        }
        Stored::Extent(location) => {
            entry.push(IN_EXTENT);
            entry.extend_from_slice(&location.encode());
        }
    }
    entry
}

pub(super) fn decode_blob(mut entry: &[u8]) -> Option<Blob> {
    let place = take_place(&mut entry)?;
    let payload_bytes = entry.try_get_u32_le().ok()?;
    let stored = match entry.try_get_u8().ok()? {
        INLINE => Stored::Inline {
            offset: entry.try_get_u32_le().ok()?,
            bytes: entry.try_get_u32_le().ok()?,
            sealed: entry.try_get_u8().ok()? != 0,
        },
        IN_EXTENT => Stored::Extent(Location::decode(entry)?),
        _ => return None,
    };
    Some(Blob { stored, place, payload_bytes })
}

fn encode_reached(reached: Reached) -> [u8; 32] {
    let segment = reached.segment.map_or(0, |segment| segment + 1);
    let mut entry = [0; 32];
    entry[..8].copy_from_slice(&reached.sequence.0.to_le_bytes());
    entry[8..16].copy_from_slice(&reached.number.to_le_bytes());
    entry[16..24].copy_from_slice(&segment.to_le_bytes());
    let crc = crc_fast::checksum(CrcAlgorithm::Crc64Nvme, &entry[..24]);
    entry[24..].copy_from_slice(&crc.to_le_bytes());
    entry
}

pub(super) fn decode_reached(mut entry: &[u8]) -> Option<Reached> {
    let sequence = Sequence(entry.try_get_u64_le().ok()?);
    let number = entry.try_get_u64_le().ok()?;
    let segment = entry.try_get_u64_le().ok()?.checked_sub(1);
    let reached = Reached { sequence, number, segment };
    // Checked here too: a change with another number than the next would be void at every start.
    (encode_reached(reached)[24..] == *entry).then_some(reached)
}
