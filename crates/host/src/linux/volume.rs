//! Volumes are sparse files behind loop devices; those of roots hold an ext4.
//!
//! ```text
//! ZONE/volumes/vol-…/data          the bytes, as long as the volume
//!                    volume.json   limits
//! ZONE/snapshots/snap-….json       what a snapshot is made of, in two zones
//!               /chunks/ab/ab12…   512 KiB each, named by their SHA-256
//! DATA/host/roots/vol-…            where a root volume is mounted while a guest has it
//! ```
//!
//! A snapshot of a volume that is in use holds its file system still while the bytes are read,
//! at about a gigabyte a second, or only for a moment where the machine's file system can
//! clone files (xfs, btrfs). A device that a guest writes to without a file system is read
//! while nothing is written; see [`LinuxVolumes::pause_with`].

mod chunks;
mod ext4;
mod extents;
mod loop_device;
mod manifest;
mod record;
mod removal;
mod snapshot;
mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use aws::BoxFuture;

use super::durable::blocking;
use crate::{
    Error, GuestId, Result, SnapshotId, SnapshotSeen, Volume, VolumeId, VolumeSeen, Volumes,
};
pub(super) use removal::remove_all;
use store::Store;

/// A volume as the machine shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub path: PathBuf,
    pub major: u32,
    pub minor: u32,
}

/// `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VolumeLimits {
    pub iops: Option<u32>,
    pub throughput_mib: Option<u32>,
}

/// Runs the second while the guest stands still.
pub type Pause = Box<dyn Fn(&GuestId, &mut dyn FnMut()) + Send + Sync>;

pub struct LinuxVolumes {
    store: Arc<Store>,
    /// Taken at the end.
    finisher: Option<(Sender<SnapshotId>, JoinHandle<()>)>,
}

impl LinuxVolumes {
    /// What was being made or removed when the last process ended is gone when this returns.
    /// [`LinuxVolumes::adopt`] comes next.
    pub fn open(data: PathBuf, zones: [PathBuf; 3]) -> Result<Self> {
        let (store, unfinished) = Store::open(data, zones)?;
        let store = Arc::new(store);
        let (sender, receiver) = channel();
        unfinished.into_iter().for_each(|id| {
            let _ = sender.send(id);
        });
        let at_work = store.clone();
        let finisher = std::thread::Builder::new().name("snapshots".into());
        let finisher = finisher
            .spawn(move || finish(&at_work, &receiver))
            .map_err(|error| Error::NoRoom(error.to_string()))?;
        Ok(Self { store, finisher: Some((sender, finisher)) })
    }

    /// Says which guests live on from before; all other volumes are unmounted and detached.
    pub fn adopt(&self, held: &[(VolumeId, GuestId)]) -> Result<()> {
        self.store.adopt(held)
    }

    /// How guests are paused for a snapshot of a device that they write to without a file
    /// system. Without it such a snapshot waits for a moment without writes, and gives up.
    pub fn pause_with(&self, pause: Pause) {
        self.store.pause_with(pause);
    }

    /// Gives the guest the volume as a device; it is the only one that has it until
    /// [`LinuxVolumes::detach`]. The same device when the guest has it already.
    pub fn attach(&self, id: &VolumeId, guest: &GuestId) -> Result<Device> {
        self.store.attach(id, guest)
    }

    /// Also unmounts it. Does nothing when nobody has it.
    pub fn detach(&self, id: &VolumeId) -> Result<()> {
        self.store.detach(id)
    }

    /// Attaches and mounts a root volume, checked, grown to its size, with the folders `upper`
    /// and `work` in it.
    pub fn mount_root(&self, id: &VolumeId, guest: &GuestId) -> Result<PathBuf> {
        self.store.mount_root(id, guest)
    }

    /// Also detaches it.
    pub fn unmount_root(&self, id: &VolumeId) -> Result<()> {
        self.store.detach(id)
    }

    pub fn limits(&self, id: &VolumeId) -> Result<VolumeLimits> {
        self.store.limits(id)
    }

    fn run<'a, T: Send + 'static>(
        &self,
        act: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'a, Result<T>> {
        let store = self.store.clone();
        Box::pin(blocking(move || act(&store)))
    }
}

/// One at a time, so that many snapshots do not take the machine's disk from the guests.
fn finish(store: &Store, ids: &Receiver<SnapshotId>) {
    for id in ids {
        if let Err(error) = store.finish_snapshot(&id) {
            tracing::warn!(snapshot = %id, %error, "not in a second zone yet");
        }
    }
}

impl Drop for LinuxVolumes {
    fn drop(&mut self) {
        self.store.close();
        if let Some((sender, finisher)) = self.finisher.take() {
            drop(sender);
            let _ = finisher.join();
        }
    }
}

impl Volumes for LinuxVolumes {
    fn ensure_volume<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>> {
        let volume = volume.clone();
        self.run(move |store| store.ensure_volume(&volume))
    }

    fn volumes(&self) -> BoxFuture<'_, Result<Vec<VolumeSeen>>> {
        self.run(|store| store.volumes())
    }

    fn remove_volume<'a>(&'a self, id: &'a VolumeId) -> BoxFuture<'a, Result<()>> {
        let id = id.clone();
        self.run(move |store| store.remove_volume(&id))
    }

    fn ensure_snapshot<'a>(
        &'a self,
        id: &'a SnapshotId,
        volume: &'a VolumeId,
    ) -> BoxFuture<'a, Result<()>> {
        let (id, volume) = (id.clone(), volume.clone());
        let finisher = self.finisher.as_ref().map(|(sender, _)| sender.clone());
        self.run(move |store| {
            let is_finished = store.ensure_snapshot(&id, &volume)?;
            if let (false, Some(finisher)) = (is_finished, finisher) {
                let _ = finisher.send(id);
            }
            Ok(())
        })
    }

    fn snapshots(&self) -> BoxFuture<'_, Result<Vec<SnapshotSeen>>> {
        self.run(|store| Ok(store.snapshots()))
    }

    fn remove_snapshot<'a>(&'a self, id: &'a SnapshotId) -> BoxFuture<'a, Result<()>> {
        let id = id.clone();
        self.run(move |store| store.remove_snapshot(&id))
    }
}
