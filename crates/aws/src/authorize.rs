//! What must be allowed before an operation runs.

use std::sync::Arc;

use crate::{AccountId, BoxFuture, Call, Error};

/// One question to the policy engine. An operation asks as many as it touches resources;
/// all must be allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// `service:Operation` as in the Service Authorization Reference.
    pub action: String,
    /// The resource's ARN, or `*` where the action has no resource.
    pub resource: String,
    /// Who owns the resource; `None` when it is the caller's own account.
    pub resource_account: Option<AccountId>,
    /// Values of service and resource condition keys (`aws:ResourceTag/env`, `iam:PolicyARN`).
    /// Global keys about the caller and the request are added by the engine.
    pub context: Vec<(String, Vec<String>)>,
    /// The documents of the policies attached to the resource: a trust policy, or a bucket's
    /// policy and what its access control list grants. They are weighed as if they were one.
    /// Shared, because a service keeps them and the authorizer keeps what it read of them.
    pub resource_policies: Vec<Arc<str>>,
}

impl Check {
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            resource_account: None,
            context: Vec::new(),
            resource_policies: Vec::new(),
        }
    }

    #[must_use]
    pub fn with(mut self, key: impl Into<String>, values: Vec<String>) -> Self {
        self.context.push((key.into(), values));
        self
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    /// AWS's sentence: `User: ARN is not authorized to perform: … because …`.
    Denied {
        message: String,
    },
}

/// The policy engine, as every service sees it. Implemented by `iam`.
pub trait Authorizer: Send + Sync {
    /// # Errors
    /// Only when the policies cannot be read; a refusal is a [`Decision`].
    fn authorize<'a>(
        &'a self,
        call: &'a Call,
        check: &'a Check,
    ) -> BoxFuture<'a, Result<Decision, Error>>;
}
