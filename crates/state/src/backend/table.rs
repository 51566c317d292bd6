//! Records and leases as of one revision, in memory. No I/O: a change comes in, events
//! come out, and the same changes in the same order always make the same table.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::Duration;

use bytes::Bytes;

use crate::store::{Event, KeyValue, LeaseId, Mutation, Range, Revision};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// How many changes made it, lease grants among them.
    pub(super) number: u64,
    pub(super) revision: Revision,
    pub(super) records: BTreeMap<Bytes, Entry>,
    pub(super) leases: BTreeMap<LeaseId, Lease>,
    /// The newest lease id ever given, so that none is given twice.
    pub(super) last_lease: LeaseId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) value: Bytes,
    pub(super) modified: Revision,
    pub(super) lease: Option<LeaseId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) ttl: Duration,
    pub(super) keys: BTreeSet<Bytes>,
}

/// What happened, already judged: applying it cannot fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Write {
        revision: Revision,
        mutations: Vec<Mutation>,
    },
    Grant {
        lease: LeaseId,
        ttl: Duration,
    },
    /// The lease is revoked or its time is over. Its keys are those it has here.
    End {
        revision: Revision,
        lease: LeaseId,
    },
}

impl Change {
    /// `None` of a change that takes no revision.
    pub(super) fn revision(&self) -> Option<Revision> {
        match self {
            Self::Write { revision, .. } | Self::End { revision, .. } => Some(*revision),
            Self::Grant { .. } => None,
        }
    }
}

impl Table {
    pub(super) fn get(&self, key: &[u8]) -> Option<KeyValue> {
        let (key, entry) = self.records.get_key_value(key)?;
        Some(KeyValue { key: key.clone(), value: entry.value.clone(), modified: entry.modified })
    }

    pub(super) fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Range {
        let revision = self.revision;
        if !end.is_empty() && start >= end {
            return Range { items: Vec::new(), revision, more: false };
        }
        let end = if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(end) };
        let mut found = self.records.range::<[u8], _>((Bound::Included(start), end));
        let items = found
            .by_ref()
            .take(limit)
            .map(|(key, entry)| KeyValue {
                key: key.clone(),
                value: entry.value.clone(),
                modified: entry.modified,
            })
            .collect();
        Range { items, revision, more: found.next().is_some() }
    }

    pub(super) fn apply(&mut self, change: &Change) -> Vec<Event> {
        self.number += 1;
        match change {
            Change::Write { revision, mutations } => {
                self.revision = *revision;
                mutations.iter().map(|mutation| self.mutate(*revision, mutation)).collect()
            }
            Change::Grant { lease, ttl } => {
                self.last_lease = self.last_lease.max(*lease);
                self.leases.insert(*lease, Lease { ttl: *ttl, keys: BTreeSet::new() });
                Vec::new()
            }
            Change::End { revision, lease } => {
                self.revision = *revision;
                let keys = self.leases.remove(lease).map(|lease| lease.keys).unwrap_or_default();
                keys.into_iter()
                    .map(|key| self.mutate(*revision, &Mutation::Delete { key }))
                    .collect()
            }
        }
    }

    fn mutate(&mut self, revision: Revision, mutation: &Mutation) -> Event {
        match mutation {
            Mutation::Put { key, value, lease } => {
                let entry = Entry { value: value.clone(), modified: revision, lease: *lease };
                let before = self.records.insert(key.clone(), entry);
                self.detach(key, before);
                if let Some(lease) = lease.and_then(|lease| self.leases.get_mut(&lease)) {
                    lease.keys.insert(key.clone());
                }
                Event { key: key.clone(), value: Some(value.clone()), revision }
            }
            Mutation::Delete { key } => {
                let before = self.records.remove(key);
                self.detach(key, before);
                Event { key: key.clone(), value: None, revision }
            }
        }
    }

    fn detach(&mut self, key: &Bytes, before: Option<Entry>) {
        let lease = before.and_then(|entry| entry.lease);
        if let Some(lease) = lease.and_then(|lease| self.leases.get_mut(&lease)) {
            lease.keys.remove(key);
        }
    }
}
