//! The trait that every backend keeps. Plain ordered bytes: no service sees more.

use std::time::Duration;

use bytes::Bytes;

use aws::BoxFuture;

/// Rises by one with every transaction that changes something. Zero is "before everything".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub u64);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    pub key: Bytes,
    pub value: Bytes,
    /// The revision that last wrote this key. Of a lock's key it is the fencing token.
    pub modified: Revision,
}

/// What must be true of a key for a transaction to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The key was last written at exactly this revision.
    ModifiedAt(Bytes, Revision),
    Absent(Bytes),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// With a lease, the key goes when the lease ends.
    Put {
        key: Bytes,
        value: Bytes,
        lease: Option<LeaseId>,
    },
    Delete {
        key: Bytes,
    },
}

/// Keys `start <= key < end` in byte order, as of one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    pub items: Vec<KeyValue>,
    pub revision: Revision,
    /// Whether keys beyond the limit were left out.
    pub more: bool,
}

/// One key's change. `value` is `None` when it was deleted or its lease ended. Events of one
/// transaction share its revision and come in the order of its mutations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub key: Bytes,
    pub value: Option<Bytes>,
    pub revision: Revision,
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Nothing happened; trying again is safe.
    #[error("the state store does not answer: {0}")]
    Unavailable(String),
    /// The transaction may or may not have happened; look before trying again.
    #[error("the outcome of a state transaction is unknown: {0}")]
    Unknown(String),
    /// The watch's start is no longer kept; list again.
    #[error("changes before revision {0:?} are no longer kept")]
    Compacted(Revision),
    #[error("the lease has ended")]
    LeaseEnded,
    /// A limit below was passed. Nothing happened.
    #[error("a state transaction is over a limit: {0}")]
    TooLarge(String),
    /// One transaction wrote a key twice. Nothing happened.
    #[error("a state transaction writes the key {0:?} twice")]
    WrittenTwice(Bytes),
}

/// Limits that every backend keeps, so that data moves between backends.
///
/// Distinct keys of a transaction's conditions and mutations together.
pub const KEYS_PER_TXN_MAX: usize = 64;
/// Keys and values of a transaction's conditions and mutations together.
pub const TXN_BYTES_MAX: usize = 512 * 1024;
pub const KEY_BYTES_MAX: usize = 1024;
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
pub const LEASE_TTL_MAX: Duration = Duration::from_secs(24 * 3600);
/// They go in one revision, so they are bounded.
pub const KEYS_PER_LEASE_MAX: usize = 1024;

/// Every implementation promises: linearizable transactions, all or nothing; strictly rising
/// revisions in commit order; ranges of one snapshot; watches in order, nothing lost or
/// doubled, resumable; leases on the engine's own clock whose keys go in one revision.
pub trait StateStore: Send + Sync {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<KeyValue>, Error>>;

    /// An empty `end` is past the last key.
    fn range<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> BoxFuture<'a, Result<Range, Error>>;

    /// `None` when a condition does not hold: nothing happened. A transaction that changes
    /// nothing (no mutations, or deletes of keys that are absent) answers the revision at
    /// which its conditions held.
    fn txn(
        &self,
        conditions: Vec<Condition>,
        mutations: Vec<Mutation>,
    ) -> BoxFuture<'_, Result<Option<Revision>, Error>>;

    /// Every change of keys with `prefix` after revision `after`, also across a restart, or
    /// [`Error::Compacted`].
    fn watch<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Revision,
    ) -> BoxFuture<'a, Result<Box<dyn Watch>, Error>>;

    /// Durable. The time runs on the engine's own clock, which users cannot turn; when the
    /// engine restarts, every lease has its whole `ttl` again.
    fn lease_grant(&self, ttl: Duration) -> BoxFuture<'_, Result<LeaseId, Error>>;
    /// `false` when the lease has ended already.
    fn lease_keep(&self, lease: LeaseId) -> BoxFuture<'_, Result<bool, Error>>;
    /// Its keys go in one revision. Of a lease that has ended: nothing.
    fn lease_revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), Error>>;
}

pub trait Watch: Send {
    /// The next change; waits for one. [`Error::Compacted`] when this watcher fell too far
    /// behind, [`Error::Unavailable`] when the store closed.
    fn next(&mut self) -> BoxFuture<'_, Result<Event, Error>>;
}
