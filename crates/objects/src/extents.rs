//! Bytes outside of the log: blobs in *extents*, files of the same number and layout in each
//! zone.
//!
//! **Promise.** A [`Location`] that [`ExtentWriter::finish`] answered is durable in every zone
//! that it names, and can be read as long as any one of them is lost. What is read is what was
//! written or an error. Nothing here says which blobs are still wanted: that is the index's to
//! know, which calls [`Extents::remove`] for extents that hold none.
//!
//! ```text
//! begin ─▶ room in the current extent ─▶ push ─▶ batches: sealed, XORed, written ─▶ finish
//!                                                     │ a zone fails                │ all synced
//!                                                     ▼                             ▼
//!                               whole copies in the zones that are left ──────▶ Location
//! ```
//!
//! **Invariants.** An extent's number is used once, its rooms are written once. What a blob's
//! location names is changed afterwards only by [`Extents::mend`], which writes what belongs
//! there. A zone whose write or sync failed takes none until another [`Disk`] is set in its place.
//!
//! Start reading at `location.rs` (what lies where), then `writer.rs` and `reader.rs`.

mod batch;
mod buffers;
mod check;
mod files;
mod location;
mod mend;
mod parity;
mod part;
mod reader;
mod room;
mod slot;
mod sync;
#[cfg(test)]
mod tests;
mod writer;
mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use journal::Disk;

use crate::{BlobId, BlobKey, Layout, ReadError, WriteError};
use buffers::Pool;
pub use check::{Damage, Finding, Found};
use files::Files;
pub use location::{Form, Location, ZoneSet};
pub use mend::MendError;
pub use reader::ExtentReader;
pub use room::EXTENT_BYTES_MAX;
use room::{Current, Wish};
pub use slot::{Identity, Role};
pub use writer::{ExtentWriter, Hold, Written};
pub use zone::Health;
use zone::{Zone, extent_number, file_name};

/// Two blocks and their XOR need three; more would need another code.
pub const ZONES_MAX: usize = 3;

/// All zones' extents; clones share them.
#[derive(Clone)]
pub struct Extents {
    shared: Arc<Shared>,
    current: Arc<Current>,
}

pub(crate) struct Shared {
    zones: RwLock<Vec<Option<Arc<Zone>>>>,
    zone_count: usize,
    /// A blob that is not in one zone by wish is in so many, or refused.
    zones_min: usize,
    next_extent: AtomicU64,
    /// Extents that are written into, or whose blobs may be attached yet.
    written: Mutex<BTreeSet<u64>>,
    files: Files,
    mending: Mutex<()>,
    batches: Arc<Pool>,
    parts: Arc<Pool>,
    cached: Arc<Pool>,
}

/// An extent that nothing is written into and in which nothing waits to be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtRest {
    pub extent: u64,
    /// Length of the longest of its files: compare with the sum of [`Location::room`].
    pub bytes: u64,
}

/// How a blob's bytes come and are stored.
pub(crate) enum Sealing {
    /// As they come.
    Plain,
    /// Sealed here.
    Seal(crate::seal::Seal),
    /// They come as they are stored: blocks with their tags.
    Sealed,
}

impl Extents {
    /// Opens each zone's directory of extents; `None` is a zone that is away. `known` are the
    /// extents that the log names, so that no number is used again. A zone that cannot be listed
    /// is out.
    ///
    /// # Errors
    /// With no zone or more than [`ZONES_MAX`], or when `zones_min` is not among them.
    pub fn open(
        zones: Vec<Option<Arc<dyn Disk>>>,
        zones_min: usize,
        known: impl IntoIterator<Item = u64>,
    ) -> io::Result<Extents> {
        let zone_count = zones.len();
        if !(1..=ZONES_MAX).contains(&zone_count) || !(1..=zone_count).contains(&zones_min) {
            let what = format!("{zone_count} zones of which {zones_min} must hold a blob");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let next_extent = known.into_iter().max().map_or(0, |last| last + 1);
        let shared = Shared {
            zones: RwLock::new(vec![None; zone_count]),
            zone_count,
            zones_min,
            next_extent: AtomicU64::new(next_extent),
            written: Mutex::default(),
            files: Files::default(),
            mending: Mutex::default(),
            batches: Pool::new(batch::BYTES, 16),
            parts: Pool::new(part::BYTES, 4),
            cached: Pool::new(part::BYTES_CACHED, 16),
        };
        let extents = Extents { shared: Arc::new(shared), current: Arc::default() };
        for (zone, disk) in zones.into_iter().enumerate() {
            extents.set_zone(zone, disk);
        }
        Ok(extents)
    }

    /// Begins a blob of exactly `bytes` bytes, sealed with `key` if there is one. The id must
    /// never have been used before, not even for a blob that a crash kept from being attached:
    /// a zone that comes back may still hold that one's blocks.
    ///
    /// # Errors
    /// When too few zones take it.
    pub async fn begin(
        &self,
        id: BlobId,
        bytes: u64,
        layout: Layout,
        key: Option<BlobKey>,
    ) -> Result<ExtentWriter, WriteError> {
        let sealing = key.map_or(Sealing::Plain, |key| Sealing::Seal(crate::seal::Seal::new(&key)));
        let wish = wish(id, bytes, layout, &sealing);
        ExtentWriter::begin(self.clone(), wish, sealing).await
    }

    /// As [`Extents::begin`] for a blob that is sealed already: what is pushed are its blocks of
    /// 64 KiB (the last may be shorter), each followed by its tag. `bytes` is its length without
    /// the tags.
    ///
    /// # Errors
    /// When too few zones take it.
    pub async fn begin_sealed(
        &self,
        id: BlobId,
        bytes: u64,
        layout: Layout,
    ) -> Result<ExtentWriter, WriteError> {
        let wish = wish(id, bytes, layout, &Sealing::Sealed);
        ExtentWriter::begin(self.clone(), wish, Sealing::Sealed).await
    }

    /// The bytes `range` of a blob, in parts of at most 256 KiB; what lies beyond its end is left
    /// out.
    ///
    /// # Errors
    /// [`ReadError::WrongKey`] when it is sealed and there is no key, or the other way round.
    pub fn read(
        &self,
        id: BlobId,
        location: &Location,
        key: Option<BlobKey>,
        range: std::ops::Range<u64>,
    ) -> Result<ExtentReader, ReadError> {
        if key.is_some() != location.sealed {
            return Err(ReadError::WrongKey);
        }
        let seal = key.map(|key| crate::seal::Seal::new(&key));
        Ok(ExtentReader::begin(self.shared.clone(), id, *location, seal, range))
    }

    /// A blob's bytes as they are stored, sealed blocks with their tags: what
    /// [`Extents::begin_sealed`] takes, or [`Extents::begin`] when it is not sealed.
    pub fn read_stored(&self, id: BlobId, location: &Location) -> ExtentReader {
        ExtentReader::begin(self.shared.clone(), id, *location, None, 0..location.bytes)
    }

    /// Writes a blob once more, in the best form that the zones allow now: to empty an extent, to
    /// pay the debt of a degraded one. The old place stays until its extent is removed.
    ///
    /// # Errors
    /// When it cannot be read or not be written.
    pub async fn copy(&self, id: BlobId, from: &Location) -> Result<Written, CopyError> {
        let writer = writer::rewrite(self, id, from, ZoneSet::default()).await?;
        Ok(writer.finish().await?)
    }

    /// The same, in another layout.
    ///
    /// # Errors
    /// When it cannot be read or not be written.
    pub async fn copy_to(
        &self,
        id: BlobId,
        from: &Location,
        layout: Layout,
    ) -> Result<Written, CopyError> {
        let writer = writer::rewrite_to(self, id, from, layout, ZoneSet::default()).await?;
        Ok(writer.finish().await?)
    }

    /// Whether a blob is there in fewer zones than it could be, were all of them well.
    pub fn owes(&self, location: &Location) -> bool {
        self.shared.zone_count == 3 && matches!(location.form, Form::Whole(_))
    }

    /// Sets what a zone is: its directory, as it returns, or `None` when it goes away. What it
    /// holds is read where it checks; mending it is the scrubber's work.
    pub fn set_zone(&self, zone: usize, disk: Option<Arc<dyn Disk>>) {
        let fresh = disk.map(|disk| {
            let zone = Zone::new(zone, disk);
            match zone.disk.list() {
                Ok(names) => self.shared.number_after(&names),
                Err(error) => zone.put_out(&format!("listing extents: {error}")),
            }
            Arc::new(zone)
        });
        let old = std::mem::replace(&mut self.shared.zones_mut()[zone], fresh);
        if let Some(old) = old {
            // Uploads under way have it yet.
            old.put_out("another was set in its place");
        }
        self.shared.files.forget_zone(zone);
        // What is written from now on is written in new extents; old ones can be mended. Whoever
        // has the lock sees it too.
        if let Ok(mut current) = self.current.try_lock() {
            *current = None;
        }
    }

    /// How each zone does.
    pub fn health(&self) -> Vec<Health> {
        let zones = self.shared.zones();
        zones.iter().map(|zone| zone.as_ref().map_or(Health::Away, |zone| zone.health())).collect()
    }

    pub fn all_healthy(&self) -> bool {
        self.health().iter().all(|health| *health == Health::Healthy)
    }

    /// Extents that may be removed if nothing in them is wanted. Ask this first and the index
    /// after: a blob that is attached in between is then seen by one of both. Blocks.
    pub fn at_rest(&self) -> Vec<AtRest> {
        let mut lengths = BTreeMap::new();
        for zone in self.shared.zones().into_iter().flatten() {
            for name in zone.disk.list().unwrap_or_default() {
                let Some(number) = extent_number(&name) else { continue };
                let bytes = zone.disk.open(&name).and_then(|file| file.bytes()).unwrap_or(0);
                let longest = lengths.entry(number).or_insert(0);
                *longest = bytes.max(*longest);
            }
        }
        // Only now: what is listed and not written any more was finished before.
        let written = self.shared.written();
        let rests = lengths.into_iter().filter(|(extent, _)| !written.contains(extent));
        rests.map(|(extent, bytes)| AtRest { extent, bytes }).collect()
    }

    /// Removes an extent in all zones that are not away; whoever reads it goes on. It is for the
    /// caller to know that nothing in it is wanted. Blocks.
    ///
    /// # Errors
    /// When it is written into, or a zone did not do it; the others have.
    pub fn remove(&self, extent: u64) -> io::Result<()> {
        if self.shared.written().contains(&extent) {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "an extent that is written"));
        }
        let mut outcome = Ok(());
        for zone in self.shared.zones().into_iter().flatten() {
            match zone.disk.remove(&file_name(extent)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => outcome = Err(error),
                _ => {}
            }
        }
        self.shared.files.forget_extent(extent);
        outcome
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

fn wish(id: BlobId, bytes: u64, layout: Layout, sealing: &Sealing) -> Wish {
    let sealed = !matches!(sealing, Sealing::Plain);
    Wish { id, bytes, sealed, layout, avoid: ZoneSet::default() }
}

impl Shared {
    fn zones(&self) -> Vec<Option<Arc<Zone>>> {
        self.zones.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn zone(&self, zone: usize) -> Option<Arc<Zone>> {
        let zones = self.zones.read().unwrap_or_else(PoisonError::into_inner);
        zones.get(zone).cloned().flatten()
    }

    fn zones_mut(&self) -> std::sync::RwLockWriteGuard<'_, Vec<Option<Arc<Zone>>>> {
        self.zones.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers go on after these.
    fn number_after(&self, names: &[String]) {
        if let Some(last) = names.iter().filter_map(|name| extent_number(name)).max() {
            self.next_extent.fetch_max(last + 1, Ordering::Relaxed);
        }
    }
}
