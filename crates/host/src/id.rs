//! The caller's names for what a host keeps.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
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
    /// What a guest's files begin as: `system`, `bookworm`. Many AMIs stand on one.
    ImageId,
    /// `vol-0123…`.
    VolumeId,
    /// `snap-0123…`.
    SnapshotId,
    /// A VPC: `vpc-0123…`.
    NetworkId,
    /// `eni-0123…`.
    InterfaceId,
    /// A security group: `sg-0123…`.
    GroupId
}

/// Raised and committed by the guest's owner before it acts; hosts refuse lower ones.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Generation(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
