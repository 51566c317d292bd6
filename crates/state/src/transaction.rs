//! One conditional change of several records: all of it, or nothing.

use std::sync::Arc;

use bytes::Bytes;

use crate::key::{Key, Scope};
use crate::record::{self, Record, Stored};
use crate::records::{self, key_of};
use crate::store::{self, Condition, LeaseId, Mutation, Revision, StateStore};

/// Gathers conditions and changes; nothing happens before [`Transaction::commit`].
#[must_use = "a transaction does nothing until it is committed"]
pub struct Transaction {
    store: Arc<dyn StateStore>,
    conditions: Vec<Condition>,
    mutations: Vec<Mutation>,
    unwritable: Option<CommitError>,
}

#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A record was changed since it was read, or exists that should be absent, or the other
    /// way round. Nothing happened: read again.
    #[error("a record of the transaction has changed meanwhile")]
    Conflict,
    /// Nothing happened; trying again is safe.
    #[error("the state store does not answer: {0}")]
    Unavailable(String),
    /// The transaction may or may not have happened; look before trying again.
    #[error("the outcome of a state transaction is unknown: {0}")]
    Unknown(String),
    /// Nothing happened, and nothing will.
    #[error("the transaction is refused: {0}")]
    Refused(store::Error),
    #[error("the record {key} cannot be written as JSON: {source}")]
    Unwritable { key: Key, source: serde_json::Error },
}

impl Transaction {
    pub(crate) fn on(store: Arc<dyn StateStore>) -> Self {
        Self { store, conditions: Vec::new(), mutations: Vec::new(), unwritable: None }
    }

    /// Conflicts when there is such a record already.
    pub fn create<R: Record>(&mut self, scope: &Scope, id: &str, record: &R) -> &mut Self {
        self.require_absent::<R>(scope, id).put(&key_of::<R>(scope, id), record, None)
    }

    /// As [`Self::create`]; the record goes when the lease ends.
    pub fn create_with_lease<R: Record>(
        &mut self,
        scope: &Scope,
        id: &str,
        record: &R,
        lease: LeaseId,
    ) -> &mut Self {
        self.require_absent::<R>(scope, id).put(&key_of::<R>(scope, id), record, Some(lease))
    }

    /// Conflicts when the record is no longer as it was read.
    pub fn update<R: Record>(&mut self, stored: &Stored<R>, record: &R) -> &mut Self {
        self.require_unchanged(stored).put(&stored.key, record, None)
    }

    /// Conflicts when the record is no longer as it was read.
    pub fn delete<R: Record>(&mut self, stored: &Stored<R>) -> &mut Self {
        self.mutations.push(Mutation::Delete { key: stored.key.encode() });
        self.require_unchanged(stored)
    }

    /// Conflicts when the record is no longer as it was read, and leaves it so.
    pub fn require_unchanged<R: Record>(&mut self, stored: &Stored<R>) -> &mut Self {
        self.require(Condition::ModifiedAt(stored.key.encode(), stored.revision))
    }

    pub fn require_absent<R: Record>(&mut self, scope: &Scope, id: &str) -> &mut Self {
        self.require(Condition::Absent(key_of::<R>(scope, id).encode()))
    }

    /// Whatever is there is overwritten.
    pub fn put_unconditionally<R: Record>(
        &mut self,
        scope: &Scope,
        id: &str,
        record: &R,
    ) -> &mut Self {
        self.put(&key_of::<R>(scope, id), record, None)
    }

    /// # Errors
    /// See [`CommitError`].
    pub async fn commit(self) -> Result<Revision, CommitError> {
        if let Some(unwritable) = self.unwritable {
            return Err(unwritable);
        }
        match self.store.txn(self.conditions, self.mutations).await {
            Ok(revision) => revision.ok_or(CommitError::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn put_bytes(&mut self, key: Bytes, value: Bytes) -> &mut Self {
        self.mutations.push(Mutation::Put { key, value, lease: None });
        self
    }

    pub(crate) fn require(&mut self, condition: Condition) -> &mut Self {
        self.conditions.push(condition);
        self
    }

    fn put<R: Record>(&mut self, key: &Key, record: &R, lease: Option<LeaseId>) -> &mut Self {
        match record::encode(record) {
            Ok(value) => self.mutations.push(Mutation::Put { key: key.encode(), value, lease }),
            Err(source) => {
                self.unwritable = Some(CommitError::Unwritable { key: key.clone(), source });
            }
        }
        self
    }
}

impl From<store::Error> for CommitError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unavailable(reason) => Self::Unavailable(reason),
            store::Error::Unknown(reason) => Self::Unknown(reason),
            refused => Self::Refused(refused),
        }
    }
}

impl From<CommitError> for aws::Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict | CommitError::Unavailable(_) => Self::unavailable(error),
            _ => Self::internal(error),
        }
    }
}

/// An error of [`crate::Records::retry`]'s attempt that may be a conflict. A service says it of its
/// own error where that wraps a [`CommitError`].
pub trait MayConflict {
    fn is_conflict(&self) -> bool;
}

impl MayConflict for CommitError {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict)
    }
}

/// True of an error that was made from [`CommitError::Conflict`].
impl MayConflict for aws::Error {
    fn is_conflict(&self) -> bool {
        let source = self.source.as_deref().and_then(|source| source.downcast_ref::<CommitError>());
        source.is_some_and(MayConflict::is_conflict)
    }
}

impl MayConflict for records::Error {
    fn is_conflict(&self) -> bool {
        false
    }
}
