//! Where instances run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use host::linux::{Init, LinuxHost, Options};
use host::{Absent, Host};

use crate::data_dir::DataDir;

pub enum Machine {
    /// This one, by its kernel.
    Own,
    /// Whatever a test brings.
    Given(Arc<dyn Host>),
}

impl Machine {
    /// A region in memory has no machine of its own: guests would outlive it.
    pub(crate) fn open(
        self,
        data: Option<&DataDir>,
        zones: Option<&[PathBuf; 3]>,
    ) -> Arc<dyn Host> {
        match (self, data, zones) {
            (Self::Given(host), ..) => host,
            (Self::Own, Some(data), Some(zones)) => own(data, zones),
            (Self::Own, ..) => Arc::new(Absent::new("A region in memory runs no instances.")),
        }
    }
}

fn own(data: &DataDir, zones: &[PathBuf; 3]) -> Arc<dyn Host> {
    let opened = options(data, zones)
        .map_err(|error| error.to_string())
        .and_then(|options| LinuxHost::open(&options).map_err(|error| error.to_string()));
    match opened {
        Ok(host) => Arc::new(host),
        // All but instances is served.
        Err(why) => {
            tracing::error!(why, "this machine runs no instances");
            Arc::new(Absent::new(why))
        }
    }
}

/// How many instances run, whether or not their region does. None where the machine does not say.
pub(crate) fn running(data: &DataDir) -> usize {
    let counted = options(data, &data.zones()).ok().map(|options| LinuxHost::running(&options));
    counted.and_then(Result::ok).unwrap_or(0)
}

/// Takes everything of the region off the machine. For who holds the folder's lock.
pub(crate) fn remove_all(data: &DataDir, zones: &[PathBuf; 3]) -> Result<(), host::Error> {
    let options = options(data, zones).map_err(|error| host::Error::Refused(error.to_string()))?;
    LinuxHost::remove_all(&options)
}

fn options(data: &DataDir, zones: &[PathBuf; 3]) -> std::io::Result<Options> {
    Ok(Options {
        data: data.host(),
        zones: zones.clone(),
        public_pool: host::PUBLIC_POOL,
        name: name_of(&real_path(data.path())),
        init: Init { binary: std::env::current_exe()?, arguments: vec![guest::INIT.into()] },
    })
}

/// Also of a folder that is gone.
fn real_path(folder: &Path) -> PathBuf {
    let (parent, name) = (folder.parent(), folder.file_name());
    let there = || Some(parent?.canonicalize().ok()?.join(name?));
    folder.canonicalize().ok().or_else(there).unwrap_or_else(|| folder.to_owned())
}

/// The same for a data folder as long as it is where it is.
fn name_of(folder: &Path) -> String {
    let hash = digest(&SHA256, folder.as_os_str().as_encoded_bytes());
    hash.as_ref()[..3].iter().map(|byte| format!("{byte:02x}")).collect()
}
