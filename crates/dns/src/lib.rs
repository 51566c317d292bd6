//! The DNS data plane: reads questions off sockets that it is handed, answers what its
//! [`Names`] know, and passes the rest on.
//!
//! It never reads the store and holds no names itself; who runs it hands it an object that
//! knows them. Behind it are the resolvers of VPCs.

mod answer;
mod forward;
mod serve;

use std::net::{IpAddr, Ipv4Addr};

pub use forward::{Forwarder, system_resolvers};
pub use serve::Server;

/// What somebody wants to know. Only of the Internet class: others are refused before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// In lower case, without the dot at its end.
    pub name: String,
    pub kind: Kind,
    pub from: IpAddr,
}

/// The kinds of record that names here have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    A,
    Ptr,
    /// Every other: a name that is ours has none of them.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Not empty.
    Addresses(Vec<Ipv4Addr>),
    Pointer(String),
    /// The name is ours and has no record of this kind.
    NoData,
    /// The name would be ours, and there is none such.
    NoName,
    /// Somebody else's.
    Elsewhere,
}

/// Who knows names.
pub trait Names: Send + Sync {
    fn find(&self, question: &Question) -> Found;
}

/// Seconds that an answer may be kept: as the resolvers of AWS say for instances' names.
pub const TTL_SECS: u32 = 60;
