//! Roles.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html>

use aws::{AccountId, Call, Timestamp};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored, Transaction};

use crate::error::{Error, InUse, Missing, Result, Taken};
use crate::id::{self, Kind};
use crate::last_used::RoleUse;
use crate::managed_policy::Use;
use crate::policy_holder::{Policies, PolicyHolder, scope};
use crate::quota::{Quota, ROLE_POLICY_SIZE_MAX};
use crate::tag::{KeyCase, Tags};
use crate::trust_policy::TrustPolicy;
use crate::{Iam, model, name, permissions_boundary};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    pub id: String,
    pub name: String,
    pub path: String,
    pub created: Timestamp,
    pub description: Option<String>,
    pub trust: TrustPolicy,
    pub max_session_secs: i32,
    pub tags: Tags,
    pub boundary: Option<String>,
    pub policies: Policies,
    /// How many instance profiles hold the role. Which ones is said by them.
    pub instance_profiles: usize,
    /// The service that a service-linked role belongs to (`autoscaling.amazonaws.com`).
    pub service: Option<String>,
    /// As of the last time it was written down; see [`crate::last_used`].
    pub last_used: Option<RoleUse>,
}

impl Record for Role {
    const KIND: &'static str = "iam.role";
    const FORMAT: u32 = 1;
}

impl PolicyHolder for Role {
    const NOUN: &'static str = "role";
    const ATTACHED_QUOTA: Quota = Quota::PoliciesPerRole;
    const INLINE_SIZE_MAX: usize = ROLE_POLICY_SIZE_MAX;

    fn name(&self) -> &str {
        &self.name
    }

    fn policies(&self) -> &Policies {
        &self.policies
    }

    fn policies_mut(&mut self) -> &mut Policies {
        &mut self.policies
    }

    fn missing(name: &str) -> Missing {
        Missing::Role(name.into())
    }

    fn check_modifiable(&self) -> Result<()> {
        match self.service {
            None => Ok(()),
            Some(_) => Err(Error::UnmodifiableEntity { role: self.name.clone() }),
        }
    }
}

/// How long a session lasts at most unless the role says otherwise.
pub const MAX_SESSION_SECS_DEFAULT: i32 = 3600;

impl Role {
    pub fn arn(&self, account: &AccountId) -> String {
        name::arn(account, "role", &self.path, &self.name)
    }
}

impl Iam {
    pub(crate) async fn role(&self, scope: &Scope, name: &str) -> Result<Stored<Role>> {
        self.holder(scope, name).await
    }

    /// As CreateRole and instance profiles show a role: without description, duration, tags.
    pub(crate) async fn brief_role(&self, account: &AccountId, role: &Role) -> Result<model::Role> {
        Ok(model::Role {
            path: role.path.clone(),
            role_name: role.name.clone(),
            role_id: role.id.clone(),
            arn: role.arn(account),
            create_date: role.created,
            assume_role_policy_document: Some(self.shown_trust(&role.trust).await?),
            description: None,
            max_session_duration: None,
            permissions_boundary: None,
            tags: None,
            role_last_used: None,
        })
    }

    /// As ListRoles shows a role.
    async fn listed_role(&self, account: &AccountId, role: &Role) -> Result<model::Role> {
        Ok(model::Role {
            description: role.description.clone(),
            max_session_duration: Some(role.max_session_secs),
            ..self.brief_role(account, role).await?
        })
    }

    /// As GetRole shows a role.
    async fn full_role(&self, account: &AccountId, role: &Role) -> Result<model::Role> {
        Ok(model::Role {
            permissions_boundary: permissions_boundary::shape(role.boundary.as_deref()),
            tags: role.tags.shapes_if_any(),
            role_last_used: Some(self.role_last_used(account, role)),
            ..self.listed_role(account, role).await?
        })
    }

    pub(crate) fn role_last_used(&self, account: &AccountId, role: &Role) -> model::RoleLastUsed {
        let used = self.last_used.role(account, role).or_else(|| role.last_used.clone());
        model::RoleLastUsed {
            last_used_date: used.as_ref().map(|used| used.at),
            region: used.map(|used| used.region),
        }
    }

    /// Stores a new role. One made with attachments is a service's.
    pub(crate) async fn add_role(&self, account: &AccountId, role: &Role) -> Result<()> {
        let scope = scope(account);
        let key = name::key(&role.name);
        self.retry_counting(async || {
            if self.records.get::<Role>(&scope, &key).await?.is_some() {
                return Err(Error::EntityAlreadyExists(Taken::Role(role.name.clone())));
            }
            let mut txn = self.records.transaction();
            self.count_up(&mut txn, &scope, Quota::RolesPerAccount).await?;
            if let Some(boundary) = &role.boundary {
                self.begin_use(&mut txn, account, boundary, Use::Boundary).await?;
            }
            for policy in &role.policies.attached {
                self.begin_use(&mut txn, account, policy, Use::ServiceAttachment).await?;
            }
            txn.create(&scope, &key, role);
            txn.commit().await?;
            Ok(())
        })
        .await
    }
}

pub async fn create(
    iam: &Iam,
    call: &Call,
    input: model::CreateRoleRequest,
) -> Result<model::CreateRoleResponse> {
    let account = call.account()?;
    name::check("roleName", &input.role_name)?;
    let role = Role {
        id: id::unique(&iam.random, Kind::Role),
        path: name::path("path", input.path)?,
        name: input.role_name,
        created: call.at.to_whole_secs(),
        description: input.description.filter(|text| !text.is_empty()),
        trust: iam.trust_policy(input.assume_role_policy_document).await?,
        max_session_secs: input.max_session_duration.unwrap_or(MAX_SESSION_SECS_DEFAULT),
        tags: Tags::from_input(input.tags, KeyCase::Ignored)?,
        boundary: input.permissions_boundary,
        policies: Policies::default(),
        instance_profiles: 0,
        service: None,
        last_used: None,
    };
    iam.add_role(account, &role).await?;
    let shape = model::Role {
        permissions_boundary: permissions_boundary::shape(role.boundary.as_deref()),
        tags: role.tags.shapes_if_any(),
        ..iam.brief_role(account, &role).await?
    };
    Ok(model::CreateRoleResponse { role: shape })
}

pub async fn get(
    iam: &Iam,
    call: &Call,
    input: model::GetRoleRequest,
) -> Result<model::GetRoleResponse> {
    let account = call.account()?;
    let role = iam.role(&scope(account), &input.role_name).await?;
    Ok(model::GetRoleResponse { role: iam.full_role(account, &role.record).await? })
}

pub async fn list(
    iam: &Iam,
    call: &Call,
    input: model::ListRolesRequest,
) -> Result<model::ListRolesResponse> {
    let account = call.account()?;
    let ask = iam.ask(call, "iam:ListRoles", input.marker.as_deref(), input.max_items).await?;
    let prefix = input.path_prefix.as_deref();
    let page =
        iam.page(&scope(account), &ask, |role: &Role| name::under(&role.path, prefix)).await?;
    let is_truncated = Some(page.is_truncated());
    let mut roles = Vec::with_capacity(page.items.len());
    for role in &page.items {
        roles.push(iam.listed_role(account, &role.record).await?);
    }
    Ok(model::ListRolesResponse { roles, is_truncated, marker: page.marker })
}

/// What is not given stays as it is.
pub async fn update(
    iam: &Iam,
    call: &Call,
    input: model::UpdateRoleRequest,
) -> Result<model::UpdateRoleResponse> {
    iam.change_holder(call, &input.role_name, |role: &mut Role| {
        role.check_modifiable()?;
        if let Some(description) = &input.description {
            role.description = Some(description.clone()).filter(|text| !text.is_empty());
        }
        if let Some(secs) = input.max_session_duration {
            role.max_session_secs = secs;
        }
        Ok(())
    })
    .await?;
    Ok(model::UpdateRoleResponse {})
}

/// Allowed on service-linked roles too, as in AWS.
pub async fn update_description(
    iam: &Iam,
    call: &Call,
    input: model::UpdateRoleDescriptionRequest,
) -> Result<model::UpdateRoleDescriptionResponse> {
    let account = call.account()?;
    let role = iam
        .change_holder(call, &input.role_name, |role: &mut Role| {
            role.description = Some(input.description.clone()).filter(|text| !text.is_empty());
            Ok(())
        })
        .await?;
    let shape = model::Role {
        description: role.description.clone(),
        ..iam.brief_role(account, &role).await?
    };
    Ok(model::UpdateRoleDescriptionResponse { role: Some(shape) })
}

pub async fn update_trust(
    iam: &Iam,
    call: &Call,
    input: model::UpdateAssumeRolePolicyRequest,
) -> Result<()> {
    // A role that is not there is said first.
    iam.role(&scope(call.account()?), &input.role_name).await?;
    let trust = iam.trust_policy(input.policy_document).await?;
    iam.change_holder(call, &input.role_name, |role: &mut Role| {
        role.check_modifiable()?;
        role.trust = trust.clone();
        Ok(())
    })
    .await?;
    Ok(())
}

pub async fn delete(iam: &Iam, call: &Call, input: model::DeleteRoleRequest) -> Result<()> {
    let account = call.account()?;
    let scope = scope(account);
    iam.retry_counting(async || {
        let role = iam.role(&scope, &input.role_name).await?;
        role.record.check_modifiable()?;
        role.record.policies.check_none()?;
        if role.record.instance_profiles > 0 {
            return Err(Error::DeleteConflict(InUse::InstanceProfile));
        }
        iam.remove_role(iam.records.transaction(), account, &role).await
    })
    .await
}

impl Iam {
    /// Deletes a role, ends its uses of policies, and commits.
    pub(crate) async fn remove_role(
        &self,
        mut txn: Transaction,
        account: &AccountId,
        role: &Stored<Role>,
    ) -> Result<()> {
        self.count_down(&mut txn, &scope(account), Quota::RolesPerAccount).await?;
        if let Some(boundary) = &role.record.boundary {
            self.end_use(&mut txn, account, boundary, Use::Boundary).await?;
        }
        for policy in &role.record.policies.attached {
            self.end_use(&mut txn, account, policy, Use::Attachment).await?;
        }
        txn.delete(role);
        txn.commit().await?;
        Ok(())
    }
}

pub async fn tag(iam: &Iam, call: &Call, input: model::TagRoleRequest) -> Result<()> {
    let tags = crate::tag::pairs(input.tags);
    iam.change_holder(call, &input.role_name, |role: &mut Role| {
        role.tags.put(&tags, KeyCase::Ignored)
    })
    .await?;
    Ok(())
}

pub async fn untag(iam: &Iam, call: &Call, input: model::UntagRoleRequest) -> Result<()> {
    crate::tag::check_keys(&input.tag_keys)?;
    iam.change_holder(call, &input.role_name, |role: &mut Role| {
        role.tags.remove(&input.tag_keys, KeyCase::Ignored);
        Ok(())
    })
    .await?;
    Ok(())
}

pub async fn list_tags(
    iam: &Iam,
    call: &Call,
    input: model::ListRoleTagsRequest,
) -> Result<model::ListRoleTagsResponse> {
    let ask = iam.ask(call, "iam:ListRoleTags", input.marker.as_deref(), input.max_items).await?;
    let role = iam.role(&scope(call.account()?), &input.role_name).await?;
    let page = role.record.tags.page(&ask);
    Ok(model::ListRoleTagsResponse {
        is_truncated: Some(page.is_truncated()),
        tags: page.items,
        marker: page.marker,
    })
}
