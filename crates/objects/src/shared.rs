//! What the handle, the line and the keeper have in common.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use journal::Journal;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::blob::{MovingReader, Reading};
use crate::extents::Extents;
use crate::frame::Stored;
use crate::line::{Line, Underway};
use crate::outages::Outages;
use crate::seal::Seal;
use crate::table::Blob;
use crate::tables::Tables;
use crate::{BlobId, BlobKey, BlobReader, Change, CommitError, ReadError};

/// Bits of a stamp or an id below the epoch of the opening that gave it.
const EPOCH_SHIFT: u32 = 40;
/// How often a blob that is being moved is looked up again.
const LOOKUPS_MAX: usize = 8;

pub(crate) struct Shared {
    /// What is durable, and so all that a reader may see. Nobody takes the line while holding it.
    tables: RwLock<Tables>,
    pub(crate) line: Line,
    /// Wakes those who found the line crowded.
    pub(crate) room: Notify,
    /// The log, for reading what lies in it.
    log: RwLock<Journal>,
    pub(crate) extents: Extents,
    pub(crate) outages: Outages,
    /// The last stamp or id given.
    ids: AtomicU64,
    /// Asks the keeper for another index.
    pub(crate) rebuilds: mpsc::UnboundedSender<Rebuild>,
}

/// Answered when readers look into the new index.
pub(crate) type Rebuild = oneshot::Sender<Result<(), String>>;

impl Shared {
    pub(crate) fn new(
        tables: Tables,
        line: Line,
        log: Journal,
        extents: Extents,
        rebuilds: mpsc::UnboundedSender<Rebuild>,
    ) -> Self {
        let ids = AtomicU64::new(first_id(&log));
        let (tables, log) = (RwLock::new(tables), RwLock::new(log));
        let (room, outages) = (Notify::new(), Outages::default());
        Self { tables, line, room, log, extents, outages, ids, rebuilds }
    }

    pub(crate) fn tables(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tables_mut(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn log(&self) -> Journal {
        self.log.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The log was opened again.
    pub(crate) fn replace_log(&self, log: Journal) {
        self.ids.store(first_id(&log), Ordering::Relaxed);
        *self.log.write().unwrap_or_else(PoisonError::into_inner) = log;
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) async fn commit<T, E>(
        &self,
        decide: impl FnOnce(&mut Change<'_>) -> Result<T, E> + Send,
    ) -> Result<Result<T, E>, CommitError> {
        let mut decide = Some(decide);
        let (answer, underway) = loop {
            // Made before looking, so that room made in between is heard of.
            let room = self.room.notified();
            match self.decide(&mut decide)? {
                Some(decided) => break decided,
                None => room.await,
            }
        };
        underway.durable().await?;
        Ok(answer)
    }

    /// `None` when there is no room: nothing was decided.
    #[expect(clippy::type_complexity, reason = "an answer within an answer, and what it waits for")]
    fn decide<T, E>(
        &self,
        decide: &mut Option<impl FnOnce(&mut Change<'_>) -> Result<T, E>>,
    ) -> Result<Option<(Result<T, E>, Underway)>, CommitError> {
        let Some(mut line) = self.line.enter()? else { return Ok(None) };
        let decide = decide.take().expect("decided once");
        let stamp = self.next_id();
        let tables = self.tables();
        let newest = line.newest(&tables);
        let mut change = Change::new(&newest, stamp);
        let answer = decide(&mut change);
        let decided = change.decided();
        drop(tables);
        let underway = match &answer {
            Ok(_) if !decided.is_empty() => {
                decided.check()?;
                line.submit(stamp, decided)
            }
            _ => line.behind_the_rest(),
        };
        Ok(Some((answer, underway)))
    }

    pub(crate) fn blob(&self, id: BlobId) -> Result<Blob, ReadError> {
        self.tables().blob(id)?.ok_or(ReadError::NoSuchBlob(id.0))
    }

    /// The bytes, as they are stored, of a blob that was found in the log.
    pub(crate) fn stored_in_log(&self, blob: &Blob) -> Result<Bytes, ReadError> {
        let Stored::Inline { offset, bytes, .. } = blob.stored else { return Ok(Bytes::new()) };
        let payload_bytes = usize::try_from(blob.payload_bytes).unwrap_or(usize::MAX);
        let payload = self.log().frame_at(blob.place, payload_bytes);
        let payload = payload.map_err(|error| ReadError::Lost(error.to_string()))?;
        Ok(part(&payload, u64::from(offset), u64::from(bytes)))
    }

    /// The bytes `range` of a blob that was found there; it may have been moved since.
    pub(crate) fn read(
        self: &Arc<Self>,
        id: BlobId,
        found: Blob,
        key: Option<BlobKey>,
        range: Range<u64>,
    ) -> Result<BlobReader, ReadError> {
        let (mut blob, mut why) = (found, String::new());
        for _ in 0..LOOKUPS_MAX {
            let (offset, bytes, sealed) = match blob.stored {
                Stored::Inline { offset, bytes, sealed } => (offset, bytes, sealed),
                Stored::Extent(location) => {
                    let reader = self.extents.read(id, &location, key.clone(), range.clone())?;
                    let shared = self.clone();
                    let reader = MovingReader { shared, id, key, range, location, reader };
                    return Ok(BlobReader { reading: Reading::Extent(Box::new(reader)) });
                }
            };
            let payload_bytes = usize::try_from(blob.payload_bytes).unwrap_or(usize::MAX);
            match self.log().frame_at(blob.place, payload_bytes) {
                Ok(payload) => {
                    let stored = part(&payload, u64::from(offset), u64::from(bytes));
                    let bytes = opened(stored, sealed, key)?;
                    let length = range.end.saturating_sub(range.start);
                    let wanted = part(&bytes, range.start, length);
                    let wanted = (!wanted.is_empty()).then_some(wanted);
                    return Ok(BlobReader { reading: Reading::Inline(wanted) });
                }
                // Moved since it was looked up, and the place let go.
                Err(journal::ReadError::Truncated { oldest }) => {
                    why = format!("{id:?} is before {oldest:?}");
                    blob = self.blob(id)?;
                }
                Err(error) => return Err(ReadError::Lost(error.to_string())),
            }
        }
        Err(ReadError::Lost(why))
    }
}

/// As much of these bytes as there is.
fn part(bytes: &Bytes, from: u64, length: u64) -> Bytes {
    let within = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(within(from)..within(from.saturating_add(length)))
}

fn opened(stored: Bytes, sealed: bool, key: Option<BlobKey>) -> Result<Bytes, ReadError> {
    match (key, sealed) {
        (None, false) => Ok(stored),
        (Some(key), true) => {
            let mut block = Vec::from(stored);
            let bytes = Seal::new(&key).open(0, &mut block)?.len();
            block.truncate(bytes);
            Ok(block.into())
        }
        _ => Err(ReadError::WrongKey),
    }
}

/// Below all that this opening of the log gives, and above all that earlier ones gave.
fn first_id(log: &Journal) -> u64 {
    log.epoch() << EPOCH_SHIFT
}
