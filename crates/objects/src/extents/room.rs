//! Room for blobs in the extents that are being written.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::spawn_blocking;

use crate::WriteError;
use crate::extents::location::{Form, Location, ZoneSet};
use crate::extents::zone::{Fault, Zone, ZoneFile};
use crate::extents::{Shared, ZONES_MAX};
use crate::{BlobId, Layout};

/// An extent that several blobs share is never longer.
pub const EXTENT_BYTES_MAX: u64 = 64 << 20;

/// An extent that something is written into, or was a moment ago. The last one to let go of an
/// extent in which nothing was ever finished removes its files.
pub(crate) struct Extent {
    pub(crate) number: u64,
    pub(crate) files: [Result<Arc<ZoneFile>, Fault>; ZONES_MAX],
    next: Mutex<u64>,
    finished: AtomicU64,
    shared: Arc<Shared>,
}

/// Room for one blob, in one extent.
pub(crate) struct Room {
    pub(crate) extent: Arc<Extent>,
    pub(crate) location: Location,
}

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) id: BlobId,
    pub(crate) bytes: u64,
    pub(crate) sealed: bool,
    pub(crate) layout: Layout,
    /// Zones that just failed to take it.
    pub(crate) avoid: ZoneSet,
}

impl Wish {
    fn location(&self, form: Form) -> Location {
        Location { extent: 0, offset: 0, bytes: self.bytes, sealed: self.sealed, form }
    }
}

/// The extent that small and middling blobs share until it is full.
pub(crate) type Current = tokio::sync::Mutex<Option<Arc<Extent>>>;

/// Finds room for a blob.
pub(crate) async fn take(
    shared: &Arc<Shared>,
    current: &Current,
    wish: Wish,
) -> Result<Room, WriteError> {
    // No form needs more room than a whole copy.
    if wish.location(Form::OneZone(0)).room() > EXTENT_BYTES_MAX {
        return create(shared).await?.room(wish);
    }
    let mut current = current.lock().await;
    if let Some(extent) = current.as_ref().filter(|extent| extent.serves(&wish)) {
        return extent.room(wish);
    }
    // The lock is held meanwhile, or everyone would make one.
    *current = None;
    let extent = create(shared).await?;
    let room = extent.room(wish)?;
    *current = Some(extent);
    Ok(room)
}

/// Lets go of an extent that too few zones took anything into, so that its files go.
pub(crate) fn give_up(current: &Current, extent: &Arc<Extent>) {
    // Whoever has the lock looks for itself whether the extent serves.
    let Ok(mut current) = current.try_lock() else { return };
    let unused = extent.finished.load(Ordering::Relaxed) == 0;
    if unused && current.as_ref().is_some_and(|current| Arc::ptr_eq(current, extent)) {
        *current = None;
    }
}

/// A new extent, with a file in each zone that takes one.
async fn create(shared: &Arc<Shared>) -> Result<Arc<Extent>, WriteError> {
    let (shared, zones) = (shared.clone(), shared.zones());
    let made = spawn_blocking(move || {
        let number = shared.next_extent.fetch_add(1, Ordering::Relaxed);
        // Before there are files: whoever lists them must not take them for forgotten ones.
        shared.written().insert(number);
        let mut files = [const { Err(Fault::Out) }; ZONES_MAX];
        for (file, zone) in files.iter_mut().zip(zones) {
            if let Some(zone) = zone {
                *file = ZoneFile::create(zone, number).map(Arc::new);
            }
        }
        let next = Mutex::default();
        Arc::new(Extent { number, files, next, finished: AtomicU64::new(0), shared })
    });
    made.await.map_err(|_| WriteError::Unavailable("making an extent panicked".into()))
}

impl Extent {
    /// Takes room in this extent, also beyond its end: whether to is asked before.
    fn room(self: &Arc<Extent>, wish: Wish) -> Result<Room, WriteError> {
        let mut location = wish.location(self.form(wish)?);
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        (location.extent, location.offset) = (self.number, *next);
        *next += location.room();
        Ok(Room { extent: self.clone(), location })
    }

    /// Whether a new extent could do no better for this wish.
    fn serves(&self, wish: &Wish) -> bool {
        let next = *self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = next + wish.location(Form::OneZone(0)).room() <= EXTENT_BYTES_MAX;
        // A file that met a full disk is left as it is while others do: a new extent for each
        // blob would be worse.
        let better = |(at, zone): (usize, Option<Arc<Zone>>)| {
            zone.is_some_and(|zone| match &self.files[at] {
                Ok(file) => zone.writable() && !Arc::ptr_eq(&file.zone, &zone),
                Err(fault) => zone.writable() && *fault == Fault::Out,
            })
        };
        has_room
            && self.form(*wish).is_ok()
            && !self.shared.zones().into_iter().enumerate().any(better)
    }

    /// The best form that the zones allow now.
    fn form(&self, wish: Wish) -> Result<Form, WriteError> {
        let usable = |zone: &usize| self.fault(*zone).is_none() && !wish.avoid.has(*zone);
        if let Layout::OneZone(zone) = wish.layout {
            let usable = zone < self.shared.zone_count && usable(&zone);
            return if usable { Ok(Form::OneZone(zone)) } else { Err(self.refusal(wish)) };
        }
        let zones: ZoneSet = (0..self.shared.zone_count).filter(usable).collect();
        if zones.len() < self.shared.zones_min {
            return Err(self.refusal(wish));
        }
        Ok(if zones.len() == 3 { Form::Striped } else { Form::Whole(zones) })
    }

    fn refusal(&self, wish: Wish) -> WriteError {
        let failed = |zone: &usize| self.fault(*zone).is_some() || wish.avoid.has(*zone);
        self.refused((0..self.shared.zone_count).filter(failed).collect())
    }

    /// The error when these zones did not take a blob and the others are too few.
    pub(crate) fn refused(&self, failed: ZoneSet) -> WriteError {
        let full = |zone: &usize| self.fault(*zone) == Some(Fault::Full);
        let full: Vec<usize> = failed.iter().filter(full).collect();
        let failed: Vec<usize> = failed.iter().collect();
        let why = format!("zones {failed:?} do not take it; full are {full:?}");
        if full.is_empty() { WriteError::Unavailable(why) } else { WriteError::Full(why) }
    }

    pub(crate) fn fault(&self, zone: usize) -> Option<Fault> {
        match &self.files[zone] {
            Ok(file) => file.fault(),
            Err(fault) => Some(*fault),
        }
    }

    /// Something in it is to stay.
    pub(crate) fn keep(&self) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Extent {
    fn drop(&mut self) {
        self.shared.written().remove(&self.number);
        if self.finished.load(Ordering::Relaxed) > 0 {
            return;
        }
        let files: Vec<_> = self.files.iter().flatten().cloned().collect();
        let remove = move || {
            for file in files {
                // What cannot be removed is found by the collector, as after a crash.
                let _ = file.zone.disk.remove(&file.name);
            }
        };
        // Freeing a large file takes a while.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}
