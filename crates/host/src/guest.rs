//! What a guest is asked to be, and what it is seen to be.

use std::fmt;
use std::net::Ipv4Addr;

use aws::Zone;

/// Raised and committed by the guest's owner before it acts; hosts refuse lower ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// The owner's name for it: `i-0123…`, a database node's.
    GuestId,
    ImageId,
    VolumeId,
    InterfaceId
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    pub id: GuestId,
    pub generation: Generation,
    pub zone: Zone,
    pub image: ImageId,
    pub volumes: Vec<VolumeMount>,
    pub interfaces: Vec<Interface>,
    pub limits: Limits,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeMount {
    pub volume: VolumeId,
    pub size_gib: u32,
    /// As EC2 names it: `/dev/xvda` is the root.
    pub device: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    pub interface: InterfaceId,
    pub private_address: Ipv4Addr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub cpus: u32,
    pub memory_mib: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestSeen {
    pub id: GuestId,
    pub generation: Generation,
    pub zone: Zone,
    pub status: GuestStatus,
    pub volumes: Vec<VolumeId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestStatus {
    Starting,
    Running,
    /// It ended by itself, or was stopped.
    Stopped,
    /// It cannot run, and starting it again will not help.
    Failed(String),
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
