//! Who may do what: IAM and STS.
//!
//! # Promises
//! - An acknowledged change is in the state store, and the next request already meets it:
//!   nothing is kept beside the store but what a look at its revisions confirms each time
//!   ([`authorizer`]).
//! - Names are unique in their account whatever their case. Unique ids are never used twice;
//!   what was made of one (a session, a trust) does not pass to a later namesake.
//! - Quotas and delete conflicts hold under races, because each operation is one transaction
//!   with a condition on every record it decides by. (Whom a trust policy names is looked up
//!   before: one deleted meanwhile is merely trusted in vain.)
//! - Secrets are stored, and neither printed nor logged.
//!
//! # Records
//! All in the account's global scope, by lower-case name unless said otherwise:
//! `iam.user`, `iam.group`, `iam.role`, `iam.unique-id` (of a user or group, to its name),
//! `iam.instance-profile`, `iam.policy`, `iam.policy-version` (`name/number`),
//! `iam.aws-policy-use` (how often an AWS-managed policy is used; by policy name),
//! `iam.access-key` (by id), `iam.usage`, `iam.password-policy`, `iam.deletion-task`.
//! In haneul's own scope: `iam.account` (by number), `iam.account-alias`, `iam.region-secret`.
//!
//! # Invariants
//! - A group's, policy's or role's count of members, attachments or profiles is changed in
//!   the transaction that changes the other side.
//! - An access key's record and its owner's list of keys agree.
//! - Temporary credentials have no record: a session token is sealed and says all
//!   ([`sts::session`]), so nothing needs cleaning up.
//!
//! # Absent on purpose
//! MFA devices, SSH keys, signing and server certificates, identity providers: their create
//! operations are refused by name, and so the lists of them are empty.
//!
//! Start reading at [`user`], then [`policy_holder`], [`managed_policy`], [`credentials`].

pub mod error;
pub mod model;

pub mod accounts;
pub mod user;

pub mod access_key;
pub mod aws_managed_policy;
pub mod group;
pub mod instance_profile;
pub mod login_profile;
pub mod managed_policy;
pub mod policy_version;
pub mod role;
pub mod service_linked_role;
pub mod trust_policy;
pub mod user_credential;

pub mod attachment;
pub mod inline_policy;
pub mod permissions_boundary;
pub mod policy_holder;

pub mod account_alias;
pub mod account_summary;
pub mod authorization_details;
pub mod password_policy;

pub mod credentials;
mod decoded;
pub mod last_used;
pub mod sts;

pub mod authorization;
pub mod authorizer;
pub mod operations;
pub mod simulate;

pub mod document;
pub mod id;
pub mod kinds;
pub mod name;
pub mod page;
pub mod quota;
pub mod region_secret;
pub mod secret;
pub mod tag;
pub mod usage;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use aws::Random;
use aws::page::PageTokens;
use state::Records;

use crate::error::Result;
use crate::last_used::LastUsed;

pub use crate::accounts::Accounts;
pub use crate::authorizer::Authorizer;
pub use crate::credentials::Keyring;
pub use crate::error::Error;
pub use crate::kinds::kinds;
pub use crate::sts::Sts;

/// The service IAM. Cheap to clone.
#[derive(Clone)]
pub struct Iam {
    records: Records,
    random: Arc<Random>,
    last_used: Arc<LastUsed>,
    /// Held while something counted ([`usage`]) is created or deleted, so that such requests
    /// queue here instead of failing each other's condition on the one counter.
    counting: Arc<tokio::sync::Mutex<()>>,
    /// Made when the first list is asked for.
    page_tokens: Arc<tokio::sync::OnceCell<Arc<PageTokens>>>,
}

impl Iam {
    pub fn new(records: Records, random: Arc<Random>) -> Self {
        Self {
            records,
            random,
            last_used: Default::default(),
            counting: Default::default(),
            page_tokens: Default::default(),
        }
    }

    /// Runs an attempt again while what it read is changed before its commit.
    pub(crate) async fn retry<T, F>(&self, attempt: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        self.records.retry(attempt).await
    }

    /// As [`Self::retry`], for attempts that change the account's counts.
    pub(crate) async fn retry_counting<T, F>(&self, attempt: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let _turn = self.counting.lock().await;
        self.records.retry(attempt).await
    }
}
