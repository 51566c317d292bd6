//! Managed policies: the customer's, which are records, and AWS's, which are built in.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html>

use std::collections::BTreeMap;

use aws::{AccountId, Call, Timestamp};
use policy::Document;
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored, Transaction};

use crate::aws_managed_policy::{self, AwsManagedPolicy};
use crate::error::{Error, InUse, Limit, Missing, Result, Taken};
use crate::id::{self, Kind};
use crate::name::{self, PolicyArn, PolicyOwner};
use crate::policy_holder::scope;
use crate::policy_version::{PolicyVersion, version_key};
use crate::quota::{Quota, VERSIONS_PER_POLICY_MAX};
use crate::tag::{KeyCase, Tags};
use crate::{Iam, document, model};

/// A customer managed policy. Its documents are records of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedPolicy {
    pub id: String,
    pub name: String,
    pub path: String,
    pub description: Option<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub tags: Tags,
    /// When each version was made; at most [`VERSIONS_PER_POLICY_MAX`].
    pub versions: BTreeMap<u32, Timestamp>,
    pub default_version: u32,
    /// Numbers are not used again.
    pub next_version: u32,
    pub uses: PolicyUses,
}

impl Record for ManagedPolicy {
    const KIND: &'static str = "iam.policy";
    const FORMAT: u32 = 1;
}

/// How often an account uses a policy. By whom is said by the users, groups and roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyUses {
    pub attachments: usize,
    pub boundaries: usize,
}

/// An account's uses of one AWS-managed policy, by `path/name`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsPolicyUses(pub PolicyUses);

impl Record for AwsPolicyUses {
    const KIND: &'static str = "iam.aws-policy-use";
    const FORMAT: u32 = 1;
}

/// What a policy is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Attachment,
    /// To a service-linked role, by haneul itself.
    ServiceAttachment,
    Boundary,
}

impl PolicyUses {
    fn of(&mut self, what: Use) -> &mut usize {
        match what {
            Use::Attachment | Use::ServiceAttachment => &mut self.attachments,
            Use::Boundary => &mut self.boundaries,
        }
    }
}

/// Either kind of managed policy, found by its ARN.
pub(crate) enum Found {
    Customer(Box<Stored<ManagedPolicy>>),
    Aws(AwsManagedPolicy),
}

impl ManagedPolicy {
    pub fn arn(&self, account: &AccountId) -> String {
        name::arn(account, "policy", &self.path, &self.name)
    }

    /// As CreatePolicy and ListPolicies show it: without description and tags.
    pub(crate) fn brief(&self, account: &AccountId) -> model::Policy {
        model::Policy {
            policy_name: Some(self.name.clone()),
            policy_id: Some(self.id.clone()),
            arn: Some(self.arn(account)),
            path: Some(self.path.clone()),
            default_version_id: Some(format!("v{}", self.default_version)),
            attachment_count: Some(count(self.uses.attachments)),
            permissions_boundary_usage_count: Some(count(self.uses.boundaries)),
            is_attachable: Some(true),
            description: None,
            create_date: Some(self.created),
            update_date: Some(self.updated),
            tags: None,
        }
    }
}

fn count(uses: usize) -> i32 {
    i32::try_from(uses).unwrap_or(i32::MAX)
}

pub(crate) fn brief_aws(policy: &AwsManagedPolicy, uses: PolicyUses) -> model::Policy {
    model::Policy {
        policy_name: Some(policy.name.into()),
        policy_id: Some(policy.id.into()),
        arn: Some(policy.arn()),
        path: Some(policy.path.into()),
        default_version_id: Some(policy.default_version.into()),
        attachment_count: Some(count(uses.attachments)),
        permissions_boundary_usage_count: Some(count(uses.boundaries)),
        is_attachable: Some(true),
        description: None,
        create_date: Some(policy.created),
        update_date: Some(policy.updated),
        tags: None,
    }
}

/// The order of lists: by name, a customer's own policy before AWS's of the same name.
pub(crate) fn sort_key(arn: &PolicyArn) -> String {
    let owner = if arn.owner == PolicyOwner::Aws { "aws" } else { "" };
    format!("{}/{owner}", name::key(&arn.name))
}

impl Iam {
    /// The managed policy of that ARN, when this account may use it.
    pub(crate) async fn find_policy(
        &self,
        account: &AccountId,
        arn: &str,
    ) -> Result<Option<Found>> {
        let Some(parsed) = PolicyArn::parse(arn) else { return Ok(None) };
        match &parsed.owner {
            PolicyOwner::Aws => {
                Ok(aws_managed_policy::find(&parsed.path, &parsed.name).map(Found::Aws))
            }
            PolicyOwner::Customer(owner) if owner == account => {
                let found: Option<Stored<ManagedPolicy>> =
                    self.records.get(&scope(account), &name::key(&parsed.name)).await?;
                let found = found.filter(|policy| policy.record.arn(account) == arn);
                Ok(found.map(|policy| Found::Customer(Box::new(policy))))
            }
            PolicyOwner::Customer(_) => Ok(None),
        }
    }

    /// # Errors
    /// `ValidationError` for what is no policy's ARN, `NoSuchEntity` for one of no policy.
    pub(crate) async fn policy(&self, account: &AccountId, arn: &str) -> Result<Found> {
        if PolicyArn::parse(arn).is_none() {
            return Err(Error::invalid_arn(arn));
        }
        let found = self.find_policy(account, arn).await?;
        found.ok_or_else(|| Error::NoSuchEntity(Missing::Policy(arn.into())))
    }

    /// A policy that can be changed, so the customer's.
    ///
    /// # Errors
    /// As [`Self::policy`]; `AccessDenied` for AWS's.
    async fn own_policy(
        &self,
        call: &Call,
        action: &str,
        arn: &str,
    ) -> Result<Stored<ManagedPolicy>> {
        match self.policy(call.account()?, arn).await? {
            Found::Customer(stored) => Ok(*stored),
            Found::Aws(_) => Err(aws_s_own(call, action, arn)),
        }
    }

    pub(crate) async fn aws_uses(
        &self,
        scope: &Scope,
        policy: &AwsManagedPolicy,
    ) -> Result<PolicyUses> {
        let stored: Option<Stored<AwsPolicyUses>> =
            self.records.get(scope, &aws_uses_key(policy)).await?;
        Ok(stored.map(|stored| stored.record.0).unwrap_or_default())
    }

    /// Counts one more use of a policy, to be committed with the change that uses it; so a
    /// policy deleted meanwhile fails that change.
    ///
    /// # Errors
    /// AWS's, for a policy that is not there or not for this use.
    pub(crate) async fn begin_use(
        &self,
        txn: &mut Transaction,
        account: &AccountId,
        arn: &str,
        what: Use,
    ) -> Result<()> {
        if PolicyArn::parse(arn).is_none() {
            return Err(match what {
                Use::Boundary => Error::InvalidInput(format!("ARN {arn} is not valid.")),
                _ => Error::invalid_arn(arn),
            });
        }
        let missing = match what {
            Use::Boundary => Missing::Boundary(arn.into()),
            _ => Missing::Attachable(arn.into()),
        };
        let found = self.find_policy(account, arn).await?;
        let found = found.ok_or(Error::NoSuchEntity(missing))?;
        if let Found::Aws(policy) = &found
            && policy.is_for_service_roles()
            && what != Use::ServiceAttachment
        {
            return Err(Error::PolicyNotAttachable);
        }
        self.count_use(txn, account, found, |uses| *uses.of(what) += 1).await
    }

    /// Counts one use less. A policy that is gone has no uses to count.
    pub(crate) async fn end_use(
        &self,
        txn: &mut Transaction,
        account: &AccountId,
        arn: &str,
        what: Use,
    ) -> Result<()> {
        let Some(found) = self.find_policy(account, arn).await? else { return Ok(()) };
        let less = |uses: &mut PolicyUses| *uses.of(what) = uses.of(what).saturating_sub(1);
        self.count_use(txn, account, found, less).await
    }

    async fn count_use(
        &self,
        txn: &mut Transaction,
        account: &AccountId,
        found: Found,
        change: impl FnOnce(&mut PolicyUses),
    ) -> Result<()> {
        match found {
            Found::Customer(stored) => {
                let mut policy = stored.record.clone();
                change(&mut policy.uses);
                txn.update(&stored, &policy);
            }
            Found::Aws(policy) => {
                let (scope, key) = (scope(account), aws_uses_key(&policy));
                let stored: Option<Stored<AwsPolicyUses>> = self.records.get(&scope, &key).await?;
                let mut uses = stored.as_ref().map(|stored| stored.record).unwrap_or_default();
                change(&mut uses.0);
                match &stored {
                    Some(stored) => txn.update(stored, &uses),
                    None => txn.create(&scope, &key, &uses),
                };
            }
        }
        Ok(())
    }

    pub(crate) async fn change_policy<T>(
        &self,
        call: &Call,
        action: &str,
        arn: &str,
        change: impl Fn(&mut ManagedPolicy, &mut Transaction) -> Result<T>,
    ) -> Result<T> {
        self.retry(async || {
            let stored = self.own_policy(call, action, arn).await?;
            let mut policy = stored.record.clone();
            let mut txn = self.records.transaction();
            let done = change(&mut policy, &mut txn)?;
            txn.update(&stored, &policy);
            txn.commit().await?;
            Ok(done)
        })
        .await
    }
}

fn aws_uses_key(policy: &AwsManagedPolicy) -> String {
    format!("{}{}", policy.path, policy.name)
}

/// Nobody has permissions on AWS's own policies but to read and use them.
pub(crate) fn aws_s_own(call: &Call, action: &str, arn: &str) -> Error {
    let caller = call.identity.arn().unwrap_or_default();
    Error::AccessDenied(format!(
        "User: {caller} is not authorized to perform: iam:{action} on resource: policy {arn}"
    ))
}

pub async fn create(
    iam: &Iam,
    call: &Call,
    input: model::CreatePolicyRequest,
) -> Result<model::CreatePolicyResponse> {
    let account = call.account()?;
    let scope = scope(account);
    name::check("policyName", &input.policy_name)?;
    let path = name::path("path", input.path)?;
    let tags = Tags::from_input(input.tags, KeyCase::Counts)?;
    Document::parse(&input.policy_document, policy::Kind::Managed)?;
    document::check_size(&input.policy_document, Quota::PolicySize)?;
    let at = call.at.to_whole_secs();
    let policy = ManagedPolicy {
        id: id::unique(&iam.random, Kind::ManagedPolicy),
        path,
        name: input.policy_name,
        description: input.description.filter(|text| !text.is_empty()),
        created: at,
        updated: at,
        tags,
        versions: BTreeMap::from([(1, at)]),
        default_version: 1,
        next_version: 2,
        uses: PolicyUses::default(),
    };
    let key = name::key(&policy.name);
    let version = PolicyVersion { document: input.policy_document };
    iam.retry_counting(async || {
        if iam.records.get::<ManagedPolicy>(&scope, &key).await?.is_some() {
            return Err(Error::EntityAlreadyExists(Taken::Policy(policy.name.clone())));
        }
        let mut txn = iam.records.transaction();
        iam.count_up(&mut txn, &scope, Quota::PoliciesPerAccount).await?;
        txn.create(&scope, &key, &policy);
        txn.create(&scope, &version_key(&key, 1), &version);
        txn.commit().await?;
        Ok(())
    })
    .await?;
    let shape = model::Policy { tags: policy.tags.shapes_if_any(), ..policy.brief(account) };
    Ok(model::CreatePolicyResponse { policy: Some(shape) })
}

pub async fn get(
    iam: &Iam,
    call: &Call,
    input: model::GetPolicyRequest,
) -> Result<model::GetPolicyResponse> {
    let account = call.account()?;
    let policy = match iam.policy(account, &input.policy_arn).await? {
        Found::Customer(stored) => model::Policy {
            description: stored.record.description.clone(),
            tags: Some(stored.record.tags.shapes()),
            ..stored.record.brief(account)
        },
        Found::Aws(policy) => model::Policy {
            description: policy.description.map(str::to_owned),
            tags: Some(Vec::new()),
            ..brief_aws(&policy, iam.aws_uses(&scope(account), &policy).await?)
        },
    };
    Ok(model::GetPolicyResponse { policy: Some(policy) })
}

pub async fn list(
    iam: &Iam,
    call: &Call,
    input: model::ListPoliciesRequest,
) -> Result<model::ListPoliciesResponse> {
    let account = call.account()?;
    let scope = scope(account);
    let ask = iam.ask(call, "iam:ListPolicies", input.marker.as_deref(), input.max_items).await?;
    let asked = input.scope.as_deref().unwrap_or("All");
    let keep = |path: &str, uses: PolicyUses| {
        let used = match input.policy_usage_filter.as_deref() {
            Some("PermissionsBoundary") => uses.boundaries > 0,
            Some(_) => uses.attachments > 0,
            None => uses.attachments + uses.boundaries > 0,
        };
        // A usage filter picks what is used so, and OnlyAttached what is used at all.
        let wanted = input.only_attached == Some(true) || input.policy_usage_filter.is_some();
        name::under(path, input.path_prefix.as_deref()) && (used || !wanted)
    };
    let mut found = Vec::new();
    if asked != "AWS" {
        let own = |policy: &ManagedPolicy| keep(&policy.path, policy.uses);
        for stored in iam.all(&scope, own).await? {
            found.push((format!("{}/", stored.key.id), stored.record.brief(account)));
        }
    }
    if asked != "Local" {
        let uses = iam.all::<AwsPolicyUses>(&scope, |_| true).await?;
        let uses: BTreeMap<_, _> = uses.into_iter().map(|u| (u.key.id, u.record.0)).collect();
        for policy in aws_managed_policy::all() {
            let uses = uses.get(&aws_uses_key(&policy)).copied().unwrap_or_default();
            if keep(policy.path, uses) {
                found.push((format!("{}/aws", name::key(policy.name)), brief_aws(&policy, uses)));
            }
        }
    }
    found.sort_by(|(one, _), (two, _)| one.cmp(two));
    let page = ask.cut(found);
    Ok(model::ListPoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        policies: Some(page.items),
        marker: page.marker,
    })
}

pub async fn delete(iam: &Iam, call: &Call, input: model::DeletePolicyRequest) -> Result<()> {
    let scope = scope(call.account()?);
    iam.retry_counting(async || {
        let stored = iam.own_policy(call, "DeletePolicy", &input.policy_arn).await?;
        let policy = &stored.record;
        if policy.uses != PolicyUses::default() {
            return Err(Error::DeleteConflict(InUse::PolicyAttached));
        }
        if policy.versions.len() > 1 {
            return Err(Error::DeleteConflict(InUse::PolicyVersions));
        }
        let mut txn = iam.records.transaction();
        iam.count_down(&mut txn, &scope, Quota::PoliciesPerAccount).await?;
        let key = version_key(&stored.key.id, policy.default_version);
        if let Some(version) = iam.records.get::<PolicyVersion>(&scope, &key).await? {
            txn.delete(&version);
        }
        txn.delete(&stored);
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn tag(iam: &Iam, call: &Call, input: model::TagPolicyRequest) -> Result<()> {
    let tags = crate::tag::pairs(input.tags);
    iam.change_policy(call, "TagPolicy", &input.policy_arn, |policy, _| {
        policy.tags.put(&tags, KeyCase::Counts)
    })
    .await
}

pub async fn untag(iam: &Iam, call: &Call, input: model::UntagPolicyRequest) -> Result<()> {
    crate::tag::check_keys(&input.tag_keys)?;
    iam.change_policy(call, "UntagPolicy", &input.policy_arn, |policy, _| {
        policy.tags.remove(&input.tag_keys, KeyCase::Counts);
        Ok(())
    })
    .await
}

pub async fn list_tags(
    iam: &Iam,
    call: &Call,
    input: model::ListPolicyTagsRequest,
) -> Result<model::ListPolicyTagsResponse> {
    let ask = iam.ask(call, "iam:ListPolicyTags", input.marker.as_deref(), input.max_items).await?;
    let tags = match iam.policy(call.account()?, &input.policy_arn).await? {
        Found::Customer(stored) => stored.record.tags.clone(),
        Found::Aws(_) => Tags::default(),
    };
    let page = tags.page(&ask);
    Ok(model::ListPolicyTagsResponse {
        is_truncated: Some(page.is_truncated()),
        tags: page.items,
        marker: page.marker,
    })
}

/// Adds a version's number; the caller adds its document.
pub(crate) fn add_version(
    policy: &mut ManagedPolicy,
    at: Timestamp,
    as_default: bool,
) -> Result<u32> {
    if policy.versions.len() >= VERSIONS_PER_POLICY_MAX {
        return Err(Error::LimitExceeded(Limit::PolicyVersions));
    }
    let number = policy.next_version;
    policy.next_version += 1;
    policy.versions.insert(number, at);
    policy.updated = at;
    if as_default {
        policy.default_version = number;
    }
    Ok(number)
}
