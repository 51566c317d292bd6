//! Guests: what one is asked to be, and what it is seen to be.

use std::net::Ipv4Addr;
use std::time::Duration;

use aws::{BoxFuture, Zone};
use serde::{Deserialize, Serialize};

use crate::{Generation, GuestId, ImageId, InterfaceId, NetworkId, Result, VolumeId};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    pub id: GuestId,
    pub generation: Generation,
    pub zone: Zone,
    pub image: ImageId,
    pub hostname: String,
    /// The first is the root: what the guest writes over its image lies there.
    pub volumes: Vec<VolumeMount>,
    /// The first is `eth0`, which has the default route.
    pub interfaces: Vec<Interface>,
    pub limits: Limits,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeMount {
    pub volume: VolumeId,
    /// As EC2 names it: `/dev/xvda`.
    pub device: String,
}

/// A network card of a guest. What may pass through it is the network's matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    pub interface: InterfaceId,
    pub network: NetworkId,
    pub mac: [u8; 6],
    pub private_address: Ipv4Addr,
    /// Of the subnet.
    pub prefix_len: u8,
    /// The subnet's router: its first address.
    pub gateway: Ipv4Addr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub cpus: u32,
    pub memory_mib: u32,
    pub processes_max: u32,
    /// Both ways, each; `None` for no limit.
    pub bandwidth_mbit: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestSeen {
    pub id: GuestId,
    pub generation: Generation,
    pub zone: Zone,
    pub status: GuestStatus,
    pub volumes: Vec<VolumeId>,
    pub interfaces: Vec<InterfaceId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestStatus {
    Starting,
    Running,
    /// Its first process ended by itself, or it was stopped.
    Stopped,
    /// It cannot run, and starting it again will not help.
    Failed(String),
}

pub trait Guests: Send + Sync {
    /// Makes the guest as described and starts it; does nothing when it is so already. A
    /// higher generation replaces the guest of a lower one, which is stopped before; its
    /// volumes are kept. Of the same generation, volumes after the first and interfaces after
    /// the first are attached to and detached from the running guest; nothing else of it may
    /// differ. Answers when the start has begun: see [`Guests::guests`].
    ///
    /// Image, volumes and networks must be there before.
    fn ensure_guest<'a>(&'a self, guest: &'a Guest) -> BoxFuture<'a, Result<()>>;

    /// Asks the guest to end and ends it when `grace` is over; zero ends it at once. When this
    /// answers, nothing of the guest runs. Does nothing when there is none.
    fn stop_guest<'a>(
        &'a self,
        id: &'a GuestId,
        generation: Generation,
        grace: Duration,
    ) -> BoxFuture<'a, Result<()>>;

    /// Ends the guest at once and forgets it, not its volumes. Does nothing when there is
    /// none. Its newest generation is remembered, so that a late call cannot bring it back.
    fn remove_guest<'a>(
        &'a self,
        id: &'a GuestId,
        generation: Generation,
    ) -> BoxFuture<'a, Result<()>>;

    /// All guests of the host, in the order of their ids.
    fn guests(&self) -> BoxFuture<'_, Result<Vec<GuestSeen>>>;

    fn guest<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<Option<GuestSeen>>>;

    /// Says which guest began to run or ended, soon after. One may be missed or said twice.
    fn guest_changes(&self) -> tokio::sync::broadcast::Receiver<GuestId>;

    /// The newest at most 64 KiB that the guest has written to its console, across its lives.
    fn console<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<Vec<u8>>>;

    /// Whether the guest answers on its network, asked now from the subnet's router.
    fn is_reachable<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<bool>>;
}
