//! A guest's console: the newest of what its first process wrote.
//!
//! The guest appends to a file in its own root volume, beside what it sees of it: a guest that
//! writes without end fills its own disk, even while haneul is away. haneul frees what is old
//! by punching holes, which no append can collide with; between lives the end is kept with the
//! guest's record.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;

pub const CONSOLE_BYTES_MAX: u64 = 64 * 1024;
/// A file is trimmed when it takes more than this.
const TRIM_BYTES: u64 = 512 * 1024;

/// In a root volume that may have been another guest's, or a copy of it.
pub fn path(root: &Path, guest: &str) -> PathBuf {
    root.join(format!("console.{guest}"))
}

/// The end of the file; nothing when there is none.
pub fn tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(CONSOLE_BYTES_MAX)))?;
    let mut bytes = Vec::new();
    file.take(CONSOLE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Frees what is older than a console shows.
pub fn trim(path: &Path) -> io::Result<()> {
    let file = open(path)?;
    let there = file.metadata()?;
    if there.blocks() * 512 <= TRIM_BYTES {
        return Ok(());
    }
    let old = there.len().saturating_sub(CONSOLE_BYTES_MAX);
    if old > 0 {
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        rustix::fs::fallocate(&file, hole, 0, old)?;
    }
    Ok(())
}

/// Between two lives: puts the file where the next life appends, no longer than it shows.
pub fn begin(path: &Path, kept: &Path) -> io::Result<()> {
    let mut end = tail(path)?;
    if end.is_empty() {
        end = tail(kept)?;
    }
    for entry in path.parent().map(std::fs::read_dir).into_iter().flatten().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("console.") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    std::fs::write(path, end)
}

fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_newest_bytes_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (file, kept) = (path(folder.path(), "i-1"), folder.path().join("kept"));
        assert_eq!(tail(&file).unwrap(), b"");
        std::fs::write(&kept, "before\n").unwrap();
        begin(&file, &kept).unwrap();
        let mut guest = File::options().append(true).open(&file).unwrap();
        guest.write_all(b"now\n").unwrap();
        assert_eq!(tail(&file).unwrap(), b"before\nnow\n");
        guest.write_all(&vec![b'x'; 2 << 20]).unwrap();
        guest.write_all(b"end").unwrap();
        trim(&file).unwrap();
        assert!(file.metadata().unwrap().blocks() * 512 <= 2 * CONSOLE_BYTES_MAX);
        guest.write_all(b"!").unwrap();
        let seen = tail(&file).unwrap();
        assert_eq!(seen.len(), 64 << 10);
        assert!(seen.starts_with(b"xxx") && seen.ends_with(b"xend!"));
        begin(&file, &kept).unwrap();
        assert_eq!(file.metadata().unwrap().len(), CONSOLE_BYTES_MAX);
    }
}
