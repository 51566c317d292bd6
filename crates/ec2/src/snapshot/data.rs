//! The host's snapshots and whose they are.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored, Transaction};

use super::Snapshot;
use crate::Ec2;
use crate::error::Result;

/// By the host's id: the records that use it, as `ACCOUNT/REGION/ID`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotData {
    pub users: BTreeSet<String>,
}

impl Record for SnapshotData {
    const KIND: &'static str = "ec2.snapshot-data";
    const FORMAT: u32 = 1;
}

fn user(scope: &Scope, id: &str) -> String {
    let account = scope.account().map(ToString::to_string).unwrap_or_default();
    let region = scope.region().map(ToString::to_string).unwrap_or_default();
    format!("{account}/{region}/{id}")
}

impl Ec2 {
    /// Creates a snapshot's record and counts it among the users of the host's bytes.
    pub(crate) async fn put_snapshot(
        &self,
        txn: &mut Transaction,
        scope: &Scope,
        snapshot: &Snapshot,
    ) -> Result<()> {
        txn.create(scope, &snapshot.id, snapshot);
        let user = user(scope, &snapshot.id);
        match self.snapshot_data(&snapshot.host).await? {
            Some(before) => {
                let mut data = before.record.clone();
                data.users.insert(user);
                txn.update(&before, &data);
            }
            None => {
                let users = BTreeSet::from([user]);
                txn.create(&Scope::Haneul, &snapshot.host, &SnapshotData { users });
            }
        }
        Ok(())
    }

    pub(super) async fn snapshot_data(&self, host: &str) -> Result<Option<Stored<SnapshotData>>> {
        Ok(self.records().get(&Scope::Haneul, host).await?)
    }
}

impl SnapshotData {
    pub(super) fn is_last_user(&self, scope: &Scope, id: &str) -> bool {
        self.users.iter().all(|other| *other == user(scope, id))
    }

    pub(super) fn without(&self, scope: &Scope, id: &str) -> Self {
        let mut data = self.clone();
        data.users.remove(&user(scope, id));
        data
    }
}
