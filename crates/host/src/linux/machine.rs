//! What guests are given by the other parts.

use std::path::PathBuf;

use super::guest::cgroup::Pace;
use super::guest::parts::{Disk, Parts};
use super::image::LinuxImages;
use super::network::LinuxNetworks;
use super::volume::{Device, LinuxVolumes};
use crate::{GuestId, ImageId, Interface, InterfaceId, Result, VolumeId};

/// The parts that guests stand on.
pub(super) struct Machine {
    pub(super) images: LinuxImages,
    pub(super) volumes: LinuxVolumes,
    pub(super) networks: LinuxNetworks,
}

impl Machine {
    fn disk(&self, volume: &VolumeId, device: &Device) -> Result<Disk> {
        let limits = self.volumes.limits(volume)?;
        let bytes_per_second = limits.throughput_mib.map(|mib| u64::from(mib) << 20);
        let pace = Pace { iops: limits.iops, bytes_per_second };
        Ok(Disk { major: device.major, minor: device.minor, pace })
    }
}

impl Parts for Machine {
    fn adopt(&self, held: &[(VolumeId, GuestId)]) -> Result<()> {
        self.volumes.adopt(held)
    }

    fn layers(&self, image: &ImageId, guest: &GuestId) -> Result<Vec<PathBuf>> {
        self.images.hold(image, guest)
    }

    fn forget(&self, guest: &GuestId) {
        self.images.release(guest);
    }

    fn attach(&self, volume: &VolumeId, guest: &GuestId) -> Result<Disk> {
        let device = self.volumes.attach(volume, guest)?;
        self.disk(volume, &device)
    }

    fn detach(&self, volume: &VolumeId) -> Result<()> {
        self.volumes.detach(volume)
    }

    fn mount_root(&self, volume: &VolumeId, guest: &GuestId) -> Result<(PathBuf, Option<Disk>)> {
        let folder = self.volumes.mount_root(volume, guest)?;
        let device = self.volumes.attach(volume, guest)?;
        Ok((folder, Some(self.disk(volume, &device)?)))
    }

    fn unmount_root(&self, volume: &VolumeId) -> Result<()> {
        self.volumes.unmount_root(volume)
    }

    fn plug(&self, interface: &Interface, pid: i32, name: &str, mbit: Option<u32>) -> Result<()> {
        let pid = pid.unsigned_abs();
        self.networks.plug(interface, pid, name, mbit)
    }

    fn unplug(&self, interface: &InterfaceId) -> Result<()> {
        self.networks.unplug(interface)
    }

    fn answers(&self, interface: &Interface) -> Result<bool> {
        self.networks.answers(&interface.network, interface.private_address)
    }
}
