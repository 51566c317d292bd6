//! The engine's handle.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

use crate::change::Decided;
use crate::seal::Seal;
use crate::{
    BlobId, BlobKey, BlobReader, BlobWriter, Change, CommitError, Layout, ReadError, Row, Rows,
    Scan, WriteError,
};

/// A running engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    tables: Mutex<Tables>,
    ids: AtomicU64,
}

#[derive(Default)]
struct Tables {
    rows: BTreeMap<Vec<u8>, Row>,
    blobs: HashMap<BlobId, (Bytes, bool)>,
}

impl Engine {
    /// An engine whose zones are in memory: gone with the process.
    pub fn memory() -> Self {
        Self { inner: Arc::default() }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.inner.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_id(&self) -> u64 {
        self.inner.ids.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Decides and makes a change. `decide` runs once, with no other change between what it reads
    /// and what it sets; it must be quick and must not wait. When it answers `Err` nothing is
    /// changed, and the answer comes when all it may rest on is durable.
    ///
    /// # Errors
    /// [`CommitError`] when the change was not made or may not have been; the inner one is
    /// `decide`'s own.
    pub async fn commit<T, E>(
        &self,
        decide: impl FnOnce(&mut Change<'_>) -> Result<T, E> + Send,
    ) -> Result<Result<T, E>, CommitError> {
        let stamp = self.next_id();
        let mut tables = self.tables();
        let mut change = Change::new(&*tables, stamp);
        let answer = match decide(&mut change) {
            Ok(answer) => answer,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Decided { rows, attached, dropped } = change.decided();
        for blob in attached {
            tables.blobs.insert(blob.id, (blob.bytes, blob.sealed));
        }
        for id in dropped {
            tables.blobs.remove(&id);
        }
        for (key, row) in rows {
            match row {
                Some(row) => tables.rows.insert(key, row),
                None => tables.rows.remove(&key),
            };
        }
        Ok(Ok(answer))
    }

    /// Begins a blob of exactly `bytes` bytes.
    ///
    /// # Errors
    /// When too few zones have room.
    pub async fn write(
        &self,
        bytes: u64,
        _layout: Layout,
        key: Option<BlobKey>,
    ) -> Result<BlobWriter, WriteError> {
        let id = BlobId(self.next_id());
        Ok(BlobWriter { id, announced: bytes, bytes: BytesMut::new(), key })
    }

    /// The bytes `range` of a blob; what lies beyond its end is left out. What is read is what was
    /// written, or an error, also when the blob is dropped meanwhile.
    ///
    /// # Errors
    /// When it is not there, or its key is another.
    pub async fn read(
        &self,
        blob: BlobId,
        key: Option<BlobKey>,
        range: Range<u64>,
    ) -> Result<BlobReader, ReadError> {
        let tables = self.tables();
        let (bytes, sealed) = tables.blobs.get(&blob).ok_or(ReadError::NoSuchBlob(blob.0))?;
        let bytes = match (key, sealed) {
            (None, false) => bytes.clone(),
            (Some(key), true) => {
                let mut block = bytes.to_vec();
                Bytes::copy_from_slice(Seal::new(&key).open(0, &mut block)?)
            }
            _ => return Err(ReadError::WrongKey),
        };
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
        let bytes = bytes.slice(at(range.start)..at(range.end).max(at(range.start)));
        Ok(BlobReader { bytes: (!bytes.is_empty()).then_some(bytes) })
    }
}

impl Rows for Engine {
    fn get(&self, key: &[u8]) -> Result<Option<Row>, ReadError> {
        self.tables().get(key)
    }

    fn scan(
        &self,
        from: &[u8],
        end: &[u8],
        visit: &mut dyn FnMut(&[u8], &Row) -> Scan,
    ) -> Result<(), ReadError> {
        self.tables().scan(from, end, visit)
    }
}

impl Rows for Tables {
    fn get(&self, key: &[u8]) -> Result<Option<Row>, ReadError> {
        Ok(self.rows.get(key).cloned())
    }

    fn scan(
        &self,
        from: &[u8],
        end: &[u8],
        visit: &mut dyn FnMut(&[u8], &Row) -> Scan,
    ) -> Result<(), ReadError> {
        let mut from = from.to_vec();
        'seek: while from.as_slice() < end {
            for (key, row) in self.rows.range(from.clone()..end.to_vec()) {
                match visit(key, row) {
                    Scan::On => {}
                    Scan::SeekTo(next) => {
                        from = next;
                        continue 'seek;
                    }
                    Scan::End => return Ok(()),
                }
            }
            return Ok(());
        }
        Ok(())
    }
}

/// Shows `visit` the rows of `over`, where `None` hides, upon those of `below`.
pub(crate) fn merge(
    over: &BTreeMap<Vec<u8>, Option<Row>>,
    below: &dyn Rows,
    from: &[u8],
    end: &[u8],
    visit: &mut dyn FnMut(&[u8], &Row) -> Scan,
) -> Result<(), ReadError> {
    if from >= end {
        return Ok(());
    }
    let mut own = over.range(from.to_vec()..end.to_vec()).peekable();
    let mut seek: Option<Vec<u8>> = None;
    let mut ended = false;
    let mut show = |key: &[u8], row: &Row, seek: &mut Option<Vec<u8>>, ended: &mut bool| {
        if seek.as_ref().is_some_and(|to| key < to.as_slice()) {
            return;
        }
        match visit(key, row) {
            Scan::On => *seek = None,
            Scan::SeekTo(to) => *seek = Some(to),
            Scan::End => *ended = true,
        }
    };
    below.scan(from, end, &mut |key, row| {
        while let Some((own_key, own_row)) = own.next_if(|(own_key, _)| own_key.as_slice() < key) {
            if let Some(own_row) = own_row {
                show(own_key, own_row, &mut seek, &mut ended);
            }
            if ended {
                return Scan::End;
            }
        }
        match own.next_if(|(own_key, _)| own_key.as_slice() == key) {
            Some((_, Some(own_row))) => show(key, own_row, &mut seek, &mut ended),
            Some((_, None)) => {}
            None => show(key, row, &mut seek, &mut ended),
        }
        match (&seek, ended) {
            (_, true) => Scan::End,
            (Some(to), _) if to.as_slice() > key => {
                // Own rows may lie between; the next of either decides.
                match own.peek() {
                    Some((own_key, _)) if own_key.as_slice() < to.as_slice() => Scan::On,
                    _ => Scan::SeekTo(to.clone()),
                }
            }
            _ => Scan::On,
        }
    })?;
    for (own_key, own_row) in own {
        if ended {
            break;
        }
        if let Some(own_row) = own_row {
            show(own_key, own_row, &mut seek, &mut ended);
        }
    }
    Ok(())
}
