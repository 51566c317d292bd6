//! The data folder: what lies where, who may read it, and which process owns it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Paths below one folder. Making one touches nothing.
///
/// ```text
/// haneul.lock       held by the running region
/// haneul.sock       where commands ask it, mode 0600
/// region.json       how it was started last
/// credentials.json  root access keys, mode 0600
/// ca/               the local certificate authority
/// zones/{a,b,c}     the zones' folders, unless --zone put them elsewhere
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir(PathBuf);

#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("{} is in use by another haneul process", .0.display())]
    InUse(PathBuf),
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: not readable as haneul's: {source}", .path.display())]
    Format { path: PathBuf, source: serde_json::Error },
}

/// How the region was started last, so that commands can tell where it listens and the next
/// start finds its zones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastStart {
    pub endpoint: String,
    pub region: aws::Region,
    pub domain: String,
    pub zones: [PathBuf; 3],
    /// Whether the zones hold objects. Those of a haneul without S3 do not.
    #[serde(default)]
    pub objects: bool,
}

/// Keeps every other haneul process out of the folder until dropped. It is taken before
/// anything in the folder is touched and given up last, so whoever has it, or has waited for
/// it, need not ask for any other; a kill gives it up too. (Each zone's folder has one more of
/// its own, because `--zone` may name a folder to two data folders.)
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is just being started has the file too,
        // until it runs its own program.
        let _ = self.file.unlock();
    }
}

impl DataDir {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// `$HANEUL_DATA`; else `/var/lib/haneul` for root and `~/.local/share/haneul` for others.
    pub fn default_path() -> PathBuf {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(path) = set("HANEUL_DATA") {
            return path.into();
        }
        let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        match (root, set("XDG_DATA_HOME"), set("HOME")) {
            (false, Some(data), _) => Path::new(&data).join("haneul"),
            (false, None, Some(home)) => Path::new(&home).join(".local/share/haneul"),
            _ => "/var/lib/haneul".into(),
        }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn socket(&self) -> PathBuf {
        self.0.join("haneul.sock")
    }

    pub fn credentials(&self) -> PathBuf {
        self.0.join("credentials.json")
    }

    /// What this machine holds for the region: images, guests, the roots that are mounted.
    pub fn host(&self) -> PathBuf {
        self.0.join("host")
    }

    pub fn ca(&self) -> PathBuf {
        self.0.join("ca")
    }

    pub fn ca_certificate(&self) -> PathBuf {
        self.ca().join("ca.pem")
    }

    /// The zones' folders when `--zone` does not name others.
    pub fn zones(&self) -> [PathBuf; 3] {
        ["a", "b", "c"].map(|letter| self.0.join("zones").join(letter))
    }

    /// A view of what the zones hold, made again when it is lost.
    pub fn objects_index(&self) -> PathBuf {
        self.0.join("index").join("objects.redb")
    }

    fn last_start_path(&self) -> PathBuf {
        self.0.join("region.json")
    }

    fn lock_path(&self) -> PathBuf {
        self.0.join("haneul.lock")
    }

    /// Makes the folder, for its owner alone, and takes it.
    ///
    /// # Errors
    /// [`DataDirError::InUse`] when a region runs on it.
    pub fn lock(&self) -> Result<Lock, DataDirError> {
        make_private_dir(&self.0)?;
        let path = self.lock_path();
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { file }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(self.0.clone())),
            Err(TryLockError::Error(source)) => Err(DataDirError::Io { path, source }),
        }
    }

    /// Whether a region was ever started here, and not removed since.
    pub fn was_started(&self) -> bool {
        self.lock_path().exists() || self.last_start_path().exists()
    }

    /// Removes everything that a region keeps here, and in zones that are `elsewhere`; what
    /// others keep stays. Cut short, it can be done again: what tells of the rest goes last.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn remove_all(&self, elsewhere: &[PathBuf], lock: Lock) -> Result<(), DataDirError> {
        elsewhere.iter().try_for_each(|zone| remove_zone(zone))?;
        for name in ["zones", "host", "index", "ca", "credentials.new", "region.new"] {
            remove(&self.0.join(name))?;
        }
        for path in [self.credentials(), self.socket(), self.last_start_path(), self.lock_path()] {
            remove(&path)?;
        }
        drop(lock);
        Ok(())
    }

    /// Returns once no region runs on the folder.
    ///
    /// # Errors
    /// When the lock cannot be asked for; a folder that does not exist is free.
    pub fn wait_until_free(&self) -> Result<(), DataDirError> {
        let path = self.lock_path();
        match File::open(&path) {
            Ok(file) => file.lock_shared().map_err(at(&path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(DataDirError::Io { path, source }),
        }
    }

    /// `None` when no region was ever started here.
    ///
    /// # Errors
    /// When the record is there and cannot be read.
    pub fn last_start(&self) -> Result<Option<LastStart>, DataDirError> {
        read_json(&self.last_start_path())
    }

    /// # Errors
    /// When the record cannot be written.
    pub fn record_start(&self, start: &LastStart) -> Result<(), DataDirError> {
        write_json(&self.last_start_path(), start)
    }
}

/// The folder stays: it may be where a disk is mounted. One without a zone in it is not ours.
fn remove_zone(zone: &Path) -> Result<(), DataDirError> {
    let identity = zone.join("identity");
    if !identity.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(zone).map_err(at(zone))? {
        let path = entry.map_err(at(zone))?.path();
        if path != identity && path.file_name().is_none_or(|name| name != "lost+found") {
            remove(&path)?;
        }
    }
    remove(&identity)
}

/// A file, or a folder with all that is in it; none is as good.
fn remove(path: &Path) -> Result<(), DataDirError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// Makes a folder and its parents; the folder itself is its owner's alone.
///
/// # Errors
/// When it can be neither made nor closed to others.
pub fn make_private_dir(path: &Path) -> Result<(), DataDirError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(at(path))?;
    let mode = fs::metadata(path).map_err(at(path))?.mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(at(path))?;
    }
    Ok(())
}

/// Replaces a file as a whole, readable by its owner alone, so that a crash leaves the old
/// one or the new one.
///
/// # Errors
/// When the folder cannot be written to.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), DataDirError> {
    let fresh = path.with_extension("new");
    let written = || -> io::Result<()> {
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(content)?;
        file.sync_data()?;
        fs::rename(&fresh, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_data())
    };
    written().map_err(at(path))
}

/// # Errors
/// When the file is there and cannot be read; a missing one is `None`.
pub fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<Option<T>, DataDirError> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|source| DataDirError::Format { path: path.into(), source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DataDirError::Io { path: path.into(), source }),
    }
}

/// # Errors
/// When the file cannot be written.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), DataDirError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|source| DataDirError::Format { path: path.into(), source })?;
    text.push(b'\n');
    write_private(path, &text)
}

pub fn at(path: &Path) -> impl FnOnce(io::Error) -> DataDirError {
    let path = path.to_path_buf();
    |source| DataDirError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_and_its_files_are_the_owners_alone_and_taken_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = DataDir::new(folder.path().join("deep/er"));
        let lock = data.lock().expect("free");
        assert!(matches!(data.lock(), Err(DataDirError::InUse(_))));
        drop(lock);
        data.wait_until_free().expect("free again");

        let start = LastStart {
            endpoint: "http://127.0.0.1:4566".into(),
            region: "ap-northeast-2".parse().expect("valid"),
            domain: "localhost".into(),
            zones: data.zones(),
            objects: true,
        };
        assert_eq!(data.last_start().expect("readable"), None);
        data.record_start(&start).expect("written");
        assert_eq!(data.last_start().expect("readable"), Some(start));
        let mode = |path: &Path| fs::metadata(path).expect("there").mode() & 0o777;
        assert_eq!(mode(data.path()), 0o700);
        assert_eq!(mode(&data.last_start_path()), 0o600);
    }

    #[test]
    fn everything_of_a_region_goes_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = DataDir::new(folder.path().join("data"));
        let [zone, other] = ["zone", "other"].map(|name| folder.path().join(name));
        assert!(!data.was_started());
        let lock = data.lock().expect("free");
        assert!(data.was_started());
        for kept in [data.path().join("mine"), zone.join("lost+found/x"), other.join("yours")] {
            fs::create_dir_all(&kept).expect("made");
        }
        for made in [data.host().join("roots"), data.zones()[0].clone(), zone.join("objects")] {
            fs::create_dir_all(made).expect("made");
        }
        fs::write(zone.join("identity"), "").expect("written");
        data.remove_all(&[zone.clone(), other.clone()], lock).expect("removed");
        assert!(!data.was_started());
        let names = |folder: &Path| -> Vec<_> {
            let entries = fs::read_dir(folder).expect("there");
            entries.map(|entry| entry.expect("read").file_name()).collect()
        };
        assert_eq!(names(data.path()), ["mine"]);
        assert_eq!(names(&zone), ["lost+found"]);
        assert_eq!(names(&other), ["yours"]);
    }

    #[test]
    fn a_damaged_file_is_told_from_a_missing_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.json");
        assert!(matches!(read_json::<LastStart>(&path), Ok(None)));
        fs::write(&path, "{").expect("written");
        assert!(matches!(read_json::<LastStart>(&path), Err(DataDirError::Format { .. })));
    }
}
