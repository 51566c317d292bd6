//! What a guest needs of the other parts of the host.

use std::path::PathBuf;

use super::cgroup::Pace;
use crate::{GuestId, ImageId, Interface, InterfaceId, Result, VolumeId};

/// A block device of this machine that a volume is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    pub major: u32,
    pub minor: u32,
    pub pace: Pace,
}

/// Calls block, and may be repeated.
pub trait Parts: Send + Sync {
    /// At start, before all else: who had what when the last haneul ended. Nobody has the rest.
    fn adopt(&self, held: &[(VolumeId, GuestId)]) -> Result<()>;

    /// Read-only trees, the upper ones first. They stay until the guest is forgotten or has
    /// another image.
    fn layers(&self, image: &ImageId, guest: &GuestId) -> Result<Vec<PathBuf>>;

    fn forget(&self, guest: &GuestId);

    /// Also says the limits that the volume has now.
    fn attach(&self, volume: &VolumeId, guest: &GuestId) -> Result<Disk>;

    fn detach(&self, volume: &VolumeId) -> Result<()>;

    /// The mounted root volume, with `upper` and `work` in it, and its device if it is one.
    fn mount_root(&self, volume: &VolumeId, guest: &GuestId) -> Result<(PathBuf, Option<Disk>)>;

    fn unmount_root(&self, volume: &VolumeId) -> Result<()>;

    /// Puts the interface into the network namespace of a process.
    fn plug(&self, interface: &Interface, pid: i32, name: &str, mbit: Option<u32>) -> Result<()>;

    fn unplug(&self, interface: &InterfaceId) -> Result<()>;

    fn answers(&self, interface: &Interface) -> Result<bool>;
}
