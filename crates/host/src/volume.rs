//! Volumes and their snapshots.

use aws::{BoxFuture, Zone};

use crate::{Result, SnapshotId, VolumeId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    pub id: VolumeId,
    pub zone: Zone,
    pub size_gib: u32,
    pub content: VolumeContent,
    /// `None` for no limit.
    pub iops: Option<u32>,
    pub throughput_mib: Option<u32>,
}

/// What a new volume begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeContent {
    /// Zeros: the guest makes a file system on it.
    Blank,
    /// A file system that takes what a guest writes over its image.
    Root,
    Snapshot(SnapshotId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeSeen {
    pub id: VolumeId,
    pub zone: Zone,
    pub size_gib: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotSeen {
    pub id: SnapshotId,
    /// 100: it no longer needs its volume, and volumes can be made of it.
    pub percent: u8,
    pub size_gib: u32,
    /// What this snapshot alone added to the store.
    pub own_bytes: u64,
}

pub trait Volumes: Send + Sync {
    /// Makes the volume, or brings size and limits of the one there to these. Attached ones
    /// grow while they are used. Refused when it would shrink.
    fn ensure_volume<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>>;

    fn volumes(&self) -> BoxFuture<'_, Result<Vec<VolumeSeen>>>;

    /// Refused while a guest has it. Does nothing when there is none.
    fn remove_volume<'a>(&'a self, id: &'a VolumeId) -> BoxFuture<'a, Result<()>>;

    /// Takes the volume's bytes as they are now; answers when that moment is held, and copies
    /// on by itself. Does nothing when there is a snapshot of this id.
    fn ensure_snapshot<'a>(
        &'a self,
        id: &'a SnapshotId,
        volume: &'a VolumeId,
    ) -> BoxFuture<'a, Result<()>>;

    fn snapshots(&self) -> BoxFuture<'_, Result<Vec<SnapshotSeen>>>;

    /// Other snapshots and the volumes made of it keep their bytes. Does nothing when there
    /// is none.
    fn remove_snapshot<'a>(&'a self, id: &'a SnapshotId) -> BoxFuture<'a, Result<()>>;
}
