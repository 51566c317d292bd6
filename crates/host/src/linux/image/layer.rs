//! One layer of a container image: a tar file of what changed.
//!
//! Whoever made it may be hostile. Every path is resolved by the kernel as if the image were
//! the whole file system, and every amount has a limit.
//!
//! <https://github.com/opencontainers/image-spec/blob/main/layer.md>

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;
use tar::{Archive, Entry, EntryType};

use super::progress::Progress;

/// Of all layers of an image together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) bytes_max: u64,
    pub(crate) entries_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes_max: 64 << 30, entries_max: 4_000_000 }
    }
}

/// Headers, long names and extended attributes before one entry.
const HEADERS_BYTES_MAX: u64 = 1 << 20;
const PATH_BYTES_MAX: usize = 4096;
/// Also through links: what removes a tree goes as deep.
const DEPTH_MAX: usize = 256;
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

pub(crate) struct Unpacker<'a> {
    root: OwnedFd,
    root_depth: usize,
    limits: Limits,
    bytes: u64,
    entries: u64,
    progress: &'a Progress,
}

impl<'a> Unpacker<'a> {
    pub(crate) fn new(root: &Path, limits: Limits, progress: &'a Progress) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(root, flags, Mode::empty())?;
        let root_depth = depth(root.as_fd())?;
        Ok(Self { root, root_depth, limits, bytes: 0, entries: 0, progress })
    }

    /// Takes away what the layer says is gone. Before any of it is unpacked: a whiteout is about
    /// the layers below alone, wherever in the file it stands.
    pub(crate) fn remove_whited_out(&mut self, layer: Box<dyn Read + '_>) -> io::Result<()> {
        self.each(layer, |this, path, _| {
            let Some((name, folder)) = path.split_last() else { return Ok(()) };
            let Some(gone) = name.strip_prefix(WHITEOUT) else { return Ok(()) };
            let Some(folder) = this.find(folder)? else { return Ok(()) };
            if *name == OPAQUE {
                return empty(folder.as_fd(), 0);
            }
            // The rest is other tools' bookkeeping.
            match gone.is_empty() || gone.starts_with(WHITEOUT) || is_dots(gone) {
                true => Ok(()),
                false => remove(folder.as_fd(), gone, 0),
            }
        })
    }

    pub(crate) fn unpack(&mut self, layer: Box<dyn Read + '_>) -> io::Result<()> {
        self.each(layer, |this, path, entry| match path.split_last() {
            Some((name, _)) if name.starts_with(WHITEOUT) => Ok(()),
            Some((name, folder)) => this.entry(name, folder, entry),
            // The root's own entry.
            None if entry.header().entry_type().is_dir() => own(this.root.as_fd(), entry),
            None => Err(refused("the root is no folder in it")),
        })
    }

    fn each(
        &mut self,
        layer: Box<dyn Read + '_>,
        mut act: impl FnMut(&mut Self, &[&[u8]], &mut Meted<'_, '_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let allowance = Rc::new(Cell::new(HEADERS_BYTES_MAX));
        let mut archive = Archive::new(Meter { layer, allowance: allowance.clone() });
        for entry in archive.entries()? {
            let mut entry = Meted { entry: entry?, bytes: 0 };
            self.entries += 1;
            if self.entries > self.limits.entries_max {
                return Err(refused("it has too many files"));
            }
            if self.entries.is_multiple_of(64) {
                self.progress.check()?;
            }
            let left = self.limits.bytes_max.saturating_sub(self.bytes);
            allowance.set(left);
            entry.bytes = left;
            let path = entry.entry.path_bytes().into_owned();
            let parts = parts(&path)?;
            act(self, &parts, &mut entry).map_err(|error| {
                let path = String::from_utf8_lossy(&path);
                io::Error::new(error.kind(), format!("{path}: {error}"))
            })?;
            // What the next header's reader would skip counts, too.
            io::copy(&mut entry, &mut io::sink())?;
            self.bytes = self.limits.bytes_max.saturating_sub(entry.bytes);
            allowance.set(HEADERS_BYTES_MAX);
        }
        Ok(())
    }

    fn entry(&self, name: &[u8], folder: &[&[u8]], entry: &mut Meted<'_, '_>) -> io::Result<()> {
        let folder = self.make(folder)?;
        let folder = folder.as_fd();
        let kind = entry.header().entry_type();
        match kind {
            EntryType::Directory => return directory(folder, name, entry),
            EntryType::Link => return self.hard_link(folder, name, entry),
            // A guest has its own.
            EntryType::Char | EntryType::Block | EntryType::XGlobalHeader => return Ok(()),
            _ => remove(folder, name, 0)?,
        }
        match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                regular(folder, name, entry)
            }
            EntryType::Symlink => {
                let target = target(entry)?;
                rustix::fs::symlinkat(&target[..], folder, name)?;
                let (uid, gid) = owner(entry)?;
                let flags = AtFlags::SYMLINK_NOFOLLOW;
                Ok(rustix::fs::chownat(folder, name, Some(uid), Some(gid), flags)?)
            }
            EntryType::Fifo => {
                rustix::fs::mknodat(folder, name, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
                let (uid, gid) = owner(entry)?;
                let flags = AtFlags::SYMLINK_NOFOLLOW;
                Ok(rustix::fs::chownat(folder, name, Some(uid), Some(gid), flags)?)
            }
            other => Err(refused(&format!("entries of type {other:?} are not supported"))),
        }
    }

    fn hard_link(
        &self,
        folder: BorrowedFd<'_>,
        name: &[u8],
        entry: &Meted<'_, '_>,
    ) -> io::Result<()> {
        let target = target(entry)?;
        let parts = parts(&target)?;
        let missing = || refused("it is a hard link to what is not there");
        let (from_name, from) = parts.split_last().ok_or_else(missing)?;
        let from = self.find(from)?.ok_or_else(missing)?;
        let told = rustix::fs::statat(&from, *from_name, AtFlags::SYMLINK_NOFOLLOW);
        let told = told.map_err(|_| missing())?;
        if FileType::from_raw_mode(told.st_mode).is_dir() {
            return Err(refused("it is a hard link to a folder"));
        }
        let there = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
        if there.is_ok_and(|there| (there.st_dev, there.st_ino) == (told.st_dev, told.st_ino)) {
            return Ok(());
        }
        remove(folder, name, 0)?;
        Ok(rustix::fs::linkat(&from, *from_name, folder, name, AtFlags::empty())?)
    }

    /// The folder, made where it is missing.
    fn make(&self, path: &[&[u8]]) -> io::Result<OwnedFd> {
        if let Some(found) = self.find(path)? {
            return Ok(found);
        }
        let (name, above) = path.split_last().ok_or_else(|| refused("its root is gone"))?;
        let above = self.make(above)?;
        match rustix::fs::mkdirat(&above, *name, Mode::from_raw_mode(0o755)) {
            // Not by the link that leads nowhere, either.
            Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = rustix::fs::openat(&above, *name, flags, Mode::empty())?;
        rustix::fs::fchmod(&made, Mode::from_raw_mode(0o755))?;
        Ok(made)
    }

    /// Links are followed, as if the image's root were the root. `None` when it is not there.
    fn find(&self, path: &[&[u8]]) -> io::Result<Option<OwnedFd>> {
        let joined = if path.is_empty() { b".".to_vec() } else { path.join(&b'/') };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        let opened = rustix::fs::openat2(&self.root, joined, flags, Mode::empty(), resolve);
        let found = match opened {
            Ok(found) => found,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match depth(found.as_fd())? > self.root_depth + DEPTH_MAX {
            true => Err(refused("its folders are too deep")),
            false => Ok(Some(found)),
        }
    }
}

fn directory(folder: BorrowedFd<'_>, name: &[u8], entry: &Meted<'_, '_>) -> io::Result<()> {
    let there = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
    if !there.is_ok_and(|there| FileType::from_raw_mode(there.st_mode).is_dir()) {
        remove(folder, name, 0)?;
        rustix::fs::mkdirat(folder, name, Mode::RWXU)?;
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    own(rustix::fs::openat(folder, name, flags, Mode::empty())?.as_fd(), entry)
}

fn regular(folder: BorrowedFd<'_>, name: &[u8], entry: &mut Meted<'_, '_>) -> io::Result<()> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?);
    io::copy(entry, &mut file)?;
    file.flush()?;
    own(file.as_fd(), entry)?;
    for extension in entry.entry.pax_extensions()?.into_iter().flatten() {
        let extension = extension?;
        // What lets ping work without setuid. Others could speak to overlayfs.
        if extension.key_bytes() == b"SCHILY.xattr.security.capability" {
            let value = extension.value_bytes();
            rustix::fs::fsetxattr(&file, c"security.capability", value, XattrFlags::empty())?;
        }
    }
    let seconds = i64::try_from(entry.header().mtime().unwrap_or(0)).unwrap_or(0);
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(rustix::fs::futimens(&file, &times)?)
}

/// First the owner: a new owner takes away the setuid bit.
fn own(fd: BorrowedFd<'_>, entry: &Meted<'_, '_>) -> io::Result<()> {
    let (uid, gid) = owner(entry)?;
    rustix::fs::fchown(fd, Some(uid), Some(gid))?;
    let mode = Mode::from_raw_mode(entry.header().mode()? & 0o7777);
    Ok(rustix::fs::fchmod(fd, mode)?)
}

fn owner(entry: &Meted<'_, '_>) -> io::Result<(Uid, Gid)> {
    let header = entry.header();
    let id = |id: u64| match u32::try_from(id) {
        // The last means nobody at all to the kernel.
        Ok(id) if id != u32::MAX => Ok(id),
        _ => Err(refused("its owner is no user id")),
    };
    Ok((Uid::from_raw(id(header.uid()?)?), Gid::from_raw(id(header.gid()?)?)))
}

fn target(entry: &Meted<'_, '_>) -> io::Result<Vec<u8>> {
    let target = entry.entry.link_name_bytes().ok_or_else(|| refused("it is a link to nothing"))?;
    match target.is_empty() || target.len() >= PATH_BYTES_MAX || target.contains(&0) {
        true => Err(refused("its link is no path")),
        false => Ok(target.into_owned()),
    }
}

/// The names on the way; a leading slash means the image's root.
fn parts(path: &[u8]) -> io::Result<Vec<&[u8]>> {
    if path.len() >= PATH_BYTES_MAX || path.contains(&0) {
        return Err(refused("a path in it is none"));
    }
    let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    let parts: Vec<&[u8]> = parts.collect();
    match parts.contains(&&b".."[..]) || parts.len() > DEPTH_MAX {
        true => Err(refused("a path in it leads out of it, or too deep")),
        false => Ok(parts),
    }
}

fn is_dots(name: &[u8]) -> bool {
    name == b"." || name == b".."
}

/// Removes what the name says, with all below it; does nothing when there is nothing.
fn remove(folder: BorrowedFd<'_>, name: &[u8], deep: usize) -> io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    empty(rustix::fs::openat(folder, name, flags, Mode::empty())?.as_fd(), deep + 1)?;
    Ok(rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}

fn empty(folder: BorrowedFd<'_>, deep: usize) -> io::Result<()> {
    if deep > 2 * DEPTH_MAX {
        return Err(refused("its folders are too deep"));
    }
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !is_dots(name) {
            remove(folder, name, deep)?;
        }
    }
    Ok(())
}

/// How many folders it lies below.
fn depth(folder: BorrowedFd<'_>) -> io::Result<usize> {
    let path = std::fs::read_link(format!("/proc/self/fd/{}", folder.as_raw_fd()))?;
    Ok(path.components().count())
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

/// Refuses what is longer than it may be: also what unpacks to more than it is, and names that
/// never end.
struct Meter<'a> {
    layer: Box<dyn Read + 'a>,
    allowance: Rc<Cell<u64>>,
}

impl Read for Meter<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.layer.read(buffer)?;
        let left = self.allowance.get().checked_sub(read as u64);
        self.allowance.set(left.ok_or_else(|| refused("it is too big"))?);
        Ok(read)
    }
}

/// An entry that may be read for so many bytes: sparse ones have more than the file.
struct Meted<'a, 'b> {
    entry: Entry<'a, Meter<'b>>,
    bytes: u64,
}

impl Meted<'_, '_> {
    fn header(&self) -> &tar::Header {
        self.entry.header()
    }
}

impl Read for Meted<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.entry.read(buffer)?;
        let left = self.bytes.checked_sub(read as u64);
        self.bytes = left.ok_or_else(|| refused("it is too big"))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
