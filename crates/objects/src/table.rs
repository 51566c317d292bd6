//! What is durable and not in the index yet: in memory, over the index.

use std::collections::BTreeMap;

use journal::{Place, Sequence};

use crate::frame::{Effect, Frame, Stored};
use crate::{BlobId, Row};

/// How far of the log something has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// The last payload looked at.
    pub(crate) sequence: Sequence,
    /// The number of the last change that happened.
    pub(crate) number: u64,
    /// The last segment in which a payload was seen; `None` before the first.
    pub(crate) segment: Option<u64>,
}

/// A row as the log last said it; `None` when removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) row: Option<Row>,
    /// The frame that said it.
    pub(crate) place: Place,
}

/// A blob that is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) stored: Stored,
    /// The frame that attached it.
    pub(crate) place: Place,
    pub(crate) payload_bytes: u32,
}

/// Where a payload is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) sequence: Sequence,
    pub(crate) place: Place,
    pub(crate) payload_bytes: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) rows: BTreeMap<Vec<u8>, Slot>,
    /// `None`: dropped.
    pub(crate) blobs: BTreeMap<BlobId, Option<Blob>>,
    pub(crate) reached: Reached,
    /// For each segment whose first payload is among those applied, whether that one happened.
    pub(crate) begun: BTreeMap<u64, bool>,
    /// Nothing that lives is in segments before this one: once the index has this table, the log
    /// may begin there.
    pub(crate) keep_from: Option<u64>,
    /// Somebody waits for the index to have this.
    pub(crate) awaited: bool,
    /// What it takes in memory, nearly.
    pub(crate) bytes: usize,
    /// What was read of the log into it.
    pub(crate) log_bytes: usize,
}

/// What a row takes beyond its bytes, in a map of such entries.
const ROW_MEMORY_BYTES: usize = 160;
const BLOB_MEMORY_BYTES: usize = 96;

impl Table {
    pub(crate) fn after(reached: Reached) -> Self {
        Self { reached, ..Self::default() }
    }

    /// Applies a frame that was read from the log, if it happened.
    pub(crate) fn replay(&mut self, frame: Frame, at: At) {
        if frame.number == self.reached.number.wrapping_add(1) {
            self.apply(frame.number, frame.effect, at);
        } else {
            self.pass(at, false);
        }
    }

    /// Applies the change `number`, which follows the last one.
    pub(crate) fn apply(&mut self, number: u64, effect: Effect, at: At) {
        self.pass(at, true);
        self.reached.number = number;
        let Effect { rows, blobs } = effect;
        for (key, row) in rows {
            self.bytes += key.len() + row.as_ref().map_or(0, |row| row.value.len());
            self.bytes += ROW_MEMORY_BYTES;
            self.rows.insert(key, Slot { row, place: at.place });
        }
        let payload_bytes = u32::try_from(at.payload_bytes).expect("a payload is below 4 GiB");
        for (id, stored) in blobs {
            self.bytes += BLOB_MEMORY_BYTES;
            let blob = stored.map(|stored| Blob { stored, place: at.place, payload_bytes });
            self.blobs.insert(id, blob);
        }
    }

    /// Notes a payload that was looked at; of those that did not `happen`, nothing more.
    pub(crate) fn pass(&mut self, at: At, happened: bool) {
        self.log_bytes += at.payload_bytes;
        self.reached.sequence = at.sequence;
        if self.reached.segment.is_none_or(|segment| segment < at.place.segment) {
            self.begun.insert(at.place.segment, happened);
            self.reached.segment = Some(at.place.segment);
        }
    }

    /// Takes in what comes after it.
    pub(crate) fn append(&mut self, more: Table) {
        self.rows.extend(more.rows);
        self.blobs.extend(more.blobs);
        self.begun.extend(more.begun);
        self.keep_from = self.keep_from.max(more.keep_from);
        self.reached = more.reached;
        self.bytes += more.bytes;
        self.log_bytes += more.log_bytes;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.log_bytes == 0
    }
}
