//! How an engine is opened.

use std::path::PathBuf;
use std::sync::Arc;

use journal::{Disk, Journal, Recovery, ZoneReport};

use crate::frame::FrameError;
use crate::table::Table;

pub type Random = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// What an engine needs of the world.
#[derive(Clone)]
pub struct Options {
    /// Always in the same order.
    pub zones: Vec<Zone>,
    /// The file of the index, outside of the zones: it can be lost. `None`: in memory.
    pub index: Option<PathBuf>,
    /// Fills with randomness from a cryptographic generator.
    pub random: Random,
    pub limits: Limits,
}

/// The folders of one zone.
#[derive(Clone)]
pub struct Zone {
    pub log: Arc<dyn Disk>,
    pub extents: Arc<dyn Disk>,
}

#[derive(Clone, Debug)]
pub struct Limits {
    /// Zones that must hold a change before it is acknowledged; below 2 is the operator's choice
    /// to lose data with one zone.
    pub min_zones: usize,
    pub segment_bytes: u64,
    /// What is durable goes into the index when it takes so much memory. While the index is
    /// written as much again comes in, twice as much when it is written slowly.
    pub table_bytes: usize,
    /// Or when so much of the log was written: a start reads at most about four times as much.
    pub log_bytes: usize,
    pub index_cache_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            min_zones: journal::Options::MIN_ZONES,
            segment_bytes: 64 << 20,
            table_bytes: 8 << 20,
            log_bytes: 64 << 20,
            index_cache_bytes: 16 << 20,
        }
    }
}

/// How many times its bound a table may hold while the index takes the one before it.
pub(crate) const CROWDED_TIMES: usize = 2;
/// A start may find two of those; more than that is written into the index on the way.
pub(crate) const REPLAYED_TIMES: usize = 2 * CROWDED_TIMES;

impl Limits {
    /// Whether `table` is `times` as large as it should be before the index takes it.
    pub(crate) fn is_full(&self, table: &Table, times: usize) -> bool {
        table.bytes >= self.table_bytes * times || table.log_bytes >= self.log_bytes * times
    }
}

/// What opening found, and did about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// There was nothing before.
    pub created: bool,
    /// The log's part of each zone.
    pub zones: Vec<ZoneReport>,
    pub index: FoundIndex,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundIndex {
    Kept,
    /// There was none, or one that cannot be used, and why: it was built again from the log.
    Rebuilt(String),
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the log of the objects cannot be opened")]
    Log(#[from] journal::OpenError),
    #[error("the log of the objects cannot be read: {0}")]
    Read(String),
    /// The index can neither be used nor made.
    #[error("{0}")]
    Index(String),
    #[error("the extents of the objects cannot be opened: {0}")]
    Extents(std::io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Opens the log, at start and again when it has stopped.
#[derive(Clone)]
pub(crate) struct Opener {
    disks: Vec<Arc<dyn Disk>>,
    random: Random,
    limits: Limits,
}

impl Opener {
    pub(crate) fn new(options: &Options) -> Self {
        let disks = options.zones.iter().map(|zone| zone.log.clone()).collect();
        Self { disks, random: options.random.clone(), limits: options.limits.clone() }
    }

    pub(crate) fn open(&self) -> Result<(Journal, Recovery), journal::OpenError> {
        let mut nonce = [0; 16];
        (self.random)(&mut nonce);
        let options = journal::Options {
            min_zones: self.limits.min_zones,
            segment_bytes: self.limits.segment_bytes,
            ..journal::Options::new(nonce)
        };
        Journal::open(self.disks.clone(), options)
    }
}
