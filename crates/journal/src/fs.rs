//! The real disk: one directory, files read and written at offsets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSliceMut};
use std::num::NonZeroU64;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::{ReadWriteFlags, preadv2};

use crate::disk::{Disk, DiskFile, SyncReason};

const LOCK: &str = "lock";

/// A directory of this machine, held by this process alone until dropped.
pub struct FsDisk {
    path: PathBuf,
    directory: File,
    /// Locked; the system lets go when the process ends, however it ends.
    lock: File,
}

impl FsDisk {
    /// Makes the directory, and those above it, durably if need be.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when another process holds it.
    pub fn open(path: &Path) -> io::Result<FsDisk> {
        make_directory(path)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::WouldBlock,
                format!("{} is in use by another process", path.display()),
            ),
            fs::TryLockError::Error(error) => error,
        })?;
        Ok(FsDisk { path: path.to_owned(), directory: File::open(path)?, lock })
    }
}

impl Drop for FsDisk {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is just being started has the file too,
        // until it runs its own program.
        let _ = self.lock.unlock();
    }
}

/// Makes the missing directories from the top down, each one's entry synced.
fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_directory(parent)?;
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

impl Disk for FsDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.path.join(name))?;
        Ok(Arc::new(FsFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.path.join(name))?;
        Ok(Arc::new(FsFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Folders beside the files are others': a journal makes none.
            if name != LOCK && !entry.file_type()?.is_dir() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn sync_dir(&self, _reason: SyncReason) -> io::Result<()> {
        self.directory.sync_all()
    }

    fn present(&self) -> io::Result<()> {
        let (held, named) = (self.directory.metadata()?, fs::metadata(&self.path)?);
        if (held.dev(), held.ino()) == (named.dev(), named.ino()) {
            return Ok(());
        }
        let why = format!("{} is another directory now", self.path.display());
        Err(io::Error::new(io::ErrorKind::NotFound, why))
    }

    /// One that was made again has a lock of its own and is opened anew.
    fn renew(&self) -> io::Result<Option<Arc<dyn Disk>>> {
        if self.present().is_ok() {
            return Ok(None);
        }
        Ok(Some(Arc::new(FsDisk::open(&self.path)?)))
    }
}

struct FsFile(File);

impl DiskFile for FsFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.0.read_at(&mut buf[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn read_cached_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        Ok(preadv2(&self.0, bufs, offset, ReadWriteFlags::NOWAIT)?)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync_data(&self, _reason: SyncReason) -> io::Result<()> {
        self.0.sync_data()
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn uncache(&self, offset: u64, bytes: u64) -> io::Result<()> {
        let bytes = NonZeroU64::new(bytes);
        Ok(rustix::fs::fadvise(&self.0, offset, bytes, rustix::fs::Advice::DontNeed)?)
    }
}
