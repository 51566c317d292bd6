//! Everything that decides permissions in an account, at once.
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>

use aws::{AccountId, Call};
use state::Stored;

use crate::aws_managed_policy::{self, AwsManagedPolicy};
use crate::error::Result;
use crate::group::Group;
use crate::instance_profile::InstanceProfile;
use crate::managed_policy::{ManagedPolicy, PolicyUses};
use crate::policy_holder::{Policies, scope};
use crate::role::Role;
use crate::user::User;
use crate::{Iam, attachment, document, model, permissions_boundary};

/// One item of the whole list, before its details are gathered.
enum Item {
    User(Box<User>),
    Group(Box<Group>),
    Role(Box<Stored<Role>>),
    Own(Box<Stored<ManagedPolicy>>),
    Aws(Box<AwsManagedPolicy>, PolicyUses),
}

/// Users, groups, roles, the account's policies and those of AWS that it uses; one page may
/// hold some of each.
pub async fn get(
    iam: &Iam,
    call: &Call,
    input: model::GetAccountAuthorizationDetailsRequest,
) -> Result<model::GetAccountAuthorizationDetailsResponse> {
    let account = call.account()?;
    let ask = iam
        .ask(call, "iam:GetAccountAuthorizationDetails", input.marker.as_deref(), input.max_items)
        .await?;
    let filter = input.filter.unwrap_or_default();
    let wanted = |kind: &str| filter.is_empty() || filter.iter().any(|asked| asked == kind);
    let page = ask.cut(items(iam, account, wanted).await?);
    let mut users = Vec::new();
    let mut groups = Vec::new();
    let mut roles = Vec::new();
    let mut policies = Vec::new();
    let is_truncated = Some(page.is_truncated());
    for item in page.items {
        match item {
            Item::User(user) => users.push(user_detail(iam, account, &user).await?),
            Item::Group(group) => groups.push(group_detail(account, &group)),
            Item::Role(role) => roles.push(role_detail(iam, account, &role).await?),
            Item::Own(policy) => policies.push(own_policy_detail(iam, account, &policy).await?),
            Item::Aws(policy, uses) => policies.push(aws_policy_detail(&policy, uses)),
        }
    }
    Ok(model::GetAccountAuthorizationDetailsResponse {
        user_detail_list: Some(users),
        group_detail_list: Some(groups),
        role_detail_list: Some(roles),
        policies: Some(policies),
        is_truncated,
        marker: page.marker,
    })
}

/// Keyed so that kinds follow each other and each is in the order of its own list.
async fn items(
    iam: &Iam,
    account: &AccountId,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Item)>> {
    let scope = scope(account);
    let mut items = Vec::new();
    if wanted("User") {
        let found = iam.all::<User>(&scope, |_| true).await?;
        let keyed = |u: Stored<User>| (format!("1/{}", u.key.id), Item::User(Box::new(u.record)));
        items.extend(found.into_iter().map(keyed));
    }
    if wanted("Group") {
        let found = iam.all::<Group>(&scope, |_| true).await?;
        let keyed = |g: Stored<Group>| (format!("2/{}", g.key.id), Item::Group(Box::new(g.record)));
        items.extend(found.into_iter().map(keyed));
    }
    if wanted("Role") {
        let found = iam.all::<Role>(&scope, |_| true).await?;
        let keyed = |r: Stored<Role>| (format!("3/{}", r.key.id), Item::Role(Box::new(r)));
        items.extend(found.into_iter().map(keyed));
    }
    if wanted("LocalManagedPolicy") {
        let found = iam.all::<ManagedPolicy>(&scope, |_| true).await?;
        let keyed = |p: Stored<ManagedPolicy>| (format!("4/{}", p.key.id), Item::Own(Box::new(p)));
        items.extend(found.into_iter().map(keyed));
    }
    if wanted("AWSManagedPolicy") {
        for policy in aws_managed_policy::all() {
            let uses = iam.aws_uses(&scope, &policy).await?;
            if uses != PolicyUses::default() {
                items.push((format!("5/{}", policy.name), Item::Aws(Box::new(policy), uses)));
            }
        }
    }
    items.sort_by(|(one, _), (two, _)| one.cmp(two));
    Ok(items)
}

fn inline(policies: &Policies) -> Option<Vec<model::PolicyDetail>> {
    let detail = |(name, text): (&String, &String)| model::PolicyDetail {
        policy_name: Some(name.clone()),
        policy_document: Some(document::encode(text)),
    };
    Some(policies.inline.iter().map(detail).collect())
}

async fn user_detail(iam: &Iam, account: &AccountId, user: &User) -> Result<model::UserDetail> {
    let groups = iam.groups_of(&scope(account), user).await?;
    Ok(model::UserDetail {
        path: Some(user.path.clone()),
        user_name: Some(user.name.clone()),
        user_id: Some(user.id.clone()),
        arn: Some(user.arn(account)),
        create_date: Some(user.created),
        user_policy_list: inline(&user.policies),
        group_list: Some(groups.into_iter().map(|group| group.record.name).collect()),
        attached_managed_policies: Some(attachment::shapes(user)),
        permissions_boundary: permissions_boundary::shape(user.boundary.as_deref()),
        tags: Some(user.tags.shapes()),
    })
}

fn group_detail(account: &AccountId, group: &Group) -> model::GroupDetail {
    model::GroupDetail {
        path: Some(group.path.clone()),
        group_name: Some(group.name.clone()),
        group_id: Some(group.id.clone()),
        arn: Some(group.arn(account)),
        create_date: Some(group.created),
        group_policy_list: inline(&group.policies),
        attached_managed_policies: Some(attachment::shapes(group)),
    }
}

async fn role_detail(
    iam: &Iam,
    account: &AccountId,
    stored: &Stored<Role>,
) -> Result<model::RoleDetail> {
    let role = &stored.record;
    let holds = |profile: &InstanceProfile| profile.role.as_ref() == Some(&stored.key.id);
    let mut profiles = Vec::new();
    for profile in iam.all(&scope(account), holds).await? {
        profiles.push(iam.brief_instance_profile(account, &profile.record).await?);
    }
    Ok(model::RoleDetail {
        path: Some(role.path.clone()),
        role_name: Some(role.name.clone()),
        role_id: Some(role.id.clone()),
        arn: Some(role.arn(account)),
        create_date: Some(role.created),
        assume_role_policy_document: Some(iam.shown_trust(&role.trust).await?),
        instance_profile_list: Some(profiles),
        role_policy_list: inline(&role.policies),
        attached_managed_policies: Some(attachment::shapes(role)),
        permissions_boundary: permissions_boundary::shape(role.boundary.as_deref()),
        tags: Some(role.tags.shapes()),
        role_last_used: Some(iam.role_last_used(account, role)),
    })
}

async fn own_policy_detail(
    iam: &Iam,
    account: &AccountId,
    stored: &Stored<ManagedPolicy>,
) -> Result<model::ManagedPolicyDetail> {
    let policy = &stored.record;
    let mut versions = Vec::new();
    for number in policy.versions.keys().rev() {
        let text = iam.version_document(account, &stored.key.id, *number).await?;
        versions.push(crate::policy_version::shape(*number, policy, text.as_deref()));
    }
    let brief = policy.brief(account);
    Ok(model::ManagedPolicyDetail {
        description: policy.description.clone(),
        ..detail(brief, versions)
    })
}

fn aws_policy_detail(policy: &AwsManagedPolicy, uses: PolicyUses) -> model::ManagedPolicyDetail {
    let version = model::PolicyVersion {
        document: Some(document::encode(policy.document)),
        version_id: Some(policy.default_version.into()),
        is_default_version: Some(true),
        create_date: Some(policy.updated),
    };
    model::ManagedPolicyDetail {
        description: policy.description.map(str::to_owned),
        ..detail(crate::managed_policy::brief_aws(policy, uses), vec![version])
    }
}

fn detail(brief: model::Policy, versions: Vec<model::PolicyVersion>) -> model::ManagedPolicyDetail {
    model::ManagedPolicyDetail {
        policy_name: brief.policy_name,
        policy_id: brief.policy_id,
        arn: brief.arn,
        path: brief.path,
        default_version_id: brief.default_version_id,
        attachment_count: brief.attachment_count,
        permissions_boundary_usage_count: brief.permissions_boundary_usage_count,
        is_attachable: brief.is_attachable,
        description: None,
        create_date: brief.create_date,
        update_date: brief.update_date,
        policy_version_list: Some(versions),
    }
}
