//! Files and folders that a client has open, and what is done to those that it names.

use std::collections::HashMap;
use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::Failure;
use super::attributes::{self, Wanted};
use super::listing::Listing;
use super::wire::Answer;

pub(super) const HANDLES_MAX: u64 = 512;

#[derive(Default)]
pub(super) struct Files {
    open: HashMap<u32, Open>,
    last: u32,
    listing: Option<Listing>,
    buffer: Vec<u8>,
}

enum Open {
    File { file: File, appends: bool },
    Folder(Dir),
}

/// How a file is opened.
mod flag {
    pub(super) const READ: u32 = 1;
    pub(super) const WRITE: u32 = 2;
    pub(super) const APPEND: u32 = 4;
    pub(super) const CREATE: u32 = 8;
    pub(super) const TRUNCATE: u32 = 16;
    pub(super) const EXCLUSIVE: u32 = 32;
}

impl Files {
    pub(super) fn open(
        &mut self,
        path: &Path,
        flags: u32,
        wanted: &Wanted,
    ) -> Result<[u8; 4], Failure> {
        let has = |bit: u32| flags & bit != 0;
        let mut how = OFlags::CLOEXEC | OFlags::NOCTTY;
        how |= match (has(flag::READ), has(flag::WRITE)) {
            (true, true) => OFlags::RDWR,
            (false, true) => OFlags::WRONLY,
            _ => OFlags::RDONLY,
        };
        for (bit, meaning) in [
            (flag::APPEND, OFlags::APPEND),
            (flag::CREATE, OFlags::CREATE),
            (flag::TRUNCATE, OFlags::TRUNC),
            (flag::EXCLUSIVE, OFlags::EXCL),
        ] {
            how.set(meaning, has(bit));
        }
        let file = rustix::fs::open(path, how, wanted.mode_or(0o666))?;
        self.keep(Open::File { file: file.into(), appends: has(flag::APPEND) })
    }

    pub(super) fn open_folder(&mut self, path: &Path) -> Result<[u8; 4], Failure> {
        let how = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, how, Mode::empty())?;
        self.keep(Open::Folder(Dir::new(folder)?))
    }

    fn keep(&mut self, open: Open) -> Result<[u8; 4], Failure> {
        if u64::try_from(self.open.len()).is_ok_and(|count| count >= HANDLES_MAX) {
            return Err(Errno::MFILE.into());
        }
        loop {
            self.last = self.last.wrapping_add(1);
            if !self.open.contains_key(&self.last) {
                break;
            }
        }
        self.open.insert(self.last, open);
        Ok(self.last.to_be_bytes())
    }

    pub(super) fn close(&mut self, handle: &[u8]) -> Result<(), Failure> {
        self.open.remove(&number(handle)?).map(drop).ok_or_else(|| Errno::BADF.into())
    }

    fn get(&mut self, handle: &[u8]) -> Result<&mut Open, Failure> {
        self.open.get_mut(&number(handle)?).ok_or_else(|| Errno::BADF.into())
    }

    pub(super) fn file(&mut self, handle: &[u8]) -> Result<&File, Failure> {
        match self.get(handle)? {
            Open::File { file, .. } => Ok(file),
            Open::Folder(_) => Err(Errno::ISDIR.into()),
        }
    }

    pub(super) fn read(
        &mut self,
        handle: &[u8],
        offset: u64,
        length: u32,
    ) -> Result<&[u8], Failure> {
        let length = usize::try_from(length).map_err(|_| Failure::BadMessage)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(length, 0);
        let read = self.file(handle).and_then(|file| Ok(file.read_at(&mut buffer, offset)?));
        self.buffer = buffer;
        match read? {
            0 if length > 0 => Err(Failure::EndOfFile),
            len => Ok(&self.buffer[..len]),
        }
    }

    pub(super) fn write(&mut self, handle: &[u8], offset: u64, data: &[u8]) -> Result<(), Failure> {
        match self.get(handle)? {
            Open::File { file, appends: true } => Ok(io::Write::write_all(file, data)?),
            Open::File { file, .. } => Ok(file.write_all_at(data, offset)?),
            Open::Folder(_) => Err(Errno::ISDIR.into()),
        }
    }

    /// Some more of the entries of a folder.
    pub(super) fn list(&mut self, handle: &[u8], mut answer: Answer) -> Result<Answer, Failure> {
        const ENTRIES_MAX: u32 = 100;
        let listing = self.listing.get_or_insert_with(Listing::read);
        let folder = match self.open.get_mut(&number(handle)?) {
            Some(Open::Folder(folder)) => folder,
            Some(Open::File { .. }) => return Err(Errno::NOTDIR.into()),
            None => return Err(Errno::BADF.into()),
        };
        let (mut count, mut entries) = (0, Answer::default());
        while count < ENTRIES_MAX {
            let Some(entry) = folder.next() else { break };
            let entry = entry?;
            let name = entry.file_name();
            let stat = rustix::fs::statat(folder.fd()?, name, AtFlags::SYMLINK_NOFOLLOW);
            // It may have gone since.
            let Ok(stat) = stat else { continue };
            entries.bytes(name.to_bytes()).bytes(&listing.line(&stat, name.to_bytes()));
            attributes::write(&mut entries, &stat);
            count += 1;
        }
        if count == 0 {
            return Err(Failure::EndOfFile);
        }
        answer.u32(count).append(&entries);
        Ok(answer)
    }
}

fn number(handle: &[u8]) -> Result<u32, Failure> {
    handle.try_into().map(u32::from_be_bytes).map_err(|_| Failure::BadMessage)
}

pub(super) fn make_folder(path: &Path, wanted: &Wanted) -> Result<(), Failure> {
    Ok(rustix::fs::mkdir(path, wanted.mode_or(0o777))?)
}

/// The standard's rename takes nobody's place.
pub(super) fn rename_to_free(from: &Path, to: &Path) -> Result<(), Failure> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system that cannot do it at once.
        Err(Errno::INVAL | Errno::NOSYS) if fs::symlink_metadata(to).is_err() => {
            Ok(fs::rename(from, to)?)
        }
        other => Ok(other?),
    }
}

/// The path without links; its last part need not be there.
pub(super) fn real_path(path: &Path) -> Result<PathBuf, Failure> {
    match fs::canonicalize(path) {
        Ok(path) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or(error)?;
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            Ok(fs::canonicalize(parent.unwrap_or(Path::new(".")))?.join(name))
        }
        Err(error) => Err(error.into()),
    }
}

/// A path that begins at somebody's home: `~/x`, `~me/x`.
pub(super) fn expand(path: &Path) -> Result<PathBuf, Failure> {
    let Some(rest) = path.as_os_str().as_bytes().strip_prefix(b"~") else {
        return Ok(path.into());
    };
    let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    let home = match name {
        b"" => env::var_os("HOME").map(PathBuf::from),
        name => home_of(name),
    };
    let home = home.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let rest = std::ffi::OsStr::from_bytes(rest.strip_prefix(b"/").unwrap_or_default());
    Ok(if rest.is_empty() { home } else { home.join(rest) })
}

fn home_of(name: &[u8]) -> Option<PathBuf> {
    let passwd = fs::read("/etc/passwd").ok()?;
    let mut lines = passwd.split(|byte| *byte == b'\n');
    let line = lines.find(|line| line.split(|byte| *byte == b':').next() == Some(name))?;
    let home = line.split(|byte| *byte == b':').nth(5)?;
    Some(std::ffi::OsStr::from_bytes(home).into())
}
