//! Roles that belong to an AWS service: only that service can assume them, and nobody can
//! change what they may do.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html>

use std::collections::BTreeSet;

use aws::{AccountId, Arn, Call};
use serde::{Deserialize, Serialize};
use state::{Record, Stored};

use crate::error::{Error, Missing, Result, Taken};
use crate::id::{self, Kind};
use crate::policy_holder::{Policies, scope};
use crate::role::{MAX_SESSION_SECS_DEFAULT, Role};
use crate::tag::Tags;
use crate::trust_policy::TrustPolicy;
use crate::{Iam, model, name};

/// What a service's role is made of.
struct Template {
    service: &'static str,
    /// After `AWSServiceRoleFor`.
    name: &'static str,
    /// Of an AWS-managed policy under `aws-service-role/`.
    policy: &'static str,
    suffix_allowed: bool,
}

/// Services that haneul has, or will have, with a role of their own in AWS.
const TEMPLATES: [Template; 5] = [
    Template {
        service: "autoscaling.amazonaws.com",
        name: "AutoScaling",
        policy: "AutoScalingServiceRolePolicy",
        suffix_allowed: true,
    },
    Template {
        service: "ecs.amazonaws.com",
        name: "ECS",
        policy: "AmazonECSServiceRolePolicy",
        suffix_allowed: false,
    },
    Template {
        service: "elasticloadbalancing.amazonaws.com",
        name: "ElasticLoadBalancing",
        policy: "AWSElasticLoadBalancingServiceRolePolicy",
        suffix_allowed: false,
    },
    Template {
        service: "rds.amazonaws.com",
        name: "RDS",
        policy: "AmazonRDSServiceRolePolicy",
        suffix_allowed: false,
    },
    Template {
        service: "ssm.amazonaws.com",
        name: "AmazonSSM",
        policy: "AmazonSSMServiceRolePolicy",
        suffix_allowed: false,
    },
];

/// A role's deletion, by its task id. Kept for good: a few words each, and rarely made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionTask {
    pub role: String,
}

impl Record for DeletionTask {
    const KIND: &'static str = "iam.deletion-task";
    const FORMAT: u32 = 1;
}

impl Template {
    fn find(service: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.service == service)
    }

    fn role_name(&self, suffix: Option<&str>) -> String {
        match suffix {
            Some(suffix) => format!("AWSServiceRoleFor{}_{suffix}", self.name),
            None => format!("AWSServiceRoleFor{}", self.name),
        }
    }
}

/// The ARN that the role of a service has or would have.
pub(crate) fn arn(account: &AccountId, service: &str, suffix: Option<&str>) -> String {
    let name = match Template::find(service) {
        Some(template) => template.role_name(suffix),
        None => "*".into(),
    };
    name::arn(account, "role", &path(service), &name)
}

fn path(service: &str) -> String {
    format!("/aws-service-role/{service}/")
}

pub async fn create(
    iam: &Iam,
    call: &Call,
    input: model::CreateServiceLinkedRoleRequest,
) -> Result<model::CreateServiceLinkedRoleResponse> {
    let account = call.account()?;
    let service = &input.aws_service_name;
    let template = Template::find(service)
        .ok_or_else(|| Error::NoSuchEntity(Missing::ServiceLinkedRole(service.clone())))?;
    if input.custom_suffix.is_some() && !template.suffix_allowed {
        return Err(Error::InvalidInput(format!("Custom suffix is not allowed for {service}")));
    }
    let policy = Arn::iam("aws", format!("policy/aws-service-role/{}", template.policy));
    let role = Role {
        id: id::unique(&iam.random, Kind::Role),
        name: template.role_name(input.custom_suffix.as_deref()),
        path: path(service),
        created: call.at.to_whole_secs(),
        description: input.description.filter(|text| !text.is_empty()),
        trust: TrustPolicy::of_service(service),
        max_session_secs: MAX_SESSION_SECS_DEFAULT,
        tags: Tags::default(),
        boundary: None,
        policies: Policies {
            attached: BTreeSet::from([policy.to_string()]),
            ..Policies::default()
        },
        instance_profiles: 0,
        service: Some(service.clone()),
        last_used: None,
    };
    match iam.add_role(account, &role).await {
        Err(Error::EntityAlreadyExists(Taken::Role(name))) => {
            return Err(Error::InvalidInput(format!(
                "Service role name {name} has been taken in this account, please try a different suffix."
            )));
        }
        added => added?,
    }
    let shape = iam.brief_role(account, &role).await?;
    Ok(model::CreateServiceLinkedRoleResponse { role: Some(shape) })
}

/// The deletion is done when this answers; its task only tells so. Whether the service still
/// uses the role is not asked: none of haneul's services acts through such a role yet.
pub async fn delete(
    iam: &Iam,
    call: &Call,
    input: model::DeleteServiceLinkedRoleRequest,
) -> Result<model::DeleteServiceLinkedRoleResponse> {
    let account = call.account()?;
    let scope = scope(account);
    let task_number = iam.random.uuid();
    let deletion_task_id = iam
        .retry_counting(async || {
            let role = iam.role(&scope, &input.role_name).await?;
            let Some(service) = &role.record.service else {
                return Err(Error::NoSuchEntity(Missing::Role(input.role_name.clone())));
            };
            let name = &role.record.name;
            let task_id = format!("task/aws-service-role/{service}/{name}/{task_number}");
            let mut txn = iam.records.transaction();
            txn.create(&scope, &task_id, &DeletionTask { role: name.clone() });
            iam.remove_role(txn, account, &role).await?;
            Ok(task_id)
        })
        .await?;
    Ok(model::DeleteServiceLinkedRoleResponse { deletion_task_id })
}

pub async fn deletion_status(
    iam: &Iam,
    call: &Call,
    input: model::GetServiceLinkedRoleDeletionStatusRequest,
) -> Result<model::GetServiceLinkedRoleDeletionStatusResponse> {
    let id = &input.deletion_task_id;
    let task: Option<Stored<DeletionTask>> = iam.records.get(&scope(call.account()?), id).await?;
    if task.is_none() {
        return Err(Error::NoSuchEntity(Missing::DeletionTask(id.clone())));
    }
    Ok(model::GetServiceLinkedRoleDeletionStatusResponse {
        status: "SUCCEEDED".into(),
        reason: None,
    })
}
