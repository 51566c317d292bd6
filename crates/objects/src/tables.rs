//! All that is durable, as readers see it: the table in memory, one that is being written into
//! the index, and the index.

use std::sync::Arc;

use crate::index::Index;
use crate::scan::{Cursor, Layers, MapCursor};
use crate::table::{Blob, Slot, Table};
use crate::{BlobId, ReadError, Row};

pub(crate) struct Tables {
    pub(crate) active: Table,
    pub(crate) frozen: Option<Arc<Table>>,
    pub(crate) index: Arc<dyn Index>,
}

impl Tables {
    pub(crate) fn over(index: Arc<dyn Index>) -> Self {
        Self { active: Table::after(index.reached()), frozen: None, index }
    }

    /// Sets what is in memory aside, to be written into the index.
    pub(crate) fn freeze(&mut self) -> Arc<Table> {
        let after = Table::after(self.active.reached);
        let frozen = Arc::new(std::mem::replace(&mut self.active, after));
        self.frozen = Some(frozen.clone());
        frozen
    }

    /// A row with the frame that set or removed it, as far as that is remembered.
    pub(crate) fn slot(&self, key: &[u8]) -> Result<Option<Slot>, ReadError> {
        let frozen = self.frozen.as_deref();
        let known = [Some(&self.active), frozen].into_iter().flatten();
        match known.filter_map(|table| table.rows.get(key)).next() {
            Some(slot) => Ok(Some(slot.clone())),
            None => Ok(self.index.row(key)?),
        }
    }

    pub(crate) fn blob(&self, id: BlobId) -> Result<Option<Blob>, ReadError> {
        let frozen = self.frozen.as_deref();
        let known = [Some(&self.active), frozen].into_iter().flatten();
        match known.filter_map(|table| table.blobs.get(&id)).next() {
            Some(blob) => Ok(blob.clone()),
            None => Ok(self.index.blob(id)?),
        }
    }
}

fn row_of(slot: &Slot) -> Option<&Row> {
    slot.row.as_ref()
}

impl Layers for Tables {
    fn get(&self, key: &[u8]) -> Result<Option<Row>, ReadError> {
        Ok(self.slot(key)?.and_then(|slot| slot.row))
    }

    fn cursors(&self, from: &[u8], end: &[u8]) -> Result<Vec<Box<dyn Cursor + '_>>, ReadError> {
        let mut layers: Vec<Box<dyn Cursor>> = Vec::with_capacity(5);
        layers.push(Box::new(MapCursor::new(&self.active.rows, row_of, from, end)));
        if let Some(frozen) = &self.frozen {
            layers.push(Box::new(MapCursor::new(&frozen.rows, row_of, from, end)));
        }
        layers.push(self.index.cursor(from, end)?);
        Ok(layers)
    }
}
