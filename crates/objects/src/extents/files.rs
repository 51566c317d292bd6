//! Files open for reading: opening one costs as much as reading a block from memory.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::DiskFile;

use crate::extents::zone::{Zone, file_name};

const OPEN_MAX: usize = 384;

#[derive(Default)]
pub(crate) struct Files {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// By zone and extent.
    files: HashMap<(usize, u64), Held>,
    uses: u64,
}

struct Held {
    file: Arc<dyn DiskFile>,
    zone: Arc<Zone>,
    used: u64,
}

impl Files {
    pub(crate) fn open(&self, zone: &Arc<Zone>, extent: u64) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(file) = self.held(zone, extent) {
            return Ok(file);
        }
        let file = zone.disk.open(&file_name(extent))?;
        let mut open = self.lock();
        if open.files.len() >= OPEN_MAX {
            open.let_go();
        }
        let used = open.uses;
        let held = Held { file: file.clone(), zone: zone.clone(), used };
        open.files.insert((zone.number, extent), held);
        Ok(file)
    }

    /// One that is open already.
    pub(crate) fn held(&self, zone: &Arc<Zone>, extent: u64) -> Option<Arc<dyn DiskFile>> {
        let mut open = self.lock();
        open.uses += 1;
        let uses = open.uses;
        let held = open.files.get_mut(&(zone.number, extent));
        let held = held.filter(|held| Arc::ptr_eq(&held.zone, zone))?;
        held.used = uses;
        Some(held.file.clone())
    }

    pub(crate) fn forget_zone(&self, zone: usize) {
        self.lock().files.retain(|(of, _), _| *of != zone);
    }

    pub(crate) fn forget_extent(&self, extent: u64) {
        self.lock().files.retain(|(_, of), _| *of != extent);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Closes the half that was not used for longest.
    fn let_go(&mut self) {
        let mut used: Vec<u64> = self.files.values().map(|held| held.used).collect();
        used.sort_unstable();
        let median = used[used.len() / 2];
        self.files.retain(|_, held| held.used > median);
    }
}
