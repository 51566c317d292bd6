//! One process at a time: a lock on a file in the data folder, which the system lets go of
//! when its holder ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("the data folder {folder} is in use by {holder}; stop that haneul first (`haneul down`)", folder = folder.display())]
    Held { folder: PathBuf, holder: String },
    #[error("the data folder {folder} cannot be locked: {source}", folder = folder.display())]
    Io { folder: PathBuf, source: io::Error },
}

/// Held until it is dropped.
#[derive(Debug)]
pub(super) struct DataLock {
    file: File,
}

const NAME: &str = "lock";

impl DataLock {
    pub(super) fn take(folder: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Io { folder: folder.into(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(folder.join(NAME)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let folder = folder.into();
                return Err(LockError::Held { folder, holder: holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Only for the message above; nothing depends on it.
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(failed)?;
        Ok(Self { file })
    }
}

impl Drop for DataLock {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is just being started has the file too,
        // until it runs its own program.
        let _ = self.file.unlock();
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(32).read_to_string(&mut text));
    match read.ok().and_then(|_| text.trim().parse::<u32>().ok()) {
        Some(pid) => format!("process {pid}"),
        None => "another process".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_hears_who_the_first_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = DataLock::take(folder.path()).expect("free");
        let refused = DataLock::take(folder.path()).expect_err("held").to_string();
        let expected = format!(
            "the data folder {} is in use by process {}; stop that haneul first (`haneul down`)",
            folder.path().display(),
            std::process::id()
        );
        assert_eq!(refused, expected);
        drop(first);
        DataLock::take(folder.path()).expect("free again");
    }
}
