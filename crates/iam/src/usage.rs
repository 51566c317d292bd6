//! How many of each thing an account has, so that its quotas hold exactly.

use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored, Transaction};

use crate::Iam;
use crate::error::{Error, Limit, Result};
use crate::quota::Quota;

/// Changed in the same transaction as what it counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub users: usize,
    pub groups: usize,
    pub roles: usize,
    pub instance_profiles: usize,
    pub policies: usize,
}

impl Record for Usage {
    const KIND: &'static str = "iam.usage";
    const FORMAT: u32 = 1;
}

/// One for each account.
const ID: &str = "usage";

impl Usage {
    fn of(&mut self, quota: Quota) -> Option<&mut usize> {
        match quota {
            Quota::UsersPerAccount => Some(&mut self.users),
            Quota::GroupsPerAccount => Some(&mut self.groups),
            Quota::RolesPerAccount => Some(&mut self.roles),
            Quota::InstanceProfilesPerAccount => Some(&mut self.instance_profiles),
            Quota::PoliciesPerAccount => Some(&mut self.policies),
            _ => None,
        }
    }
}

impl Iam {
    pub(crate) async fn usage(&self, scope: &Scope) -> Result<Usage> {
        let stored = self.records.get::<Usage>(scope, ID).await?;
        Ok(stored.map(|stored| stored.record).unwrap_or_default())
    }

    /// Counts one more, to be committed with what is created.
    ///
    /// # Errors
    /// `LimitExceeded` when the account has as many as it may.
    pub(crate) async fn count_up(
        &self,
        txn: &mut Transaction,
        scope: &Scope,
        quota: Quota,
    ) -> Result<()> {
        self.recount(txn, scope, quota, |count| {
            if *count >= quota.max() {
                return Err(Error::LimitExceeded(Limit::Quota(quota)));
            }
            *count += 1;
            Ok(())
        })
        .await
    }

    /// Counts one less, to be committed with what is deleted.
    pub(crate) async fn count_down(
        &self,
        txn: &mut Transaction,
        scope: &Scope,
        quota: Quota,
    ) -> Result<()> {
        self.recount(txn, scope, quota, |count| {
            *count = count.saturating_sub(1);
            Ok(())
        })
        .await
    }

    async fn recount(
        &self,
        txn: &mut Transaction,
        scope: &Scope,
        quota: Quota,
        change: impl FnOnce(&mut usize) -> Result<()>,
    ) -> Result<()> {
        let stored: Option<Stored<Usage>> = self.records.get(scope, ID).await?;
        let mut usage = stored.as_ref().map(|stored| stored.record.clone()).unwrap_or_default();
        let count = usage
            .of(quota)
            .ok_or_else(|| Error::Internal(format!("{} is not counted", quota.name())))?;
        change(count)?;
        match &stored {
            Some(stored) => txn.update(stored, &usage),
            None => txn.create(scope, ID, &usage),
        };
        Ok(())
    }
}
