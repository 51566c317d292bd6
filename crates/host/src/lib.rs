//! Touching the machine: guests, images, volumes and networks, behind one trait.
//!
//! A guest is what an EC2 instance and a database node both are: an image, volumes, network
//! interfaces, limits and a generation. Calls are idempotent and named by the caller's ids,
//! so that whoever lost a reply asks again. A host keeps no wishes of its own: what should
//! be there is in the records of the control plane.
//!
//! [`linux`] is this machine, [`absent`] none. [`fake`] is a host for tests that is slow, fails, loses replies and dies on demand.

pub mod absent;
pub mod error;
pub mod fake;
pub mod guest;
pub mod id;
pub mod image;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod network;
pub mod volume;

use aws::{BoxFuture, Zone};

pub use absent::{Absent, PUBLIC_POOL};
pub use error::{Error, Result};
pub use guest::{Guest, GuestSeen, GuestStatus, Guests, Interface, Limits, VolumeMount};
pub use id::{Generation, GroupId, GuestId, ImageId, InterfaceId, NetworkId, SnapshotId, VolumeId};
pub use image::{Image, ImageSeen, ImageSource, ImageStatus, Images};
pub use network::{
    Network, NetworkInterface, Networks, Peer, Route, RouteTarget, Rule, SecurityGroup, Subnet,
    Traffic,
};
pub use volume::{SnapshotSeen, Volume, VolumeContent, VolumeSeen, Volumes};

/// The machine, or a fake of it. Every call that changes something may have happened although
/// it answers [`Error::Unavailable`].
pub trait Host: Guests + Images + Volumes + Networks {
    /// Why no guest can run here and what to do about it; `None` when they can. Answers from
    /// memory.
    fn lacks(&self) -> Option<String>;

    /// What guests could be given now. Answers without waiting.
    fn room(&self) -> Room;

    /// Off ends the zone's guests and starts no more there until it is on again.
    fn power<'a>(&'a self, zone: Zone, power: Power) -> BoxFuture<'a, Result<()>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub cpus: u32,
    pub memory_mib: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    On,
    Off,
}
