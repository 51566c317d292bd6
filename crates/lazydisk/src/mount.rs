//! A disk as the kernel asks for it.
//!
//! Nothing is cached above it: names and attributes are asked for each time, and files are read
//! and written directly, so that a power cut needs to tell the kernel nothing.

use std::ffi::OsStr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, LockOwner,
    OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyStatfs, ReplyWrite, Request, WriteFlags,
};

use crate::file::File;
use crate::machine::{Effect, Machine};
use crate::tree::{Content, Folder, Number, ROOT, Tree};

const UNCACHED: Duration = Duration::ZERO;
const BLOCK_BYTES: u32 = 4096;
/// What it says of its size: enough for everybody, and true of nothing.
const BLOCKS: u64 = 1 << 28;
const SOCKET: u32 = 0o140_000;
const FORMAT: u32 = 0o170_000;

/// One of a machine's disks.
pub struct Mount {
    pub machine: Arc<Machine>,
    pub disk: usize,
}

impl Mount {
    fn look<T>(&self, looking: impl FnOnce(&mut Tree) -> Result<T, Errno>) -> Result<T, Errno> {
        self.machine.operate(self.disk, Effect::Looks, looking)
    }

    fn change<T>(&self, changing: impl FnOnce(&mut Tree) -> Result<T, Errno>) -> Result<T, Errno> {
        self.machine.operate(self.disk, Effect::Changes, changing)
    }

    fn make(
        &self,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        content: Content,
    ) -> Result<FileAttr, Errno> {
        let name = utf8(name)?;
        self.change(|tree| {
            let number = tree.make(parent.0, name, permissions(mode), content)?;
            attributes(tree, number)
        })
    }
}

fn utf8(name: &OsStr) -> Result<&str, Errno> {
    name.to_str().ok_or(Errno::EINVAL)
}

fn permissions(mode: u32) -> u16 {
    u16::try_from(mode & 0o7777).expect("twelve bits")
}

fn attributes(tree: &Tree, number: Number) -> Result<FileAttr, Errno> {
    let node = tree.node(number)?;
    Ok(FileAttr {
        ino: INodeNo(number),
        size: node.bytes(),
        blocks: node.bytes().div_ceil(512),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: node.kind(),
        perm: node.mode(),
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: BLOCK_BYTES,
        flags: 0,
    })
}

fn answer_entry(reply: ReplyEntry, found: Result<FileAttr, Errno>) {
    match found {
        Ok(attributes) => reply.entry(&UNCACHED, &attributes, Generation(0)),
        Err(error) => reply.error(error),
    }
}

fn answer_attributes(reply: ReplyAttr, found: Result<FileAttr, Errno>) {
    match found {
        Ok(attributes) => reply.attr(&UNCACHED, &attributes),
        Err(error) => reply.error(error),
    }
}

fn answer_done(reply: ReplyEmpty, done: Result<(), Errno>) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

impl Filesystem for Mount {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = utf8(name)
            .and_then(|name| self.look(|tree| attributes(tree, tree.find(parent.0, name)?)));
        answer_entry(reply, found);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        answer_attributes(reply, self.look(|tree| attributes(tree, ino.0)));
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<fuser::TimeOrNow>,
        _: Option<fuser::TimeOrNow>,
        _: Option<std::time::SystemTime>,
        _: Option<FileHandle>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let changed = self.change(|tree| {
            if let Some(mode) = mode {
                tree.set_mode(ino.0, permissions(mode))?;
            }
            if let Some(size) = size {
                tree.file_mut(ino.0)?.set_bytes(size);
            }
            attributes(tree, ino.0)
        });
        answer_attributes(reply, changed);
    }

    fn mknod(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        let content =
            if mode & FORMAT == SOCKET { Content::Socket } else { Content::File(File::default()) };
        answer_entry(reply, self.make(parent, name, mode & !umask, content));
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let content = Content::Folder(Folder::default());
        answer_entry(reply, self.make(parent, name, mode & !umask, content));
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        match self.make(parent, name, mode & !umask, Content::File(File::default())) {
            Ok(attributes) => reply.created(
                &UNCACHED,
                &attributes,
                Generation(0),
                FileHandle(0),
                FopenFlags::FOPEN_DIRECT_IO,
            ),
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let removed = utf8(name).and_then(|name| self.change(|tree| tree.remove(parent.0, name)));
        answer_done(reply, removed);
    }

    fn rmdir(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.unlink(request, parent, name, reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let renamed = || {
            if parent != new_parent {
                return Err(Errno::EXDEV);
            }
            if !flags.is_empty() {
                return Err(Errno::EINVAL);
            }
            let (from, to) = (utf8(name)?, utf8(new_name)?);
            self.change(|tree| tree.rename(parent.0, from, to))
        };
        answer_done(reply, renamed());
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: fuser::ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let bytes = usize::try_from(size).expect("32 bits fit");
        match self.look(|tree| Ok(tree.file(ino.0)?.read(offset, bytes))) {
            Ok(read) => reply.data(&read),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let written = self.change(|tree| {
            tree.file_mut(ino.0)?.write(offset, data);
            Ok(())
        });
        match written {
            Ok(()) => reply.written(u32::try_from(data.len()).expect("a write is at most 16 MiB")),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer_done(reply, self.change(|tree| tree.sync(ino.0)));
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer_done(reply, self.change(|tree| tree.sync(ino.0)));
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let listed = self.look(|tree| {
            let mut entries = vec![
                (".".to_owned(), ino.0, FileType::Directory),
                ("..".to_owned(), ROOT, FileType::Directory),
            ];
            for (name, number) in tree.list(ino.0)? {
                entries.push((name, number, tree.node(number)?.kind()));
            }
            Ok(entries)
        });
        let entries = match listed {
            Ok(entries) => entries,
            Err(error) => return reply.error(error),
        };
        for (next, (name, number, kind)) in (1..).zip(entries) {
            if next > offset && reply.add(INodeNo(number), next, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCK_BYTES, 255, BLOCK_BYTES);
    }
}
