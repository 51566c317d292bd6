//! A change while it is decided.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::row::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::scan::{Cursor, Layers, MapCursor, scan};
use crate::{BlobId, CommitError, NewBlob, ReadError, Row, Rows, Scan};

/// What one change may be in all, its blobs' bytes that lie in the log too.
pub const CHANGE_BYTES_MAX: usize = 15 << 20;

/// One transaction: what it reads is what all changes before it have made, what it sets takes
/// effect as a whole or not at all.
pub struct Change<'a> {
    below: &'a dyn Layers,
    stamp: u64,
    rows: BTreeMap<Vec<u8>, Option<Row>>,
    attached: Vec<NewBlob>,
    dropped: Vec<BlobId>,
}

/// What a change came to.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    pub(crate) rows: BTreeMap<Vec<u8>, Option<Row>>,
    pub(crate) attached: Vec<NewBlob>,
    pub(crate) dropped: Vec<BlobId>,
}

impl<'a> Change<'a> {
    pub(crate) fn new(below: &'a dyn Layers, stamp: u64) -> Self {
        Self { below, stamp, rows: BTreeMap::new(), attached: Vec::new(), dropped: Vec::new() }
    }

    pub(crate) fn decided(self) -> Decided {
        let Self { rows, attached, dropped, .. } = self;
        Decided { rows, attached, dropped }
    }

    /// Rises with every change, also over restarts; never the same twice.
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    pub fn set(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Bytes>) {
        let row = Row { value: value.into(), stamp: self.stamp };
        self.rows.insert(key.into(), Some(row));
    }

    pub fn remove(&mut self, key: impl Into<Vec<u8>>) {
        self.rows.insert(key.into(), None);
    }

    /// Makes the blob lasting: it stays until it is dropped. Whoever keeps the id in a row must
    /// drop it when the row goes.
    pub fn attach(&mut self, blob: NewBlob) -> BlobId {
        let id = blob.id();
        self.attached.push(blob);
        id
    }

    /// Lets a blob go. Readers that have begun go on.
    pub fn drop_blob(&mut self, blob: BlobId) {
        self.dropped.push(blob);
    }
}

impl Rows for Change<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Row>, ReadError> {
        match self.rows.get(key) {
            Some(own) => Ok(own.clone()),
            None => self.below.get(key),
        }
    }

    fn scan(
        &self,
        from: &[u8],
        end: &[u8],
        visit: &mut dyn FnMut(&[u8], &Row) -> Scan,
    ) -> Result<(), ReadError> {
        let own = MapCursor::new(&self.rows, Option::as_ref, from, end);
        let mut layers: Vec<Box<dyn Cursor>> = vec![Box::new(own)];
        layers.extend(self.below.cursors(from, end)?);
        scan(layers, visit)
    }
}

impl Decided {
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.attached.is_empty() && self.dropped.is_empty()
    }

    /// Bytes of a user's that go into the log with it.
    pub(crate) fn bytes(&self) -> usize {
        let rows = self.rows.iter();
        let rows = rows.map(|(key, row)| key.len() + row.as_ref().map_or(0, |row| row.value.len()));
        rows.sum::<usize>() + self.attached.iter().map(NewBlob::inline_bytes).sum::<usize>()
    }

    /// # Errors
    /// A key, a value or the whole is over its limit.
    pub(crate) fn check(&self) -> Result<(), CommitError> {
        for (key, row) in &self.rows {
            let value = row.as_ref().map_or(0, |row| row.value.len());
            if key.len() > KEY_BYTES_MAX {
                return Err(too_large("a key", key.len(), KEY_BYTES_MAX));
            }
            if value > VALUE_BYTES_MAX {
                return Err(too_large("a value", value, VALUE_BYTES_MAX));
            }
        }
        let bytes = self.bytes();
        if bytes > CHANGE_BYTES_MAX {
            return Err(too_large("a change", bytes, CHANGE_BYTES_MAX));
        }
        Ok(())
    }
}

fn too_large(what: &str, bytes: usize, most: usize) -> CommitError {
    CommitError::TooLarge(format!("{what} of {bytes} bytes is over {most}"))
}
