//! The machine itself, by its kernel: namespaces, overlay, cgroups, nftables, loop devices. No
//! daemon, no download.
//!
//! Four parts, each with the trait's half of its name and a few calls for the others:
//! [`image`] keeps read-only trees; [`volume`] files with file systems, behind loop devices;
//! [`network`] one namespace a VPC and one router between them and the machine; [`guest`]
//! joins all three into running guests.

mod durable;
pub mod guest;
pub mod image;
mod locks;
pub mod network;
pub mod volume;

use std::path::PathBuf;

use ipnet::Ipv4Net;

/// Where a region keeps what its machine holds, and what its guests begin with.
#[derive(Clone, Debug)]
pub struct Options {
    /// For images, roots and guests: `DATA/host`.
    pub data: PathBuf,
    /// The folders of the zones; a volume lies in its zone's.
    pub zones: [PathBuf; 3],
    /// What public addresses are taken from.
    pub public_pool: Ipv4Net,
    /// Short, and of this data folder alone: a part of every name that the kernel keeps for the
    /// region, so that two regions on a machine never meet and leftovers have an owner.
    pub name: String,
    pub init: Init,
}

/// The first process of every guest.
#[derive(Clone, Debug)]
pub struct Init {
    /// A program of this machine. It is brought into the guest with the libraries it needs.
    pub binary: PathBuf,
    pub arguments: Vec<String>,
}

/// To be called first in `main` by every binary that runs guests, before there is a second
/// thread: does the work of the process when this binary was started to do a host's work, and
/// returns when it was not.
pub fn entry() {
    guest::entry();
}
