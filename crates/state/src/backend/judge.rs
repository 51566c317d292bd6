//! Judges a transaction against the newest state: what readers may see, plus the changes
//! that are on their way to the disk.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;

use super::table::{Change, Table};
use crate::store::{
    Condition, Error, KEY_BYTES_MAX, KEYS_PER_LEASE_MAX, KEYS_PER_TXN_MAX, LEASE_TTL_MAX, LeaseId,
    Mutation, Revision, TXN_BYTES_MAX, VALUE_BYTES_MAX,
};

/// The changes that are judged and not yet in the table.
#[derive(Default)]
pub(super) struct Judge {
    revision: Revision,
    last_lease: LeaseId,
    underway: HashMap<Bytes, Underway>,
    ending: HashSet<LeaseId>,
}

/// What a key will be once every change underway is in the table.
struct Underway {
    /// The newest change underway that writes this key.
    by: Revision,
    /// `None`: it will be absent.
    modified: Option<Revision>,
    lease: Option<LeaseId>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A condition does not hold.
    Conflict,
    /// The conditions hold and nothing changes.
    Unchanged(Revision),
    Change(Change),
}

impl Judge {
    /// Starts with nothing underway.
    pub(super) fn at(table: &Table) -> Self {
        Self { revision: table.revision, last_lease: table.last_lease, ..Self::default() }
    }

    /// Conditions are looked at in order. A verdict that is a change is underway from now on.
    ///
    /// # Errors
    /// Over a limit, a key written twice, or a lease that is not alive.
    pub(super) fn txn(
        &mut self,
        table: &Table,
        conditions: &[Condition],
        mut mutations: Vec<Mutation>,
        alive: impl Fn(LeaseId) -> bool,
    ) -> Result<Verdict, Error> {
        within_limits(conditions, &mutations)?;
        if !conditions.iter().all(|condition| self.holds(table, condition)) {
            return Ok(Verdict::Conflict);
        }
        self.leases_take(table, &mutations, alive)?;
        mutations.retain(|mutation| match mutation {
            Mutation::Put { .. } => true,
            Mutation::Delete { key } => self.modified(table, key).is_some(),
        });
        if mutations.is_empty() {
            return Ok(Verdict::Unchanged(self.revision));
        }
        let revision = self.next_revision();
        for mutation in &mutations {
            let (key, modified, lease) = match mutation {
                Mutation::Put { key, lease, .. } => (key, Some(revision), *lease),
                Mutation::Delete { key } => (key, None, None),
            };
            self.underway.insert(key.clone(), Underway { by: revision, modified, lease });
        }
        Ok(Verdict::Change(Change::Write { revision, mutations }))
    }

    pub(super) fn grant(&mut self, ttl: Duration) -> Result<(LeaseId, Change), Error> {
        if ttl > LEASE_TTL_MAX {
            return Err(Error::TooLarge(format!("a lease of {ttl:?}, at most {LEASE_TTL_MAX:?}")));
        }
        self.last_lease.0 += 1;
        let lease = self.last_lease;
        Ok((lease, Change::Grant { lease, ttl }))
    }

    /// `None` when the lease has ended already.
    pub(super) fn end(&mut self, table: &Table, lease: LeaseId) -> Option<Change> {
        if !table.leases.contains_key(&lease) || !self.ending.insert(lease) {
            return None;
        }
        let keys = self.keys_of(table, lease);
        let revision = self.next_revision();
        for key in keys {
            let gone = Underway { by: revision, modified: None, lease: None };
            self.underway.insert(key, gone);
        }
        Some(Change::End { revision, lease })
    }

    /// The change is in the table now.
    pub(super) fn done(&mut self, change: &Change) {
        match change {
            Change::Write { revision, mutations } => {
                for mutation in mutations {
                    let (Mutation::Put { key, .. } | Mutation::Delete { key }) = mutation;
                    if self.underway.get(key).is_some_and(|underway| underway.by == *revision) {
                        self.underway.remove(key);
                    }
                }
            }
            Change::Grant { .. } => {}
            Change::End { revision, lease } => {
                self.underway.retain(|_, underway| underway.by != *revision);
                self.ending.remove(lease);
            }
        }
    }

    fn next_revision(&mut self) -> Revision {
        self.revision.0 += 1;
        self.revision
    }

    fn holds(&self, table: &Table, condition: &Condition) -> bool {
        match condition {
            Condition::ModifiedAt(key, revision) => self.modified(table, key) == Some(*revision),
            Condition::Absent(key) => self.modified(table, key).is_none(),
        }
    }

    fn modified(&self, table: &Table, key: &Bytes) -> Option<Revision> {
        match self.underway.get(key) {
            Some(underway) => underway.modified,
            None => table.records.get(key).map(|entry| entry.modified),
        }
    }

    fn leases_take(
        &self,
        table: &Table,
        mutations: &[Mutation],
        alive: impl Fn(LeaseId) -> bool,
    ) -> Result<(), Error> {
        let mut taken: HashMap<LeaseId, usize> = HashMap::new();
        for mutation in mutations {
            if let Mutation::Put { lease: Some(lease), .. } = mutation {
                *taken.entry(*lease).or_default() += 1;
            }
        }
        for (lease, keys) in taken {
            let known = table.leases.contains_key(&lease) && !self.ending.contains(&lease);
            if !known || !alive(lease) {
                return Err(Error::LeaseEnded);
            }
            if self.keys_of(table, lease).len() + keys > KEYS_PER_LEASE_MAX {
                let message = format!("more than {KEYS_PER_LEASE_MAX} keys of one lease");
                return Err(Error::TooLarge(message));
            }
        }
        Ok(())
    }

    fn keys_of(&self, table: &Table, lease: LeaseId) -> Vec<Bytes> {
        let settled = table.leases.get(&lease).into_iter().flat_map(|lease| &lease.keys);
        let settled = settled.filter(|key| !self.underway.contains_key(*key));
        let underway = self.underway.iter().filter(|(_, u)| u.lease == Some(lease));
        settled.chain(underway.map(|(key, _)| key)).cloned().collect()
    }
}

fn within_limits(conditions: &[Condition], mutations: &[Mutation]) -> Result<(), Error> {
    let mut keys = BTreeSet::new();
    let mut bytes = 0;
    for mutation in mutations {
        let (key, value_len) = match mutation {
            Mutation::Put { key, value, .. } => (key, value.len()),
            Mutation::Delete { key } => (key, 0),
        };
        if value_len > VALUE_BYTES_MAX {
            let message = format!("a value of {value_len} bytes, at most {VALUE_BYTES_MAX}");
            return Err(Error::TooLarge(message));
        }
        if !keys.insert(key) {
            return Err(Error::WrittenTwice(key.clone()));
        }
        bytes += key.len() + value_len;
    }
    for condition in conditions {
        let (Condition::ModifiedAt(key, _) | Condition::Absent(key)) = condition;
        keys.insert(key);
        bytes += key.len();
    }
    if let Some(key) = keys.iter().find(|key| key.len() > KEY_BYTES_MAX) {
        let message = format!("a key of {} bytes, at most {KEY_BYTES_MAX}", key.len());
        return Err(Error::TooLarge(message));
    }
    if keys.len() > KEYS_PER_TXN_MAX {
        let message = format!("{} keys, at most {KEYS_PER_TXN_MAX}", keys.len());
        return Err(Error::TooLarge(message));
    }
    if bytes > TXN_BYTES_MAX {
        return Err(Error::TooLarge(format!("{bytes} bytes, at most {TXN_BYTES_MAX}")));
    }
    Ok(())
}
