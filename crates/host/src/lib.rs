//! Touching the machine: guests and their volumes, behind one trait.
//!
//! A guest is what an EC2 instance and a database node both are: an image, volumes, network
//! interfaces, limits and a generation. Calls are idempotent and named by the caller's ids,
//! so that whoever lost a reply asks again. A host keeps no wishes of its own: what should
//! be there is in the records of the control plane.
//!
//! [`fake`] is a host for tests that is slow, fails, loses replies and dies on demand.

pub mod fake;
pub mod guest;

use aws::BoxFuture;

pub use guest::{
    Generation, Guest, GuestId, GuestSeen, GuestStatus, ImageId, Interface, InterfaceId, Limits,
    VolumeId, VolumeMount,
};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Somebody newer owns the guest. Whoever gets this has been replaced.
    #[error("generation {asked} of {guest} is refused: generation {newest} has been seen")]
    OldGeneration { guest: GuestId, asked: Generation, newest: Generation },
    /// The host cannot do it, and trying again will not help.
    #[error("the host refuses: {0}")]
    Refused(String),
    /// It may or may not have happened; ask again.
    #[error("the host does not answer: {0}")]
    Unavailable(String),
}

/// The machine, or a fake of it. Every call may have happened although it answers
/// [`Error::Unavailable`].
pub trait Host: Send + Sync {
    /// Makes the guest as described and starts it; does nothing when it is so already. A
    /// higher generation replaces the guest of a lower one, which is stopped before; its
    /// volumes are kept. Answers when the start has begun: see [`Host::guests`].
    fn ensure_guest<'a>(&'a self, guest: &'a Guest) -> BoxFuture<'a, Result<(), Error>>;

    /// When this answers, nothing of the guest runs. Does nothing when there is none.
    fn stop_guest<'a>(
        &'a self,
        id: &'a GuestId,
        generation: Generation,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Stops and forgets the guest, not its volumes. Does nothing when there is none. Its
    /// newest generation is remembered, so that a late call cannot bring it back.
    fn remove_guest<'a>(
        &'a self,
        id: &'a GuestId,
        generation: Generation,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// All guests of the host, in the order of their ids.
    fn guests(&self) -> BoxFuture<'_, Result<Vec<GuestSeen>, Error>>;

    fn guest<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<Option<GuestSeen>, Error>>;

    /// Volumes are made when a guest first names them and outlive it until this. Refused
    /// while a guest has it.
    fn remove_volume<'a>(&'a self, id: &'a VolumeId) -> BoxFuture<'a, Result<(), Error>>;
}
