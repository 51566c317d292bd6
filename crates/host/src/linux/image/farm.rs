//! A second name for every file of a folder: a copy that takes no room where both are on one
//! file system. Packages replace files by new ones, so the copy stays as it was.

use std::collections::HashSet;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::progress::Progress;

pub(crate) struct Farm<'a> {
    pub(crate) progress: &'a Progress,
    /// Whether an entry, by its path, is to be in the copy.
    pub(crate) takes: &'a dyn Fn(&Path, &Metadata) -> bool,
    /// What the progress should be at the end.
    pub(crate) percent: u64,
    entries: u64,
    done: u64,
}

impl<'a> Farm<'a> {
    pub(crate) fn new(
        progress: &'a Progress,
        takes: &'a dyn Fn(&Path, &Metadata) -> bool,
        percent: u64,
    ) -> Self {
        Self { progress, takes, percent, entries: 0, done: 0 }
    }

    /// `to` is made. What is neither a file, a folder nor a link is left out.
    pub(crate) fn plant(mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.entries = count(from)?.max(1);
        make_like(to, &fs::symlink_metadata(from)?)?;
        self.folder(from, to)
    }

    fn folder(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            self.done += 1;
            if self.done.is_multiple_of(256) {
                self.progress.check()?;
                self.progress.set(self.done * self.percent / self.entries);
            }
            // Packages may be installed meanwhile.
            match self.entry(&entry, &to.join(entry.file_name())) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &DirEntry, to: &Path) -> io::Result<()> {
        let (from, told) = (entry.path(), entry.metadata()?);
        if !(self.takes)(&from, &told) {
            return Ok(());
        }
        if told.is_dir() {
            make_like(to, &told)?;
            return self.folder(&from, to);
        }
        if !told.is_file() && !told.is_symlink() {
            return Ok(());
        }
        match fs::hard_link(&from, to) {
            Err(error) if cannot_link(&error) => copy(&from, to, &told),
            other => other,
        }
    }
}

/// Another file system, too many names, or one without hard links.
fn cannot_link(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    [CrossesDevices, PermissionDenied, TooManyLinks, Unsupported].contains(&error.kind())
}

/// Shares the bytes where the file system can.
pub(crate) fn copy(from: &Path, to: &Path, told: &Metadata) -> io::Result<()> {
    if told.is_symlink() {
        return symlink(fs::read_link(from)?, to);
    }
    fs::copy(from, to)?;
    std::os::unix::fs::chown(to, Some(told.uid()), Some(told.gid()))?;
    // After the owner: a new owner takes away the setuid bit.
    fs::set_permissions(to, told.permissions())?;
    let mut value = [0; 64];
    let name = c"security.capability";
    if let Ok(len) = rustix::fs::getxattr(from, name, &mut value) {
        rustix::fs::setxattr(to, name, &value[..len], rustix::fs::XattrFlags::empty())?;
    }
    let times = fs::FileTimes::new().set_modified(told.modified()?);
    fs::File::open(to)?.set_times(times)
}

/// A folder with the owner and mode of another.
pub(crate) fn make_like(path: &Path, told: &Metadata) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)?;
    if (told.uid(), told.gid()) != (0, 0) {
        std::os::unix::fs::chown(path, Some(told.uid()), Some(told.gid()))?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(told.mode() & 0o7777))
}

/// What the files of a folder would take on a disk of their own.
pub(crate) fn size_bytes(folder: &Path) -> io::Result<u64> {
    let (mut bytes, mut seen, mut folders) = (0, HashSet::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let told = entry.metadata()?;
            if told.is_dir() {
                folders.push(entry.path());
            }
            if told.nlink() < 2 || told.is_dir() || seen.insert(told.ino()) {
                bytes += told.blocks() * 512;
            }
        }
    }
    Ok(bytes)
}

fn count(folder: &Path) -> io::Result<u64> {
    let (mut entries, mut folders) = (0, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            entries += 1;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(entries)
}
