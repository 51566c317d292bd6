//! What a file is, beside its name and its bytes.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Gid, Mode, Stat, Timespec, Timestamps, Uid};

use super::Failure;
use super::wire::{Answer, Fields};

const SIZE: u32 = 1;
const OWNER: u32 = 2;
const MODE: u32 = 4;
const TIMES: u32 = 8;
const EXTENDED: u32 = 1 << 31;

const MODE_BITS: u32 = 0o7777;

pub(super) fn write(answer: &mut Answer, stat: &Stat) {
    answer.u32(SIZE | OWNER | MODE | TIMES);
    answer.u64(u64::try_from(stat.st_size).unwrap_or_default());
    answer.u32(stat.st_uid).u32(stat.st_gid).u32(stat.st_mode);
    answer.u32(seconds(stat.st_atime)).u32(seconds(stat.st_mtime));
}

/// The protocol's times end in 2106 and begin in 1970.
fn seconds(time: i64) -> u32 {
    u32::try_from(time.max(0)).unwrap_or(u32::MAX)
}

/// What a client wants a file to be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    size: Option<u64>,
    owner: Option<(u32, u32)>,
    mode: Option<u32>,
    /// Of the last reading and the last change.
    times: Option<(u32, u32)>,
}

impl Wanted {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, Failure> {
        let flags = fields.u32()?;
        if flags & !(SIZE | OWNER | MODE | TIMES | EXTENDED) != 0 {
            return Err(Failure::BadMessage);
        }
        let mut wanted = Self::default();
        if flags & SIZE != 0 {
            wanted.size = Some(fields.u64()?);
        }
        if flags & OWNER != 0 {
            wanted.owner = Some((fields.u32()?, fields.u32()?));
        }
        if flags & MODE != 0 {
            wanted.mode = Some(fields.u32()? & MODE_BITS);
        }
        if flags & TIMES != 0 {
            wanted.times = Some((fields.u32()?, fields.u32()?));
        }
        if flags & EXTENDED != 0 {
            // Pairs of names and values that nobody here knows.
            for _ in 0..fields.u32()? {
                fields.bytes()?;
                fields.bytes()?;
            }
        }
        Ok(wanted)
    }

    pub(super) fn mode_or(&self, mode: u32) -> Mode {
        Mode::from_raw_mode(self.mode.unwrap_or(mode) & 0o777)
    }

    pub(super) fn apply_to_path(&self, path: &Path) -> Result<(), Failure> {
        if let Some(size) = self.size {
            File::options().write(true).open(path)?.set_len(size)?;
        }
        if let Some(mode) = self.mode {
            rustix::fs::chmod(path, Mode::from_raw_mode(mode))?;
        }
        self.apply_times(CWD, path, AtFlags::empty())?;
        self.apply_owner(CWD, path, AtFlags::empty())
    }

    pub(super) fn apply_to_link(&self, path: &Path) -> Result<(), Failure> {
        // Links have neither a size nor rights to set.
        if self.size.is_some() || self.mode.is_some() {
            return Err(Failure::Unsupported);
        }
        self.apply_times(CWD, path, AtFlags::SYMLINK_NOFOLLOW)?;
        self.apply_owner(CWD, path, AtFlags::SYMLINK_NOFOLLOW)
    }

    pub(super) fn apply_to_file(&self, file: &File) -> Result<(), Failure> {
        if let Some(size) = self.size {
            file.set_len(size)?;
        }
        if let Some(mode) = self.mode {
            rustix::fs::fchmod(file, Mode::from_raw_mode(mode))?;
        }
        if let Some(times) = self.timestamps() {
            rustix::fs::futimens(file, &times)?;
        }
        if let Some((uid, gid)) = self.owner {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            rustix::fs::fchown(file.as_fd(), Some(uid), Some(gid))?;
        }
        Ok(())
    }

    fn apply_times(&self, at: BorrowedFd<'_>, path: &Path, flags: AtFlags) -> Result<(), Failure> {
        if let Some(times) = self.timestamps() {
            rustix::fs::utimensat(at, path, &times, flags)?;
        }
        Ok(())
    }

    fn apply_owner(&self, at: BorrowedFd<'_>, path: &Path, flags: AtFlags) -> Result<(), Failure> {
        if let Some((uid, gid)) = self.owner {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            rustix::fs::chownat(at, path, Some(uid), Some(gid), flags)?;
        }
        Ok(())
    }

    fn timestamps(&self) -> Option<Timestamps> {
        let time = |seconds: u32| Timespec { tv_sec: seconds.into(), tv_nsec: 0 };
        let (read, changed) = self.times?;
        Some(Timestamps { last_access: time(read), last_modification: time(changed) })
    }
}
