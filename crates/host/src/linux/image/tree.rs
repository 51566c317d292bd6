//! A root folder that is being made. Only of trusted parts: paths are ours.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

pub(crate) struct Tree(PathBuf);

impl Tree {
    /// Makes the root.
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().mode(0o755).create(root)?;
        fs::set_permissions(root, fs::Permissions::from_mode(0o755))?;
        Ok(Self(root.to_owned()))
    }

    /// One that somebody else made.
    pub(crate) fn at(root: &Path) -> Self {
        Self(root.to_owned())
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }

    pub(crate) fn has(&self, below: &str) -> bool {
        fs::symlink_metadata(self.path(below)).is_ok()
    }

    /// Makes the folder with this mode, or gives the one there the mode. Folders above it are
    /// for everybody.
    pub(crate) fn folder(&self, below: &str, mode: u32) -> io::Result<()> {
        self.parents(below)?;
        if !self.has(below) {
            fs::create_dir(self.path(below))?;
        }
        fs::set_permissions(self.path(below), fs::Permissions::from_mode(mode))
    }

    pub(crate) fn parents(&self, below: &str) -> io::Result<()> {
        let slashes = below.match_indices('/').map(|(at, _)| &below[..at]);
        for folder in slashes {
            if is_link(&self.path(folder)) {
                // An absolute one would lead to the machine's own files.
                return Err(io::Error::other(format!("{folder} is a link, {below} is below it")));
            }
            if !self.has(folder) {
                fs::create_dir(self.path(folder))?;
                fs::set_permissions(self.path(folder), fs::Permissions::from_mode(0o755))?;
            }
        }
        Ok(())
    }

    /// Replaces what is there.
    pub(crate) fn file(&self, below: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
        self.parents(below)?;
        self.clear(below)?;
        fs::write(self.path(below), bytes)?;
        fs::set_permissions(self.path(below), fs::Permissions::from_mode(mode))
    }

    pub(crate) fn link(&self, below: &str, target: &Path) -> io::Result<()> {
        self.parents(below)?;
        self.clear(below)?;
        symlink(target, self.path(below))
    }

    /// Removes a file or a link; does nothing when there is none.
    pub(crate) fn clear(&self, below: &str) -> io::Result<()> {
        match fs::remove_file(self.path(below)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Whether a folder above this path is a link.
pub(crate) fn is_below_link(root: &Path, below: &str) -> bool {
    below.match_indices('/').any(|(at, _)| is_link(&root.join(&below[..at])))
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|told| told.is_symlink())
}
