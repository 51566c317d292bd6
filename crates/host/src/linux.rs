//! The machine itself, by its kernel: namespaces, overlay, cgroups, nftables, loop devices. No
//! daemon, no download.
//!
//! Four parts, each with the trait's half of its name and a few calls for the others:
//! [`image`] keeps read-only trees; [`volume`] files with file systems, behind loop devices;
//! [`network`] one namespace a VPC and one router between them and the machine; [`guest`]
//! joins all three into running guests.

pub mod guest;
pub mod image;
pub mod network;
pub mod volume;
