//! Images and snapshots that an account lets others use: `all`, or accounts by their ids.

use std::collections::BTreeSet;

use aws::{AccountId, Region};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Transaction};

use crate::Ec2;
use crate::error::{Error, Result};
use crate::id::Kind;

/// The group of every account.
pub const ALL: &str = "all";

/// By `REGION/ID`, of what is shared with anybody: where others find it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    pub owner: AccountId,
}

impl Record for Shared {
    const KIND: &'static str = "ec2.shared";
    const FORMAT: u32 = 1;
}

pub fn is_with(shared_with: &BTreeSet<String>, account: &AccountId) -> bool {
    shared_with.contains(ALL) || shared_with.contains(account.as_str())
}

/// Who is let in and who no longer is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub add: Vec<String>,
    pub remove: Vec<String>,
}

impl Change {
    /// The older form of such a request: everybody named is added, or everybody removed.
    ///
    /// # Errors
    /// For names without `OperationType`, or another one.
    pub fn one_way(&mut self, operation: Option<&str>, named: Vec<String>) -> Result<()> {
        match operation {
            _ if named.is_empty() => {}
            Some("add") => self.add.extend(named),
            Some("remove") => self.remove.extend(named),
            _ => return Err(Error::MissingParameter("operationType")),
        }
        Ok(())
    }

    /// # Errors
    /// `InvalidAMIAttributeItemValue` for what is no account and not `all`.
    pub fn check(&self) -> Result<()> {
        let unknown = |name: &&String| *name != ALL && name.parse::<AccountId>().is_err();
        match self.add.iter().chain(&self.remove).find(unknown) {
            None => Ok(()),
            Some(name) => {
                let message =
                    format!("Invalid attribute item value \"{name}\" for userId item type.");
                Err(Error::coded("InvalidAMIAttributeItemValue", message))
            }
        }
    }

    pub fn applied(&self, before: &BTreeSet<String>) -> BTreeSet<String> {
        let mut after = before.clone();
        after.extend(self.add.iter().cloned());
        after.retain(|name| !self.remove.contains(name));
        after
    }
}

fn key(region: &Region, id: &str) -> String {
    format!("{region}/{id}")
}

impl Ec2 {
    /// Writes where others find it, or that they no longer do.
    pub(crate) async fn share(
        &self,
        txn: &mut Transaction,
        region: &Region,
        id: &str,
        owner: &AccountId,
        with: &BTreeSet<String>,
    ) -> Result<()> {
        if with.is_empty() {
            return self.unshare(txn, region, id).await;
        }
        let shared = Shared { owner: owner.clone() };
        txn.put_unconditionally(&Scope::Haneul, &key(region, id), &shared);
        Ok(())
    }

    pub(crate) async fn unshare(
        &self,
        txn: &mut Transaction,
        region: &Region,
        id: &str,
    ) -> Result<()> {
        let found = self.records().get::<Shared>(&Scope::Haneul, &key(region, id)).await?;
        if let Some(found) = found {
            txn.delete(&found);
        }
        Ok(())
    }

    pub(crate) async fn owner_of_shared(
        &self,
        region: &Region,
        id: &str,
    ) -> Result<Option<AccountId>> {
        let found = self.records().get::<Shared>(&Scope::Haneul, &key(region, id)).await?;
        Ok(found.map(|found| found.record.owner))
    }

    /// The ids of a kind that are shared in a region, with their owners.
    pub(crate) async fn shared(
        &self,
        region: &Region,
        kind: Kind,
    ) -> Result<Vec<(String, AccountId)>> {
        let prefix = key(region, kind.prefix);
        let all = self.all::<Shared>(&Scope::Haneul, &format!("{prefix}-")).await?;
        let id = |key: &str| key.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(all.into_iter().map(|stored| (id(&stored.key.id), stored.record.owner)).collect())
    }
}
