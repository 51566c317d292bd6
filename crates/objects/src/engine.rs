//! The engine's handle.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use journal::{Journal, ZoneHealth};
use tokio::task::JoinHandle;

use crate::blob::{INLINE_BYTES_MAX, Writing};
use crate::extents;
use crate::extents::Extents;
use crate::frame::Stored;
use crate::index::{Database, Index, IndexError, Memory, Segment};
use crate::keeper::Keeper;
use crate::line::{Crowded, Line, LogState, closed};
use crate::memory_disk::MemoryDisk;
use crate::options::{FoundIndex, Opener};
use crate::rebuild::Rebuilder;
use crate::replay::{ReplayError, replay};
use crate::scan::{Layers, scan};
use crate::shared::Shared;
use crate::tables::Tables;
use crate::tender::Tender;
use crate::{
    BlobId, BlobKey, BlobReader, BlobWriter, Change, CommitError, Found, FoundBlob, KeepingError,
    Layout, Limits, OpenError, Options, ReadError, Row, Rows, Scan, ScrubReport, WriteError, Zone,
};

/// A running engine; clones share it. When the last is dropped without [`Engine::close`], it ends
/// as a power cut would end it.
#[derive(Clone)]
pub struct Engine {
    running: Arc<Running>,
}

struct Running {
    shared: Arc<Shared>,
    keeper: Mutex<Option<JoinHandle<()>>>,
    tender: Mutex<Option<Tender>>,
}

/// How an engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Why it takes no changes at the moment; reads go on.
    pub unavailable: Option<String>,
    /// The log's part of each zone, in their order; none while it is opened again.
    pub zones: Vec<ZoneHealth>,
}

/// Small, so that tests can make many engines.
const MEMORY_SEGMENT_BYTES: u64 = 64 << 10;
const MEMORY_ZONES: usize = 3;

impl Engine {
    /// Opens the engine that lives in these zones, or makes one where all are empty. Blocks while
    /// they are read and mended. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// Too few zones can be used, the index can neither be used nor made, or a newer haneul wrote
    /// them.
    pub fn open(options: Options) -> Result<(Self, Found), OpenError> {
        let opener = Opener::new(&options);
        let (log, recovery) = opener.open()?;
        let (tables, index) = tables_of(&log, options.index.as_deref(), &options.limits)?;
        let found = Found { created: recovery.created, zones: recovery.zones, index };
        let extents = extents_of(&options, &tables)?;
        let disks = options.zones.iter().map(|zone| zone.extents.clone()).collect();
        let (line, queue) = Line::new(log.clone(), tables.active.reached.number);
        let (rebuilds, asked) = tokio::sync::mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new(tables, line, log, extents, rebuilds));
        let rebuilder = Rebuilder { asked, file: options.index, limits: options.limits.clone() };
        let keeper = Keeper::new(shared.clone(), queue, opener, rebuilder, options.limits);
        let keeper = Some(tokio::spawn(keeper.run())).into();
        let tender = Some(Tender::start(shared.clone(), disks)).into();
        Ok((Self { running: Arc::new(Running { shared, keeper, tender }) }, found))
    }

    /// An engine whose zones are in memory: gone with the process. Must be called inside a tokio
    /// runtime.
    ///
    /// # Panics
    /// When the system gives it no thread.
    pub fn memory() -> Self {
        let disk = || Arc::new(MemoryDisk::default());
        let zone = || Zone { log: disk(), extents: disk() };
        let options = Options {
            zones: std::iter::repeat_with(zone).take(MEMORY_ZONES).collect(),
            index: None,
            // Nothing outlives the process that would have to be told apart.
            random: Arc::new(|bytes| bytes.fill(0)),
            limits: Limits { segment_bytes: MEMORY_SEGMENT_BYTES, ..Limits::default() },
        };
        Self::open(options).expect("memory takes everything").0
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.running.shared
    }

    /// Decides and makes a change. `decide` runs once, with no other change between what it reads
    /// and what it sets; it must be quick, must not wait and must not use the engine. When it
    /// answers `Err` nothing is changed, and the answer comes when all it may rest on is durable.
    ///
    /// # Errors
    /// [`CommitError`] when the change was not made or may not have been; the inner one is
    /// `decide`'s own.
    pub async fn commit<T, E>(
        &self,
        decide: impl FnOnce(&mut Change<'_>) -> Result<T, E> + Send,
    ) -> Result<Result<T, E>, CommitError> {
        self.shared().commit(decide).await
    }

    /// Begins a blob of exactly `bytes` bytes.
    ///
    /// # Errors
    /// When too few zones have room.
    pub async fn write(
        &self,
        bytes: u64,
        layout: Layout,
        key: Option<BlobKey>,
    ) -> Result<BlobWriter, WriteError> {
        let id = BlobId(self.shared().next_id());
        // What is to be in one zone may not lie in the log, which is in all.
        let writing = if bytes <= INLINE_BYTES_MAX && layout == Layout::Zones {
            let room = usize::try_from(bytes).expect("it is small");
            Writing::Inline { announced: bytes, bytes: BytesMut::with_capacity(room), key }
        } else {
            let writer = self.shared().extents.begin(id, bytes, layout, key).await?;
            Writing::Extent(Box::new(writer))
        };
        Ok(BlobWriter { id, writing })
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
        self.find(blob)?.read(key, range).await
    }

    /// Finds a blob, to be read later: also when it was dropped meanwhile, for as long as an
    /// answer may take.
    ///
    /// # Errors
    /// When it is not there.
    pub fn find(&self, blob: BlobId) -> Result<FoundBlob, ReadError> {
        let found = self.shared().blob(blob)?;
        Ok(FoundBlob { shared: self.shared().clone(), id: blob, found })
    }

    pub fn health(&self) -> Health {
        let (line, zones) = (self.shared().line.inner(), Vec::new());
        let unavailable = |why: String| Health { unavailable: Some(why), zones };
        let log = match (&line.log, &line.crowded) {
            (LogState::Mending(why), _) => return unavailable(why.clone()),
            (LogState::Closed, _) => return unavailable(closed().to_string()),
            (LogState::Open(log), _) => log.clone(),
        };
        let stuck = match &line.crowded {
            Some(Crowded::Stuck(why)) => Some(why.clone()),
            Some(Crowded::ForNow) | None => None,
        };
        drop(line);
        let extents = self.shared().extents.health();
        let zones =
            log.health().into_iter().zip(extents).map(|(log, extents)| match (log, extents) {
                (ZoneHealth::Healthy, extents::Health::Out(why)) => ZoneHealth::Failed(why),
                // Its log is back already, and its extents will be.
                (ZoneHealth::Healthy, extents::Health::Away) => ZoneHealth::CatchingUp,
                (log, _) => log,
            });
        Health { unavailable: log.stopped().or(stuck), zones: zones.collect() }
    }

    /// Reads the log again in all zones, holds the index against it, reads every blob outside of
    /// it again, and makes whole what is not.
    ///
    /// # Errors
    /// When it was cut short; what was mended by then stays so.
    pub async fn scrub(&self) -> Result<ScrubReport, KeepingError> {
        let log = self.shared().scrub_log().await?;
        Ok(ScrubReport { log, ..self.shared().scrub(None).await? })
    }

    /// Has a blob lie as `layout` says, from where it lies to there.
    ///
    /// # Errors
    /// When it is not there, or cannot be read or written.
    pub async fn lay_out(&self, blob: BlobId, layout: Layout) -> Result<(), KeepingError> {
        self.shared().lay_out(blob, layout).await
    }

    /// Takes no more changes and returns when those underway are answered, all is in the index
    /// and the log is closed. Reads of rows go on.
    pub async fn close(&self) {
        let tender = self.running.tender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(tender) = tender {
            tender.stop().await;
        }
        self.shared().line.close();
        self.shared().room.notify_waiters();
        let keeper = self.running.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper {
            let _ = keeper.await;
        }
    }

    /// What of each segment of the log still counts, as far as the index shows it: changes of the
    /// last moments are missing, and no segment in which one of them lies may be let go.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn segments(&self) -> Result<BTreeMap<u64, Segment>, ReadError> {
        let index = self.shared().tables().index.clone();
        Ok(index.segments()?)
    }

    /// The room that attached blobs take of each extent, as far as the index shows it.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn extents(&self) -> Result<BTreeMap<u64, u64>, ReadError> {
        let index = self.shared().tables().index.clone();
        Ok(index.extents()?)
    }
}

/// As a power cut would end it.
impl Drop for Running {
    fn drop(&mut self) {
        self.shared.line.close();
        let keeper = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper {
            keeper.abort();
        }
    }
}

impl Rows for Engine {
    fn get(&self, key: &[u8]) -> Result<Option<Row>, ReadError> {
        self.shared().tables().get(key)
    }

    fn scan(
        &self,
        from: &[u8],
        end: &[u8],
        visit: &mut dyn FnMut(&[u8], &Row) -> Scan,
    ) -> Result<(), ReadError> {
        let tables = self.shared().tables();
        scan(tables.cursors(from, end)?, visit)
    }
}

/// All that is durable, with an index that shows this log.
fn tables_of(
    log: &Journal,
    path: Option<&Path>,
    limits: &Limits,
) -> Result<(Tables, FoundIndex), OpenError> {
    let Some(path) = path else {
        let tables = replay(log, Arc::new(Memory::default()), limits)?;
        return Ok((tables, FoundIndex::Rebuilt("it was in memory".to_owned())));
    };
    let there = path.exists();
    let open = || Database::open(path, log.id(), limits.index_cache_bytes);
    let unusable = match open() {
        Ok(index) if there => match replay(log, Arc::new(index), limits) {
            Ok(tables) => return Ok((tables, FoundIndex::Kept)),
            Err(ReplayError::Frame(error)) => return Err(error.into()),
            Err(other) => other.to_string(),
        },
        Ok(index) => {
            let tables = replay(log, Arc::new(index), limits)?;
            return Ok((tables, FoundIndex::Rebuilt("there was none".to_owned())));
        }
        Err(IndexError::InUse) => return Err(IndexError::InUse.into()),
        Err(IndexError::Unusable(why)) => why,
    };
    tracing::warn!(why = unusable, "the index of the objects is built again from the log");
    remove(path)?;
    let index: Arc<dyn Index> = Arc::new(open()?);
    Ok((replay(log, index, limits)?, FoundIndex::Rebuilt(unusable)))
}

fn extents_of(options: &Options, tables: &Tables) -> Result<Extents, OpenError> {
    let mut known: BTreeSet<u64> = tables.index.extents()?.into_keys().collect();
    for blob in tables.active.blobs.values().flatten() {
        if let Stored::Extent(location) = &blob.stored {
            known.insert(location.extent());
        }
    }
    let disks = options.zones.iter().map(|zone| Some(zone.extents.clone())).collect();
    Extents::open(disks, options.limits.min_zones, known).map_err(OpenError::Extents)
}

fn remove(path: &Path) -> Result<(), OpenError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(OpenError::Index(format!("{}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

impl From<IndexError> for OpenError {
    fn from(error: IndexError) -> Self {
        Self::Index(error.to_string())
    }
}

impl From<ReplayError> for OpenError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Frame(error) => Self::Frame(error),
            ReplayError::Index(error) => error.into(),
            other => Self::Read(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
