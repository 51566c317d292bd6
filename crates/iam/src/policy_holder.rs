//! What users, groups and roles have in common: inline policies and attached managed ones.

use std::collections::{BTreeMap, BTreeSet};

use aws::{AccountId, Call};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::Iam;
use crate::error::{Error, InUse, Missing, Result};
use crate::name;
use crate::quota::Quota;

/// The permission policies of one user, group or role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    /// Name and document. Names count their case here.
    pub inline: BTreeMap<String, String>,
    /// ARNs of managed policies.
    pub attached: BTreeSet<String>,
}

impl Policies {
    /// # Errors
    /// `DeleteConflict` when the holder still has a policy.
    pub fn check_none(&self) -> Result<()> {
        if !self.attached.is_empty() {
            return Err(Error::DeleteConflict(InUse::AttachedPolicies));
        }
        if !self.inline.is_empty() {
            return Err(Error::DeleteConflict(InUse::InlinePolicies));
        }
        Ok(())
    }
}

/// A record that has policies: [`crate::user::User`], [`crate::group::Group`] and
/// [`crate::role::Role`].
pub trait PolicyHolder: Record {
    /// As AWS's sentences call it: `user`.
    const NOUN: &'static str;
    const ATTACHED_QUOTA: Quota;
    /// Characters of all inline policies together.
    const INLINE_SIZE_MAX: usize;

    fn name(&self) -> &str;
    fn policies(&self) -> &Policies;
    fn policies_mut(&mut self) -> &mut Policies;
    fn missing(name: &str) -> Missing;

    /// # Errors
    /// `UnmodifiableEntity` for a service-linked role.
    fn check_modifiable(&self) -> Result<()> {
        Ok(())
    }
}

impl Iam {
    /// # Errors
    /// `NoSuchEntity` when there is no user, group or role of that name.
    pub(crate) async fn holder<R: PolicyHolder>(
        &self,
        scope: &Scope,
        name: &str,
    ) -> Result<Stored<R>> {
        let found = self.records.get(scope, &name::key(name)).await?;
        found.ok_or_else(|| Error::NoSuchEntity(R::missing(name)))
    }

    /// Changes a user, group or role and nothing beside it. Returns the record as it is now.
    ///
    /// # Errors
    /// `NoSuchEntity` as [`Self::holder`], and what `change` refuses.
    pub(crate) async fn change_holder<R: PolicyHolder>(
        &self,
        call: &Call,
        name: &str,
        change: impl Fn(&mut R) -> Result<()>,
    ) -> Result<R> {
        let scope = scope(call.account()?);
        self.retry(async || {
            let stored: Stored<R> = self.holder(&scope, name).await?;
            let mut record = stored.record.clone();
            change(&mut record)?;
            let mut txn = self.records.transaction();
            txn.update(&stored, &record);
            txn.commit().await?;
            Ok(record)
        })
        .await
    }
}

/// Where an account's IAM records are: IAM has no regions.
pub fn scope(account: &AccountId) -> Scope {
    Scope::Global(account.clone())
}
