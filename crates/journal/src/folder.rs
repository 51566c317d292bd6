//! A zone's folder as a disk, also when it cannot be used.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, SyncReason};
use crate::fs::FsDisk;

/// Opens a zone's folder. One that cannot be used is a zone that has failed, and the journal
/// decides whether the others are enough; tending tries it again.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] when another process holds it.
pub fn open_folder(zone: &Path) -> io::Result<Arc<dyn Disk>> {
    match FsDisk::open(zone) {
        Ok(disk) => Ok(Arc::new(disk)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(error),
        Err(error) => Ok(Arc::new(NoDisk { zone: zone.to_owned(), why: error.to_string() })),
    }
}

/// Stands for a folder that cannot even be opened.
struct NoDisk {
    zone: PathBuf,
    why: String,
}

impl NoDisk {
    fn error<T>(&self) -> io::Result<T> {
        Err(io::Error::other(format!("{}: {}", self.zone.display(), self.why)))
    }
}

impl Disk for NoDisk {
    fn create(&self, _: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.error()
    }

    fn open(&self, _: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.error()
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        self.error()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        self.error()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.error()
    }

    fn sync_dir(&self, _: SyncReason) -> io::Result<()> {
        self.error()
    }

    fn renew(&self) -> io::Result<Option<Arc<dyn Disk>>> {
        Ok(Some(Arc::new(FsDisk::open(&self.zone)?)))
    }
}
