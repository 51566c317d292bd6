//! Managed policies attached to users, groups and roles.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_manage-attach-detach.html>

use aws::Call;
use state::Stored;

use crate::error::{Error, Limit, Missing, Result};
use crate::group::Group;
use crate::managed_policy::{Use, sort_key};
use crate::name::{self, PolicyArn};
use crate::page::{Ask, Page};
use crate::policy_holder::{PolicyHolder, scope};
use crate::role::Role;
use crate::user::User;
use crate::{Iam, model};

/// Attaching again changes nothing and is no error.
async fn attach<R: PolicyHolder>(iam: &Iam, call: &Call, holder: &str, arn: &str) -> Result<()> {
    let account = call.account()?;
    iam.retry(async || {
        let stored: Stored<R> = iam.holder(&scope(account), holder).await?;
        let mut record = stored.record.clone();
        record.check_modifiable()?;
        let mut txn = iam.records.transaction();
        iam.begin_use(&mut txn, account, arn, Use::Attachment).await?;
        if !record.policies_mut().attached.insert(arn.into()) {
            return Ok(());
        }
        if record.policies().attached.len() > R::ATTACHED_QUOTA.max() {
            return Err(Error::LimitExceeded(Limit::Quota(R::ATTACHED_QUOTA)));
        }
        txn.update(&stored, &record);
        txn.commit().await?;
        Ok(())
    })
    .await
}

async fn detach<R: PolicyHolder>(iam: &Iam, call: &Call, holder: &str, arn: &str) -> Result<()> {
    let account = call.account()?;
    if PolicyArn::parse(arn).is_none() {
        return Err(Error::invalid_arn(arn));
    }
    iam.retry(async || {
        let stored: Stored<R> = iam.holder(&scope(account), holder).await?;
        let mut record = stored.record.clone();
        record.check_modifiable()?;
        if !record.policies_mut().attached.remove(arn) {
            return Err(Error::NoSuchEntity(Missing::Policy(arn.into())));
        }
        let mut txn = iam.records.transaction();
        iam.end_use(&mut txn, account, arn, Use::Attachment).await?;
        txn.update(&stored, &record);
        txn.commit().await?;
        Ok(())
    })
    .await
}

async fn list<R: PolicyHolder>(
    iam: &Iam,
    call: &Call,
    holder: &str,
    path_prefix: Option<&str>,
    ask: &Ask,
) -> Result<Page<model::AttachedPolicy>> {
    let stored: Stored<R> = iam.holder(&scope(call.account()?), holder).await?;
    let mut attached = sorted(&stored.record);
    attached.retain(|(arn, _)| name::under(&arn.path, path_prefix));
    Ok(ask.cut(attached.into_iter().map(|(arn, shape)| (sort_key(&arn), shape))))
}

/// A holder's attached policies in the order in which they are listed.
fn sorted<R: PolicyHolder>(holder: &R) -> Vec<(PolicyArn, model::AttachedPolicy)> {
    let attached = holder.policies().attached.iter();
    let mut sorted: Vec<_> = attached
        .filter_map(|text| {
            let arn = PolicyArn::parse(text)?;
            let shape = model::AttachedPolicy {
                policy_name: Some(arn.name.clone()),
                policy_arn: Some(text.clone()),
            };
            Some((arn, shape))
        })
        .collect();
    sorted.sort_by_key(|(arn, _)| sort_key(arn));
    sorted
}

/// All attached policies of a holder, as GetAccountAuthorizationDetails shows them.
pub(crate) fn shapes<R: PolicyHolder>(holder: &R) -> Vec<model::AttachedPolicy> {
    sorted(holder).into_iter().map(|(_, shape)| shape).collect()
}

/// Whom a list of entities is about, and what they use the policy as.
struct Users<'a> {
    arn: &'a str,
    usage: Option<&'a str>,
    path_prefix: Option<&'a str>,
}

impl Users<'_> {
    fn include<R: PolicyHolder>(&self, holder: &R, path: &str, boundary: Option<&str>) -> bool {
        let attached = holder.policies().attached.contains(self.arn);
        let bounded = boundary == Some(self.arn);
        let used = match self.usage {
            Some("PermissionsBoundary") => bounded,
            Some(_) => attached,
            None => attached || bounded,
        };
        used && name::under(path, self.path_prefix)
    }
}

/// Groups, then users, then roles; one page may hold some of each.
pub async fn list_entities(
    iam: &Iam,
    call: &Call,
    input: model::ListEntitiesForPolicyRequest,
) -> Result<model::ListEntitiesForPolicyResponse> {
    let account = call.account()?;
    let scope = scope(account);
    let ask = iam
        .ask(call, "iam:ListEntitiesForPolicy", input.marker.as_deref(), input.max_items)
        .await?;
    iam.policy(account, &input.policy_arn).await?;
    let users = Users {
        arn: &input.policy_arn,
        usage: input.policy_usage_filter.as_deref(),
        path_prefix: input.path_prefix.as_deref(),
    };
    let wanted = |kind: &str| input.entity_filter.as_deref().is_none_or(|asked| asked == kind);
    let mut found: Vec<(String, Entity)> = Vec::new();
    if wanted("Group") {
        let keep = |group: &Group| users.include(group, &group.path, None);
        let groups = iam.all(&scope, keep).await?;
        found.extend(groups.into_iter().map(|g| (format!("g/{}", g.key.id), g.record.into())));
    }
    if wanted("Role") {
        let keep = |role: &Role| users.include(role, &role.path, role.boundary.as_deref());
        let roles = iam.all(&scope, keep).await?;
        found.extend(roles.into_iter().map(|r| (format!("r/{}", r.key.id), r.record.into())));
    }
    if wanted("User") {
        let keep = |user: &User| users.include(user, &user.path, user.boundary.as_deref());
        let users = iam.all(&scope, keep).await?;
        found.extend(users.into_iter().map(|u| (format!("u/{}", u.key.id), u.record.into())));
    }
    let page = ask.cut(found);
    let mut answer = model::ListEntitiesForPolicyResponse {
        policy_groups: Some(Vec::new()),
        policy_users: Some(Vec::new()),
        policy_roles: Some(Vec::new()),
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
    };
    for entity in page.items {
        match entity {
            Entity::Group(group) => answer.policy_groups.get_or_insert_default().push(group),
            Entity::User(user) => answer.policy_users.get_or_insert_default().push(user),
            Entity::Role(role) => answer.policy_roles.get_or_insert_default().push(role),
        }
    }
    Ok(answer)
}

enum Entity {
    Group(model::PolicyGroup),
    User(model::PolicyUser),
    Role(model::PolicyRole),
}

impl From<Group> for Entity {
    fn from(group: Group) -> Self {
        let (group_name, group_id) = (Some(group.name), Some(group.id));
        Self::Group(model::PolicyGroup { group_name, group_id })
    }
}

impl From<User> for Entity {
    fn from(user: User) -> Self {
        let (user_name, user_id) = (Some(user.name), Some(user.id));
        Self::User(model::PolicyUser { user_name, user_id })
    }
}

impl From<Role> for Entity {
    fn from(role: Role) -> Self {
        let (role_name, role_id) = (Some(role.name), Some(role.id));
        Self::Role(model::PolicyRole { role_name, role_id })
    }
}

pub async fn attach_user(
    iam: &Iam,
    call: &Call,
    input: model::AttachUserPolicyRequest,
) -> Result<()> {
    attach::<User>(iam, call, &input.user_name, &input.policy_arn).await
}

pub async fn detach_user(
    iam: &Iam,
    call: &Call,
    input: model::DetachUserPolicyRequest,
) -> Result<()> {
    detach::<User>(iam, call, &input.user_name, &input.policy_arn).await
}

pub async fn list_user(
    iam: &Iam,
    call: &Call,
    input: model::ListAttachedUserPoliciesRequest,
) -> Result<model::ListAttachedUserPoliciesResponse> {
    let ask = iam
        .ask(call, "iam:ListAttachedUserPolicies", input.marker.as_deref(), input.max_items)
        .await?;
    let prefix = input.path_prefix.as_deref();
    let page = list::<User>(iam, call, &input.user_name, prefix, &ask).await?;
    Ok(model::ListAttachedUserPoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        attached_policies: Some(page.items),
        marker: page.marker,
    })
}

pub async fn attach_group(
    iam: &Iam,
    call: &Call,
    input: model::AttachGroupPolicyRequest,
) -> Result<()> {
    attach::<Group>(iam, call, &input.group_name, &input.policy_arn).await
}

pub async fn detach_group(
    iam: &Iam,
    call: &Call,
    input: model::DetachGroupPolicyRequest,
) -> Result<()> {
    detach::<Group>(iam, call, &input.group_name, &input.policy_arn).await
}

pub async fn list_group(
    iam: &Iam,
    call: &Call,
    input: model::ListAttachedGroupPoliciesRequest,
) -> Result<model::ListAttachedGroupPoliciesResponse> {
    let ask = iam
        .ask(call, "iam:ListAttachedGroupPolicies", input.marker.as_deref(), input.max_items)
        .await?;
    let prefix = input.path_prefix.as_deref();
    let page = list::<Group>(iam, call, &input.group_name, prefix, &ask).await?;
    Ok(model::ListAttachedGroupPoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        attached_policies: Some(page.items),
        marker: page.marker,
    })
}

pub async fn attach_role(
    iam: &Iam,
    call: &Call,
    input: model::AttachRolePolicyRequest,
) -> Result<()> {
    attach::<Role>(iam, call, &input.role_name, &input.policy_arn).await
}

pub async fn detach_role(
    iam: &Iam,
    call: &Call,
    input: model::DetachRolePolicyRequest,
) -> Result<()> {
    detach::<Role>(iam, call, &input.role_name, &input.policy_arn).await
}

pub async fn list_role(
    iam: &Iam,
    call: &Call,
    input: model::ListAttachedRolePoliciesRequest,
) -> Result<model::ListAttachedRolePoliciesResponse> {
    let ask = iam
        .ask(call, "iam:ListAttachedRolePolicies", input.marker.as_deref(), input.max_items)
        .await?;
    let prefix = input.path_prefix.as_deref();
    let page = list::<Role>(iam, call, &input.role_name, prefix, &ask).await?;
    Ok(model::ListAttachedRolePoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        attached_policies: Some(page.items),
        marker: page.marker,
    })
}
