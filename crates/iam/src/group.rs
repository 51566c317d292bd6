//! Groups of users.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups.html>

use aws::{AccountId, Call, Timestamp};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, InUse, Limit, Missing, Result, Taken};
use crate::id::{self, Kind, UniqueId};
use crate::policy_holder::{Policies, PolicyHolder, scope};
use crate::quota::{GROUP_POLICY_SIZE_MAX, Quota};
use crate::user::User;
use crate::{Iam, model, name};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub id: String,
    pub name: String,
    pub path: String,
    pub created: Timestamp,
    pub policies: Policies,
    /// How many users are in the group. Who they are is said by the users.
    pub members: usize,
}

impl Record for Group {
    const KIND: &'static str = "iam.group";
    const FORMAT: u32 = 1;
}

impl PolicyHolder for Group {
    const NOUN: &'static str = "group";
    const ATTACHED_QUOTA: Quota = Quota::PoliciesPerGroup;
    const INLINE_SIZE_MAX: usize = GROUP_POLICY_SIZE_MAX;

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
        Missing::Group(name.into())
    }
}

impl Group {
    pub fn arn(&self, account: &AccountId) -> String {
        name::arn(account, "group", &self.path, &self.name)
    }

    pub fn shape(&self, account: &AccountId) -> model::Group {
        model::Group {
            path: self.path.clone(),
            group_name: self.name.clone(),
            group_id: self.id.clone(),
            arn: self.arn(account),
            create_date: self.created,
        }
    }
}

impl Iam {
    pub(crate) async fn group(&self, scope: &Scope, name: &str) -> Result<Stored<Group>> {
        self.holder(scope, name).await
    }

    /// The groups a user is in, in the order of their names.
    pub(crate) async fn groups_of(&self, scope: &Scope, user: &User) -> Result<Vec<Stored<Group>>> {
        let mut groups: Vec<Stored<Group>> = Vec::with_capacity(user.groups.len());
        for id in &user.groups {
            if let Some(found) = self.records.get::<UniqueId>(scope, id).await? {
                groups.extend(self.records.get(scope, &found.record.key).await?);
            }
        }
        groups.sort_by(|one, two| one.key.id.cmp(&two.key.id));
        Ok(groups)
    }
}

pub async fn create(
    iam: &Iam,
    call: &Call,
    input: model::CreateGroupRequest,
) -> Result<model::CreateGroupResponse> {
    let account = call.account()?;
    let scope = scope(account);
    name::check("groupName", &input.group_name)?;
    let group = Group {
        id: id::unique(&iam.random, Kind::Group),
        path: name::path("path", input.path)?,
        name: input.group_name,
        created: call.at.to_whole_secs(),
        policies: Policies::default(),
        members: 0,
    };
    let key = name::key(&group.name);
    iam.retry_counting(async || {
        if iam.records.get::<Group>(&scope, &key).await?.is_some() {
            return Err(Error::EntityAlreadyExists(Taken::Group(group.name.clone())));
        }
        let mut txn = iam.records.transaction();
        iam.count_up(&mut txn, &scope, Quota::GroupsPerAccount).await?;
        txn.create(&scope, &key, &group);
        txn.create(&scope, &group.id, &UniqueId { key: key.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await?;
    Ok(model::CreateGroupResponse { group: group.shape(account) })
}

/// A group and the asked page of its users.
pub async fn get(
    iam: &Iam,
    call: &Call,
    input: model::GetGroupRequest,
) -> Result<model::GetGroupResponse> {
    let account = call.account()?;
    let scope = scope(account);
    let ask = iam.ask(call, "iam:GetGroup", input.marker.as_deref(), input.max_items).await?;
    let group = iam.group(&scope, &input.group_name).await?;
    let id = &group.record.id;
    let page = iam.page(&scope, &ask, |user: &User| user.groups.contains(id)).await?;
    let page = page.map(|user| user.record.brief(account));
    Ok(model::GetGroupResponse {
        group: group.record.shape(account),
        is_truncated: Some(page.is_truncated()),
        users: page.items,
        marker: page.marker,
    })
}

pub async fn list(
    iam: &Iam,
    call: &Call,
    input: model::ListGroupsRequest,
) -> Result<model::ListGroupsResponse> {
    let account = call.account()?;
    let ask = iam.ask(call, "iam:ListGroups", input.marker.as_deref(), input.max_items).await?;
    let prefix = input.path_prefix.as_deref();
    let page =
        iam.page(&scope(account), &ask, |group: &Group| name::under(&group.path, prefix)).await?;
    let page = page.map(|group| group.record.shape(account));
    Ok(model::ListGroupsResponse {
        is_truncated: Some(page.is_truncated()),
        groups: page.items,
        marker: page.marker,
    })
}

/// Renames or moves a group; its members and policies stay.
pub async fn update(iam: &Iam, call: &Call, input: model::UpdateGroupRequest) -> Result<()> {
    let scope = scope(call.account()?);
    let new_path = match input.new_path {
        Some(path) => Some(name::path("newPath", Some(path))?),
        None => None,
    };
    if let Some(new_name) = &input.new_group_name {
        name::check("newGroupName", new_name)?;
    }
    iam.retry(async || {
        let old = iam.group(&scope, &input.group_name).await?;
        let mut group = old.record.clone();
        if let Some(path) = &new_path {
            group.path.clone_from(path);
        }
        if let Some(name) = &input.new_group_name {
            group.name.clone_from(name);
        }
        let key = name::key(&group.name);
        let mut txn = iam.records.transaction();
        if key == old.key.id {
            txn.update(&old, &group);
        } else {
            if iam.records.get::<Group>(&scope, &key).await?.is_some() {
                return Err(Error::EntityAlreadyExists(Taken::Group(group.name)));
            }
            txn.delete(&old).create(&scope, &key, &group);
            txn.put_unconditionally(&scope, &group.id, &UniqueId { key: key.clone() });
        }
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn delete(iam: &Iam, call: &Call, input: model::DeleteGroupRequest) -> Result<()> {
    let scope = scope(call.account()?);
    iam.retry_counting(async || {
        let group = iam.group(&scope, &input.group_name).await?;
        group.record.policies.check_none()?;
        if group.record.members > 0 {
            return Err(Error::DeleteConflict(InUse::GroupMembership));
        }
        let mut txn = iam.records.transaction();
        iam.count_down(&mut txn, &scope, Quota::GroupsPerAccount).await?;
        txn.delete(&group);
        if let Some(id) = iam.records.get::<UniqueId>(&scope, &group.record.id).await? {
            txn.delete(&id);
        }
        txn.commit().await?;
        Ok(())
    })
    .await
}

/// Adding a member again changes nothing and is no error.
pub async fn add_user(iam: &Iam, call: &Call, input: model::AddUserToGroupRequest) -> Result<()> {
    let scope = scope(call.account()?);
    iam.retry(async || {
        let user = iam.user(&scope, &input.user_name).await?;
        let group = iam.group(&scope, &input.group_name).await?;
        let mut changed = user.record.clone();
        if !changed.groups.insert(group.record.id.clone()) {
            return Ok(());
        }
        if changed.groups.len() > Quota::GroupsPerUser.max() {
            return Err(Error::LimitExceeded(Limit::Quota(Quota::GroupsPerUser)));
        }
        let mut txn = iam.records.transaction();
        txn.update(&user, &changed);
        let members = group.record.members + 1;
        txn.update(&group, &Group { members, ..group.record.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}

/// Removing one who is no member changes nothing and is no error.
pub async fn remove_user(
    iam: &Iam,
    call: &Call,
    input: model::RemoveUserFromGroupRequest,
) -> Result<()> {
    let scope = scope(call.account()?);
    iam.retry(async || {
        let user = iam.user(&scope, &input.user_name).await?;
        let group = iam.group(&scope, &input.group_name).await?;
        let mut changed = user.record.clone();
        if !changed.groups.remove(&group.record.id) {
            return Ok(());
        }
        let mut txn = iam.records.transaction();
        txn.update(&user, &changed);
        let members = group.record.members.saturating_sub(1);
        txn.update(&group, &Group { members, ..group.record.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn list_for_user(
    iam: &Iam,
    call: &Call,
    input: model::ListGroupsForUserRequest,
) -> Result<model::ListGroupsForUserResponse> {
    let account = call.account()?;
    let scope = scope(account);
    let ask =
        iam.ask(call, "iam:ListGroupsForUser", input.marker.as_deref(), input.max_items).await?;
    let user = iam.user(&scope, &input.user_name).await?;
    let groups = iam.groups_of(&scope, &user.record).await?;
    let page = ask.cut(groups.into_iter().map(|g| (g.key.id, g.record.shape(account))));
    Ok(model::ListGroupsForUserResponse {
        is_truncated: Some(page.is_truncated()),
        groups: page.items,
        marker: page.marker,
    })
}
