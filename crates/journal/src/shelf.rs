//! A zone's directory in which only so many segment files are open at a time.
//!
//! A retained log has thousands of segments in each zone and a process has few file handles.
//! A segment's file is opened when it is used and closed again when many others were opened
//! after it. Other files, which are few, stay as the disk below gives them.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::disk::{Disk, DiskFile, SyncReason};
use crate::segment;

pub(crate) struct Shelf {
    disk: Arc<dyn Disk>,
    opened: Arc<Opened>,
}

/// The open ones, the longest open first.
struct Opened {
    most: usize,
    files: Mutex<VecDeque<Weak<Held>>>,
}

struct Held {
    name: String,
    disk: Arc<dyn Disk>,
    opened: Arc<Opened>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    file: Option<Arc<dyn DiskFile>>,
    /// Writes so far, and how many of them a sync has covered. Closing a file in between might
    /// lose the error that its next sync would answer.
    writes: u64,
    synced: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    /// `disk` with `most` segment files open at once, or a few more while they are written.
    pub(crate) fn over(disk: Arc<dyn Disk>, most: usize) -> Arc<dyn Disk> {
        let opened = Arc::new(Opened { most: most.max(2), files: Mutex::default() });
        Arc::new(Shelf { disk, opened })
    }

    fn hold(&self, name: &str, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        if segment::index_of(name).is_none() {
            return file;
        }
        let held = Arc::new(Held {
            name: name.to_owned(),
            disk: self.disk.clone(),
            opened: self.opened.clone(),
            state: Mutex::new(State { file: Some(file), ..State::default() }),
        });
        self.opened.add(&held);
        Arc::new(ShelvedFile(held))
    }
}

impl Opened {
    /// Never called while a file's state is held.
    fn add(&self, held: &Arc<Held>) {
        let mut files = lock(&self.files);
        files.push_back(Arc::downgrade(held));
        if files.len() <= self.most {
            return;
        }
        files.retain(|file| file.strong_count() > 0);
        for _ in 0..files.len() {
            if files.len() <= self.most {
                return;
            }
            let Some(oldest) = files.pop_front() else { return };
            let Some(held) = oldest.upgrade() else { continue };
            let mut state = lock(&held.state);
            if state.synced < state.writes {
                files.push_back(oldest);
            } else {
                state.file = None;
            }
        }
    }
}

struct ShelvedFile(Arc<Held>);

impl ShelvedFile {
    /// The open file, and how often it was written, `more` times included.
    fn file(&self, more: u64) -> io::Result<(Arc<dyn DiskFile>, u64)> {
        let mut state = lock(&self.0.state);
        state.writes += more;
        let writes = state.writes;
        if let Some(file) = &state.file {
            return Ok((file.clone(), writes));
        }
        let file = self.0.disk.open(&self.0.name)?;
        state.file = Some(file.clone());
        drop(state);
        self.0.opened.add(&self.0);
        Ok((file, writes))
    }
}

impl DiskFile for ShelvedFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file(0)?.0.read_at(buf, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file(1)?.0.write_at(bytes, offset)
    }

    fn sync_data(&self, reason: SyncReason) -> io::Result<()> {
        let (file, writes) = self.file(0)?;
        file.sync_data(reason)?;
        let mut state = lock(&self.0.state);
        state.synced = state.synced.max(writes);
        Ok(())
    }

    fn bytes(&self) -> io::Result<u64> {
        self.file(0)?.0.bytes()
    }

    fn uncache(&self, offset: u64, bytes: u64) -> io::Result<()> {
        self.file(0)?.0.uncache(offset, bytes)
    }
}

impl Disk for Shelf {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.hold(name, self.disk.create(name)?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.hold(name, self.disk.open(name)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn sync_dir(&self, reason: SyncReason) -> io::Result<()> {
        self.disk.sync_dir(reason)
    }

    fn present(&self) -> io::Result<()> {
        self.disk.present()
    }

    fn renew(&self) -> io::Result<Option<Arc<dyn Disk>>> {
        self.disk.renew()
    }
}
