//! The seam between the journal and the machine: one flat directory of files per zone.
//! [`crate::FsDisk`] is the real one, [`crate::sim::SimDisk`] the one that loses things.

use std::io::{self, IoSliceMut};
use std::sync::Arc;

/// One directory. Names are flat, without separators. Nothing here is durable until
/// [`Disk::sync_dir`] (entries) or [`DiskFile::sync_data`] (contents) has returned.
pub trait Disk: Send + Sync {
    /// A new empty file; an existing one of that name is replaced.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Atomic; replaces `to`.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, name: &str) -> io::Result<()>;
    fn list(&self) -> io::Result<Vec<String>>;
    fn sync_dir(&self, reason: SyncReason) -> io::Result<()>;

    /// Fails when the directory is no longer where it was: its open files may still be written
    /// then, and will be found by nobody.
    fn present(&self) -> io::Result<()> {
        Ok(())
    }

    /// What to use in this one's place, where this one cannot serve any more; `None` while it
    /// can. Asked only of a zone that has failed.
    fn renew(&self) -> io::Result<Option<Arc<dyn Disk>>> {
        Ok(None)
    }
}

/// An open file. Stays readable after its name is removed.
pub trait DiskFile: Send + Sync {
    /// Fills `buf` as far as the file reaches; answers the bytes read.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Fills these one after the other with what the system has in memory, for those who must not
    /// wait for a disk: answers less, or fails, where that ends or nobody can say.
    fn read_cached_at(&self, _bufs: &mut [IoSliceMut<'_>], _offset: u64) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
    /// Writes all of `bytes`, or fails with an unknown part of them written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Contents and length are durable when this returns `Ok`. After an error nothing may be
    /// believed of the file: the system may have dropped the pages and forgotten the failure.
    fn sync_data(&self, reason: SyncReason) -> io::Result<()>;
    fn bytes(&self) -> io::Result<u64>;
    /// Lets go of what the system keeps of this stretch in memory, so that the next read of it
    /// asks the disk. What was not synced stays. Nothing to do where nothing is kept twice.
    fn uncache(&self, _offset: u64, _bytes: u64) -> io::Result<()> {
        Ok(())
    }
}

/// Why a sync is asked for. Real disks ignore it; the simulation leaves one reason out and
/// shows that a promise is then broken, so that no sync here is there for comfort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SyncReason {
    /// The file that says whose zone a directory is.
    IdentityFile,
    /// Its name, and with it every other name that an opening found.
    IdentityDir,
    /// A new segment's zeros: the space is really there before the segment is used.
    SegmentFill,
    /// A new segment's name.
    SegmentDir,
    /// A group of frames, before it is acknowledged.
    Commit,
    /// Frames written again in place, by recovery or a scrub, and those that a killed opening
    /// left unsynced.
    Mend,
    /// A segment's frames written into a new file.
    Remake,
    /// What was committed while a zone was copied into.
    CatchUp,
    SnapshotFile,
    /// The rename that puts a snapshot in force, before segments are removed.
    SnapshotDir,
    /// Not of the journal: blobs in an extent of the object engine, before they are named.
    Extent,
    /// An extent's name.
    ExtentDir,
    /// Blocks of an extent written again in place.
    ExtentMend,
}

impl SyncReason {
    /// Those of the journal.
    pub const ALL: [SyncReason; 10] = [
        SyncReason::IdentityFile,
        SyncReason::IdentityDir,
        SyncReason::SegmentFill,
        SyncReason::SegmentDir,
        SyncReason::Commit,
        SyncReason::Mend,
        SyncReason::Remake,
        SyncReason::CatchUp,
        SyncReason::SnapshotFile,
        SyncReason::SnapshotDir,
    ];
}
