//! What the kernel holds of volumes whose haneul does not run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::thread::Timespec;

use super::store::{below_volumes, real_path};
use super::{ext4, loop_device};

/// A device that is in use is let go when it is not any more: soon, since nobody runs.
const LET_GO_TIMEOUT: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

/// Unmounts all roots and detaches all loop devices; the volumes themselves stay.
pub(in crate::linux) fn remove_all(data: &Path, zones: &[PathBuf; 3]) -> io::Result<()> {
    let roots = real_path(data.to_owned()).join("roots");
    while let Some(mount) = last_mount_below(&roots)? {
        ext4::unmount(&mount)?;
    }
    let zones = zones.clone().map(real_path);
    let end = Instant::now() + LET_GO_TIMEOUT;
    loop {
        let attached = loop_device::attached()?;
        let mut own = attached.iter().filter(|(_, file)| below_volumes(&zones, file).is_some());
        let Some((first, file)) = own.next() else { return Ok(()) };
        if Instant::now() > end {
            let file = file.display();
            return Err(io::Error::other(format!("/dev/loop{first} is in use and keeps {file}")));
        }
        for (number, _) in own.chain([&(*first, file.clone())]) {
            loop_device::detach(*number)?;
        }
        // The kernel tells nobody when a device is free.
        let _ = rustix::thread::nanosleep(&LOOK_AGAIN);
    }
}

/// The newest lies over the older ones.
fn last_mount_below(folder: &Path) -> io::Result<Option<PathBuf>> {
    let all = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(ext4::mount_points(&all).filter(|mount| mount.starts_with(folder)).last())
}
