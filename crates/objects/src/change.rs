//! A change while it is decided.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{BlobId, NewBlob, ReadError, Row, Rows, Scan};

/// One transaction: what it reads is what all changes before it have made, what it sets takes
/// effect as a whole or not at all.
pub struct Change<'a> {
    below: &'a dyn Rows,
    stamp: u64,
    rows: BTreeMap<Vec<u8>, Option<Row>>,
    attached: Vec<NewBlob>,
    dropped: Vec<BlobId>,
}

/// What a change came to.
pub(crate) struct Decided {
    pub(crate) rows: BTreeMap<Vec<u8>, Option<Row>>,
    pub(crate) attached: Vec<NewBlob>,
    pub(crate) dropped: Vec<BlobId>,
}

impl<'a> Change<'a> {
    pub(crate) fn new(below: &'a dyn Rows, stamp: u64) -> Self {
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
        crate::engine::merge(&self.rows, self.below, from, end, visit)
    }
}
