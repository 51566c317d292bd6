//! What can go wrong.

/// A change that was not answered `Ok`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Certainly did not happen. Trying again is safe.
    #[error("the change was not taken: {0}")]
    Unavailable(String),
    /// May have happened.
    #[error("the change may or may not have happened: {0}")]
    Unknown(String),
    /// A key, value or change over its limit; a fault of the caller's code.
    #[error("the change is too large: {0}")]
    TooLarge(String),
    #[error(transparent)]
    Read(#[from] ReadError),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Too few zones can be read now; the bytes may well be whole.
    #[error("the zones that hold it cannot be read now: {0}")]
    Unavailable(String),
    /// No copy checks.
    #[error("no whole copy is left: {0}")]
    Lost(String),
    /// Nothing, or not any more, is kept under this id.
    #[error("there is no blob {0}")]
    NoSuchBlob(u64),
    /// The key given is not the one it was written with.
    #[error("the key does not open it")]
    WrongKey,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// No room in enough zones.
    #[error("the disks are full: {0}")]
    Full(String),
    /// Fewer zones than needed can be written.
    #[error("too few zones can be written: {0}")]
    Unavailable(String),
    /// More or fewer bytes were pushed than announced.
    #[error("{got} bytes came of {announced}")]
    Length { announced: u64, got: u64 },
}
