//! Versions of a managed policy: at most five, one of them in force.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html>

use aws::{AccountId, Call, Timestamp};
use policy::Document;
use serde::{Deserialize, Serialize};
use state::Record;

use crate::error::{Error, InUse, Missing, Result};
use crate::managed_policy::{Found, ManagedPolicy, add_version};
use crate::name::PolicyArn;
use crate::policy_holder::scope;
use crate::quota::Quota;
use crate::{Iam, document, model};

/// The document of one version, as it was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    pub document: String,
}

impl Record for PolicyVersion {
    const KIND: &'static str = "iam.policy-version";
    const FORMAT: u32 = 1;
}

/// Where a version is: a policy's name holds no slash.
pub(crate) fn version_key(policy_key: &str, number: u32) -> String {
    format!("{policy_key}/{number}")
}

pub(crate) fn shape(
    number: u32,
    policy: &ManagedPolicy,
    document: Option<&str>,
) -> model::PolicyVersion {
    model::PolicyVersion {
        document: document.map(document::encode),
        version_id: Some(format!("v{number}")),
        is_default_version: Some(number == policy.default_version),
        create_date: policy.versions.get(&number).copied(),
    }
}

/// `v3` as 3.
fn number(version_id: &str) -> Option<u32> {
    version_id.strip_prefix('v')?.parse().ok()
}

fn missing(arn: &str, version: &str) -> Error {
    Error::NoSuchEntity(Missing::PolicyVersion { arn: arn.into(), version: version.into() })
}

impl Iam {
    /// The document of a version of a customer's policy.
    pub(crate) async fn version_document(
        &self,
        account: &AccountId,
        policy_key: &str,
        number: u32,
    ) -> Result<Option<String>> {
        let key = version_key(policy_key, number);
        let found = self.records.get::<PolicyVersion>(&scope(account), &key).await?;
        Ok(found.map(|found| found.record.document))
    }

    /// The document in force of a managed policy; `None` when there is no such policy.
    pub(crate) async fn managed_document(
        &self,
        account: &AccountId,
        arn: &str,
    ) -> Result<Option<String>> {
        match self.find_policy(account, arn).await? {
            Some(Found::Customer(policy)) => {
                let number = policy.record.default_version;
                self.version_document(account, &policy.key.id, number).await
            }
            Some(Found::Aws(policy)) => Ok(Some(policy.document.into())),
            None => Ok(None),
        }
    }

    /// # Errors
    /// `NoSuchEntity` naming policy and version, whichever is not there.
    async fn policy_of_version(
        &self,
        account: &AccountId,
        arn: &str,
        version: &str,
    ) -> Result<Found> {
        if PolicyArn::parse(arn).is_none() {
            return Err(Error::invalid_arn(arn));
        }
        self.find_policy(account, arn).await?.ok_or_else(|| missing(arn, version))
    }
}

pub async fn create(
    iam: &Iam,
    call: &Call,
    input: model::CreatePolicyVersionRequest,
) -> Result<model::CreatePolicyVersionResponse> {
    let account = call.account()?;
    iam.policy(account, &input.policy_arn).await?;
    Document::parse(&input.policy_document, policy::Kind::Managed)?;
    document::check_size(&input.policy_document, Quota::PolicySize)?;
    let version = PolicyVersion { document: input.policy_document };
    let as_default = input.set_as_default == Some(true);
    let at: Timestamp = call.at.to_whole_secs();
    let shape = iam
        .change_policy(call, "CreatePolicyVersion", &input.policy_arn, |policy, txn| {
            let number = add_version(policy, at, as_default)?;
            let key = version_key(&crate::name::key(&policy.name), number);
            txn.create(&scope(account), &key, &version);
            Ok(shape(number, policy, None))
        })
        .await?;
    Ok(model::CreatePolicyVersionResponse { policy_version: Some(shape) })
}

pub async fn get(
    iam: &Iam,
    call: &Call,
    input: model::GetPolicyVersionRequest,
) -> Result<model::GetPolicyVersionResponse> {
    let account = call.account()?;
    let (arn, version) = (&input.policy_arn, &input.version_id);
    let shape = match iam.policy_of_version(account, arn, version).await? {
        Found::Customer(stored) => {
            let number = number(version).ok_or_else(|| missing(arn, version))?;
            let document = iam.version_document(account, &stored.key.id, number).await?;
            let document = document.ok_or_else(|| missing(arn, version))?;
            shape(number, &stored.record, Some(&document))
        }
        Found::Aws(policy) if policy.default_version == version => model::PolicyVersion {
            document: Some(document::encode(policy.document)),
            version_id: Some(version.clone()),
            is_default_version: Some(true),
            create_date: Some(policy.updated),
        },
        Found::Aws(_) => return Err(missing(arn, version)),
    };
    Ok(model::GetPolicyVersionResponse { policy_version: Some(shape) })
}

/// Newest first.
pub async fn list(
    iam: &Iam,
    call: &Call,
    input: model::ListPolicyVersionsRequest,
) -> Result<model::ListPolicyVersionsResponse> {
    let ask =
        iam.ask(call, "iam:ListPolicyVersions", input.marker.as_deref(), input.max_items).await?;
    let versions: Vec<(String, model::PolicyVersion)> =
        match iam.policy(call.account()?, &input.policy_arn).await? {
            Found::Customer(stored) => {
                let numbers = stored.record.versions.keys().rev();
                let keyed = |number: &u32| {
                    // So that the newest has the smallest key.
                    let key = format!("{:010}", u32::MAX - number);
                    (key, shape(*number, &stored.record, None))
                };
                numbers.map(keyed).collect()
            }
            Found::Aws(policy) => vec![(
                String::new(),
                model::PolicyVersion {
                    document: None,
                    version_id: Some(policy.default_version.into()),
                    is_default_version: Some(true),
                    create_date: Some(policy.updated),
                },
            )],
        };
    let page = ask.cut(versions);
    Ok(model::ListPolicyVersionsResponse {
        is_truncated: Some(page.is_truncated()),
        versions: Some(page.items),
        marker: page.marker,
    })
}

pub async fn set_default(
    iam: &Iam,
    call: &Call,
    input: model::SetDefaultPolicyVersionRequest,
) -> Result<()> {
    let (arn, version) = (&input.policy_arn, &input.version_id);
    iam.policy_of_version(call.account()?, arn, version).await?;
    iam.change_policy(call, "SetDefaultPolicyVersion", arn, |policy, _| {
        let number = number(version).filter(|number| policy.versions.contains_key(number));
        policy.default_version = number.ok_or_else(|| missing(arn, version))?;
        policy.updated = call.at.to_whole_secs();
        Ok(())
    })
    .await
}

pub async fn delete(
    iam: &Iam,
    call: &Call,
    input: model::DeletePolicyVersionRequest,
) -> Result<()> {
    let account = call.account()?;
    let (arn, version) = (&input.policy_arn, &input.version_id);
    iam.retry(async || {
        let found = iam.policy_of_version(account, arn, version).await?;
        let Found::Customer(stored) = found else {
            return Err(crate::managed_policy::aws_s_own(call, "DeletePolicyVersion", arn));
        };
        let mut policy = stored.record.clone();
        let number = number(version).filter(|number| policy.versions.contains_key(number));
        let number = number.ok_or_else(|| missing(arn, version))?;
        if number == policy.default_version {
            return Err(Error::DeleteConflict(InUse::DefaultVersion));
        }
        policy.versions.remove(&number);
        let mut txn = iam.records.transaction();
        txn.update(&stored, &policy);
        let key = version_key(&stored.key.id, number);
        if let Some(version) = iam.records.get::<PolicyVersion>(&scope(account), &key).await? {
            txn.delete(&version);
        }
        txn.commit().await?;
        Ok(())
    })
    .await
}
