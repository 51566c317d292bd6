//! How a host refuses.

use crate::{Generation, GuestId};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Somebody newer owns the guest. Whoever gets this has been replaced.
    #[error("generation {asked} of {guest} is refused: generation {newest} has been seen")]
    OldGeneration { guest: GuestId, asked: Generation, newest: Generation },
    /// The host cannot do it, and trying again will not help. The text says what would.
    #[error("the host refuses: {0}")]
    Refused(String),
    /// Not now: memory, disk or addresses are short.
    #[error("the host has no room: {0}")]
    NoRoom(String),
    /// It may or may not have happened; ask again.
    #[error("the host does not answer: {0}")]
    Unavailable(String),
}

pub type Result<T> = std::result::Result<T, Error>;
