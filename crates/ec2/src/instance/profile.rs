//! The role that runs inside an instance, by its instance profile.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2.html>

use aws::{Call, Check, Identity, Timestamp};
use serde::{Deserialize, Serialize};
use state::{Scope, Stored};

use super::Instance;
use crate::error::{Error, Result};
use crate::filter::Filters;
use crate::launch::AskedProfile;
use crate::tag::Tags;
use crate::{Ec2, iam, model, scope};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub association: String,
    pub arn: String,
    pub id: String,
    pub at: Timestamp,
}

impl Profile {
    /// The last of its ARN.
    pub fn name(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    pub fn shape(&self) -> model::IamInstanceProfile {
        model::IamInstanceProfile { arn: Some(self.arn.clone()), id: Some(self.id.clone()) }
    }

    fn association(&self, instance: &str, state: &str) -> model::IamInstanceProfileAssociation {
        model::IamInstanceProfileAssociation {
            association_id: Some(self.association.clone()),
            instance_id: Some(instance.into()),
            iam_instance_profile: Some(self.shape()),
            state: Some(state.into()),
            timestamp: Some(self.at),
        }
    }
}

fn invalid(asked: &AskedProfile) -> Error {
    let (value, what) = match (&asked.arn, &asked.name) {
        (Some(arn), _) => (arn.as_str(), "arn"),
        (None, name) => (name.as_deref().unwrap_or_default(), "name"),
    };
    let message = format!(
        "Value ({value}) for parameter iamInstanceProfile.{what} is invalid. Invalid IAM Instance Profile {what}"
    );
    Error::InvalidParameterValue(message)
}

impl Ec2 {
    /// EC2 looks itself, as in AWS: who launches needs `iam:PassRole`, not the right to read.
    pub(crate) async fn iam_profile(
        &self,
        call: &Call,
        name: &str,
    ) -> Result<Option<iam::InstanceProfile>> {
        let itself = call.under(Identity::root(call.account()?.clone()));
        let ask = iam::GetInstanceProfileRequest { instance_profile_name: name.into() };
        match self.inner.caller.ask(&itself, ask).await {
            Ok(answer) => Ok(Some(answer.instance_profile)),
            Err(error) if error.status == 404 || error.code == "ValidationError" => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn asked_profile(
        &self,
        call: &Call,
        asked: &AskedProfile,
    ) -> Result<Option<iam::InstanceProfile>> {
        let by_arn = asked.arn.as_deref().and_then(|arn| arn.rsplit('/').next());
        let Some(name) = asked.name.as_deref().or(by_arn) else { return Ok(None) };
        let found = self.iam_profile(call, name).await?;
        let same =
            |found: &iam::InstanceProfile| asked.arn.as_ref().is_none_or(|arn| *arn == found.arn);
        Ok(found.filter(same))
    }

    /// # Errors
    /// `InvalidParameterValue` when there is none.
    pub(super) async fn profile(&self, call: &Call, asked: &AskedProfile) -> Result<Profile> {
        let found = self.asked_profile(call, asked).await?.ok_or_else(|| invalid(asked))?;
        Ok(Profile {
            association: self.inner.random.resource_id("iip-assoc"),
            arn: found.arn,
            id: found.instance_profile_id,
            at: call.at,
        })
    }

    /// Whether the caller may hand the profile's role to EC2. Nothing is asked about a profile
    /// that is not there: the operation says so.
    pub(crate) async fn may_pass(
        &self,
        call: &Call,
        asked: Option<&AskedProfile>,
    ) -> Result<Option<Check>> {
        let Some(asked) = asked else { return Ok(None) };
        let found = self.asked_profile(call, asked).await?;
        let role = found.and_then(|found| found.roles.into_iter().next());
        Ok(role.map(|role| {
            Check::new("iam:PassRole", role.arn)
                .with("iam:PassedToService", vec!["ec2.amazonaws.com".into()])
        }))
    }

    async fn with_association(&self, scope: &Scope, id: &str) -> Result<Stored<Instance>> {
        let has = |stored: &Stored<Instance>| {
            stored.record.profile.as_ref().is_some_and(|profile| profile.association == id)
        };
        let found = self.all::<Instance>(scope, "").await?.into_iter().find(has);
        found.ok_or_else(|| {
            let message = format!("An invalid association-id of '{id}' was given");
            Error::coded("InvalidAssociationID.NotFound", message)
        })
    }
}

fn asked(given: model::IamInstanceProfileSpecification) -> AskedProfile {
    AskedProfile { name: given.name, arn: given.arn }
}

pub async fn associate(
    ec2: &Ec2,
    call: &Call,
    input: model::AssociateIamInstanceProfileRequest,
) -> Result<model::AssociateIamInstanceProfileResult> {
    let scope = scope(call)?;
    let profile = ec2.profile(call, &asked(input.iam_instance_profile)).await?;
    ec2.retry(async || {
        let stored = ec2.instance(&scope, &input.instance_id).await?;
        if stored.record.profile.is_some() {
            let message =
                format!("There is an existing association for instance {}", input.instance_id);
            return Err(Error::IncorrectState(message));
        }
        let mut txn = ec2.records().transaction();
        let now = Instance { profile: Some(profile.clone()), ..stored.record.clone() };
        txn.update(&stored, &now);
        txn.commit().await?;
        Ok(())
    })
    .await?;
    let shape = profile.association(&input.instance_id, "associating");
    Ok(model::AssociateIamInstanceProfileResult { iam_instance_profile_association: Some(shape) })
}

pub async fn disassociate(
    ec2: &Ec2,
    call: &Call,
    input: model::DisassociateIamInstanceProfileRequest,
) -> Result<model::DisassociateIamInstanceProfileResult> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let stored = ec2.with_association(&scope, &input.association_id).await?;
        let before = stored.record.profile.as_ref();
        let shape = before.map(|before| before.association(&stored.record.id, "disassociating"));
        let mut txn = ec2.records().transaction();
        txn.update(&stored, &Instance { profile: None, ..stored.record.clone() });
        txn.commit().await?;
        Ok(model::DisassociateIamInstanceProfileResult { iam_instance_profile_association: shape })
    })
    .await
}

pub async fn replace(
    ec2: &Ec2,
    call: &Call,
    input: model::ReplaceIamInstanceProfileAssociationRequest,
) -> Result<model::ReplaceIamInstanceProfileAssociationResult> {
    let scope = scope(call)?;
    let profile = ec2.profile(call, &asked(input.iam_instance_profile)).await?;
    ec2.retry(async || {
        let stored = ec2.with_association(&scope, &input.association_id).await?;
        let shape = profile.association(&stored.record.id, "associating");
        let mut txn = ec2.records().transaction();
        let now = Instance { profile: Some(profile.clone()), ..stored.record.clone() };
        txn.update(&stored, &now);
        txn.commit().await?;
        Ok(model::ReplaceIamInstanceProfileAssociationResult {
            iam_instance_profile_association: Some(shape),
        })
    })
    .await
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeIamInstanceProfileAssociationsRequest,
) -> Result<model::DescribeIamInstanceProfileAssociationsResult> {
    let scope = scope(call)?;
    let filters = Filters::read(input.filters)?;
    let (token, size) = (input.next_token.as_deref(), input.max_results);
    let ask = ec2.ask(call, "DescribeIamInstanceProfileAssociations", token, size).await?;
    let named = input.association_ids.unwrap_or_default();
    for id in &named {
        ec2.with_association(&scope, id).await?;
    }
    let mut found = Vec::new();
    for stored in ec2.all::<Instance>(&scope, "").await? {
        let instance = stored.record;
        let Some(profile) = instance.profile.as_ref().filter(|_| !instance.phase.is_over()) else {
            continue;
        };
        let values = |name: &str| match name {
            "instance-id" => Some(vec![instance.id.clone()]),
            "state" => Some(vec!["associated".into()]),
            _ => None,
        };
        let wanted = named.is_empty() || named.contains(&profile.association);
        if wanted && filters.pass(&Tags::default(), values)? {
            let shape = profile.association(&instance.id, "associated");
            found.push((profile.association.clone(), shape));
        }
    }
    found.sort_by(|one, two| one.0.cmp(&two.0));
    let page = ask.cut(found);
    Ok(model::DescribeIamInstanceProfileAssociationsResult {
        iam_instance_profile_associations: Some(page.items),
        next_token: page.next_token,
    })
}
