//! The server of files that `scp` and `sftp` talk to, in version 3 with OpenSSH's extensions.
//! <https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02>
//!
//! It runs as the user and does one thing at a time. Names are bytes, as on Linux.

mod attributes;
mod files;
mod listing;
mod wire;

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use self::files::Files;
use self::wire::{Answer, Fields};

/// OpenSSH's: data of 255 KiB and a head.
const PACKET_BYTES_MAX: u32 = 256 << 10;
const DATA_BYTES_MAX: u32 = PACKET_BYTES_MAX - 1024;
const VERSION: u32 = 3;

/// What went wrong, as the protocol numbers it.
#[derive(Debug)]
enum Failure {
    EndOfFile,
    Io(io::Error),
    BadMessage,
    Unsupported,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<rustix::io::Errno> for Failure {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

impl Failure {
    fn code(&self) -> u32 {
        match self {
            Self::EndOfFile => 1,
            Self::Io(error) => match error.kind() {
                io::ErrorKind::NotFound => 2,
                io::ErrorKind::PermissionDenied => 3,
                _ => 4,
            },
            Self::BadMessage => 5,
            Self::Unsupported => 8,
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::EndOfFile => "End of file".into(),
            // As sshd's server says it; scripts look for these words.
            Self::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                "No such file or directory".into()
            }
            Self::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                "Permission denied".into()
            }
            Self::Io(error) => error.to_string(),
            Self::BadMessage => "Bad message".into(),
            Self::Unsupported => "Operation unsupported".into(),
        }
    }
}

/// Serves standard input and output until the client leaves.
pub(super) fn serve() -> ExitCode {
    let file = |fd: io::Result<std::os::fd::OwnedFd>| fd.map(File::from);
    let served = file(io::stdin().as_fd().try_clone_to_owned()).and_then(|input| {
        let output = file(io::stdout().as_fd().try_clone_to_owned())?;
        serve_on(BufReader::with_capacity(64 << 10, input), output)
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sftp: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve_on(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let mut files = Files::default();
    let mut packet = Vec::new();
    while read_packet(&mut input, &mut packet)? {
        output.write_all(&answer(&mut files, &packet)?.finish())?;
    }
    Ok(())
}

/// Whether there was one more.
fn read_packet(input: &mut impl Read, packet: &mut Vec<u8>) -> io::Result<bool> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        other => other?,
    }
    let length = u32::from_be_bytes(length);
    if length == 0 || length > PACKET_BYTES_MAX {
        return Err(io::Error::other(format!("a packet of {length} bytes is not taken")));
    }
    packet.resize(usize::try_from(length).map_err(io::Error::other)?, 0);
    input.read_exact(packet)?;
    Ok(true)
}

/// Nothing can be answered to a packet without a number.
fn answer(files: &mut Files, packet: &[u8]) -> io::Result<Answer> {
    let headless = || io::Error::other("a packet ends before its number");
    let mut fields = Fields::new(packet);
    let kind = fields.u8().map_err(|_| headless())?;
    let id = fields.u32().map_err(|_| headless())?;
    if kind == request::INIT {
        return Ok(version());
    }
    Ok(match serve_one(files, kind, id, &mut fields) {
        Ok(answer) => answer,
        Err(failure) => Answer::status(id, failure.code(), &failure.sentence()),
    })
}

/// What OpenSSH's client uses beyond the standard, with the versions that it knows.
const EXTENSIONS: [(&str, &str); 8] = [
    ("posix-rename@openssh.com", "1"),
    ("statvfs@openssh.com", "2"),
    ("fstatvfs@openssh.com", "2"),
    ("hardlink@openssh.com", "1"),
    ("fsync@openssh.com", "1"),
    ("lsetstat@openssh.com", "1"),
    ("limits@openssh.com", "1"),
    ("expand-path@openssh.com", "1"),
];

fn version() -> Answer {
    let mut answer = Answer::new(reply::VERSION, VERSION);
    for (name, version) in EXTENSIONS {
        answer.bytes(name.as_bytes()).bytes(version.as_bytes());
    }
    answer
}

mod request {
    pub(super) const INIT: u8 = 1;
    pub(super) const OPEN: u8 = 3;
    pub(super) const CLOSE: u8 = 4;
    pub(super) const READ: u8 = 5;
    pub(super) const WRITE: u8 = 6;
    pub(super) const LSTAT: u8 = 7;
    pub(super) const FSTAT: u8 = 8;
    pub(super) const SETSTAT: u8 = 9;
    pub(super) const FSETSTAT: u8 = 10;
    pub(super) const OPENDIR: u8 = 11;
    pub(super) const READDIR: u8 = 12;
    pub(super) const REMOVE: u8 = 13;
    pub(super) const MKDIR: u8 = 14;
    pub(super) const RMDIR: u8 = 15;
    pub(super) const REALPATH: u8 = 16;
    pub(super) const STAT: u8 = 17;
    pub(super) const RENAME: u8 = 18;
    pub(super) const READLINK: u8 = 19;
    pub(super) const SYMLINK: u8 = 20;
    pub(super) const EXTENDED: u8 = 200;
}

mod reply {
    pub(super) const VERSION: u8 = 2;
    pub(super) const STATUS: u8 = 101;
    pub(super) const HANDLE: u8 = 102;
    pub(super) const DATA: u8 = 103;
    pub(super) const NAME: u8 = 104;
    pub(super) const ATTRIBUTES: u8 = 105;
    pub(super) const EXTENDED: u8 = 201;
}

fn serve_one(
    files: &mut Files,
    kind: u8,
    id: u32,
    fields: &mut Fields<'_>,
) -> Result<Answer, Failure> {
    let attributes = |stat| {
        let mut answer = Answer::new(reply::ATTRIBUTES, id);
        attributes::write(&mut answer, &stat);
        answer
    };
    match kind {
        request::OPEN => {
            let (path, flags) = (fields.path()?, fields.u32()?);
            let handle = files.open(path, flags, &attributes::Wanted::read(fields)?)?;
            return Ok(Answer::new(reply::HANDLE, id).bytes(&handle).take());
        }
        request::OPENDIR => {
            let handle = files.open_folder(fields.path()?)?;
            return Ok(Answer::new(reply::HANDLE, id).bytes(&handle).take());
        }
        request::READ => {
            let (handle, offset, length) = (fields.bytes()?, fields.u64()?, fields.u32()?);
            let data = files.read(handle, offset, length.min(DATA_BYTES_MAX))?;
            return Ok(Answer::new(reply::DATA, id).bytes(data).take());
        }
        request::READDIR => return files.list(fields.bytes()?, Answer::new(reply::NAME, id)),
        request::LSTAT => return Ok(attributes(rustix::fs::lstat(fields.path()?)?)),
        request::STAT => return Ok(attributes(rustix::fs::stat(fields.path()?)?)),
        request::FSTAT => {
            return Ok(attributes(rustix::fs::fstat(files.file(fields.bytes()?)?)?));
        }
        request::REALPATH => return Ok(name(id, &files::real_path(fields.path()?)?)),
        request::READLINK => return Ok(name(id, &std::fs::read_link(fields.path()?)?)),
        request::EXTENDED => return extended(files, id, fields),
        request::CLOSE => files.close(fields.bytes()?)?,
        request::WRITE => files.write(fields.bytes()?, fields.u64()?, fields.bytes()?)?,
        request::SETSTAT => {
            let path = fields.path()?;
            attributes::Wanted::read(fields)?.apply_to_path(path)?;
        }
        request::FSETSTAT => {
            let file = files.file(fields.bytes()?)?;
            attributes::Wanted::read(fields)?.apply_to_file(file)?;
        }
        request::REMOVE => std::fs::remove_file(fields.path()?)?,
        request::RMDIR => std::fs::remove_dir(fields.path()?)?,
        request::MKDIR => {
            let path = fields.path()?;
            files::make_folder(path, &attributes::Wanted::read(fields)?)?;
        }
        request::RENAME => files::rename_to_free(fields.path()?, fields.path()?)?,
        // OpenSSH put the target first, and all clients follow it and not the standard.
        request::SYMLINK => std::os::unix::fs::symlink(fields.path()?, fields.path()?)?,
        _ => return Err(Failure::Unsupported),
    }
    Ok(Answer::status(id, 0, "Success"))
}

fn name(id: u32, path: &std::path::Path) -> Answer {
    use std::os::unix::ffi::OsStrExt;
    let mut answer = Answer::new(reply::NAME, id);
    answer.u32(1).bytes(path.as_os_str().as_bytes()).bytes(path.as_os_str().as_bytes()).u32(0);
    answer
}

fn extended(files: &mut Files, id: u32, fields: &mut Fields<'_>) -> Result<Answer, Failure> {
    match fields.bytes()? {
        b"posix-rename@openssh.com" => std::fs::rename(fields.path()?, fields.path()?)?,
        b"hardlink@openssh.com" => std::fs::hard_link(fields.path()?, fields.path()?)?,
        b"fsync@openssh.com" => files.file(fields.bytes()?)?.sync_all()?,
        b"lsetstat@openssh.com" => {
            let path = fields.path()?;
            attributes::Wanted::read(fields)?.apply_to_link(path)?;
        }
        b"statvfs@openssh.com" => {
            return Ok(file_system(id, &rustix::fs::statvfs(fields.path()?)?));
        }
        b"fstatvfs@openssh.com" => {
            return Ok(file_system(id, &rustix::fs::fstatvfs(files.file(fields.bytes()?)?)?));
        }
        b"limits@openssh.com" => {
            let mut answer = Answer::new(reply::EXTENDED, id);
            let data = DATA_BYTES_MAX.into();
            answer.u64(PACKET_BYTES_MAX.into()).u64(data).u64(data).u64(files::HANDLES_MAX);
            return Ok(answer);
        }
        b"expand-path@openssh.com" => {
            return Ok(name(id, &files::real_path(&files::expand(fields.path()?)?)?));
        }
        _ => return Err(Failure::Unsupported),
    }
    Ok(Answer::status(id, 0, "Success"))
}

fn file_system(id: u32, stat: &rustix::fs::StatVfs) -> Answer {
    use rustix::fs::StatVfsMountFlags;
    let mut answer = Answer::new(reply::EXTENDED, id);
    answer.u64(stat.f_bsize).u64(stat.f_frsize);
    answer.u64(stat.f_blocks).u64(stat.f_bfree).u64(stat.f_bavail);
    answer.u64(stat.f_files).u64(stat.f_ffree).u64(stat.f_favail).u64(stat.f_fsid);
    let flag = |flag, bit| if stat.f_flag.contains(flag) { bit } else { 0 };
    answer.u64(flag(StatVfsMountFlags::RDONLY, 1) | flag(StatVfsMountFlags::NOSUID, 2));
    answer.u64(stat.f_namemax);
    answer
}

#[cfg(test)]
mod tests;
