//! Users.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users.html>

use std::collections::BTreeSet;

use aws::{AccountId, Call, Identity, Principal, Timestamp};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, InUse, Missing, Result, Taken};
use crate::id::{self, Kind, UniqueId};
use crate::login_profile::LoginProfile;
use crate::managed_policy::Use;
use crate::policy_holder::{Policies, PolicyHolder, scope};
use crate::quota::{Quota, USER_POLICY_SIZE_MAX};
use crate::tag::{KeyCase, Tags};
use crate::{Iam, model, name, permissions_boundary};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: String,
    pub name: String,
    pub path: String,
    pub created: Timestamp,
    pub tags: Tags,
    /// The ARN of the managed policy that bounds what this user may do.
    pub boundary: Option<String>,
    pub policies: Policies,
    /// Unique ids of the groups the user is in.
    pub groups: BTreeSet<String>,
    /// Ids of the user's access keys.
    pub access_keys: BTreeSet<String>,
    pub login_profile: Option<LoginProfile>,
}

impl Record for User {
    const KIND: &'static str = "iam.user";
    const FORMAT: u32 = 1;
}

impl PolicyHolder for User {
    const NOUN: &'static str = "user";
    const ATTACHED_QUOTA: Quota = Quota::PoliciesPerUser;
    const INLINE_SIZE_MAX: usize = USER_POLICY_SIZE_MAX;

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
        Missing::User(name.into())
    }
}

impl User {
    pub fn arn(&self, account: &AccountId) -> String {
        name::arn(account, "user", &self.path, &self.name)
    }

    pub fn principal(&self) -> Principal {
        Principal::User { id: self.id.clone(), path: self.path.clone(), name: self.name.clone() }
    }

    /// As lists show it: without tags and boundary, as in AWS.
    pub fn brief(&self, account: &AccountId) -> model::User {
        model::User {
            path: self.path.clone(),
            user_name: self.name.clone(),
            user_id: self.id.clone(),
            arn: self.arn(account),
            create_date: self.created,
            password_last_used: None,
            permissions_boundary: None,
            tags: None,
        }
    }

    pub fn full(&self, account: &AccountId) -> model::User {
        model::User {
            permissions_boundary: permissions_boundary::shape(self.boundary.as_deref()),
            tags: self.tags.shapes_if_any(),
            ..self.brief(account)
        }
    }
}

/// The user that an operation means when it names none.
///
/// # Errors
/// `ValidationError` unless a user asks.
pub fn named_or_caller(identity: &Identity, name: Option<String>) -> Result<String> {
    match (name, &identity.principal) {
        (Some(name), _) => Ok(name),
        (None, Principal::User { name, .. }) => Ok(name.clone()),
        (None, _) => Err(Error::ValidationError(
            "Must specify userName when calling with non-User credentials".into(),
        )),
    }
}

impl Iam {
    pub(crate) async fn user(&self, scope: &Scope, name: &str) -> Result<Stored<User>> {
        self.holder(scope, name).await
    }

    /// The user who has this unique id now, whatever the name.
    pub(crate) async fn user_by_id(&self, scope: &Scope, id: &str) -> Result<Option<Stored<User>>> {
        let Some(UniqueId { key }) = self.records.get(scope, id).await?.map(|found| found.record)
        else {
            return Ok(None);
        };
        let user: Option<Stored<User>> = self.records.get(scope, &key).await?;
        Ok(user.filter(|user| user.record.id == id))
    }
}

pub async fn create(
    iam: &Iam,
    call: &Call,
    input: model::CreateUserRequest,
) -> Result<model::CreateUserResponse> {
    let account = call.account()?;
    let scope = scope(account);
    name::check("userName", &input.user_name)?;
    let path = name::path("path", input.path)?;
    let tags = Tags::from_input(input.tags, KeyCase::Ignored)?;
    let user = User {
        id: id::unique(&iam.random, Kind::User),
        name: input.user_name,
        path,
        created: call.at.to_whole_secs(),
        tags,
        boundary: input.permissions_boundary,
        policies: Policies::default(),
        groups: BTreeSet::new(),
        access_keys: BTreeSet::new(),
        login_profile: None,
    };
    let key = name::key(&user.name);
    iam.retry_counting(async || {
        if iam.records.get::<User>(&scope, &key).await?.is_some() {
            return Err(Error::EntityAlreadyExists(Taken::User(user.name.clone())));
        }
        let mut txn = iam.records.transaction();
        iam.count_up(&mut txn, &scope, Quota::UsersPerAccount).await?;
        if let Some(boundary) = &user.boundary {
            iam.begin_use(&mut txn, account, boundary, Use::Boundary).await?;
        }
        txn.create(&scope, &key, &user);
        txn.create(&scope, &user.id, &UniqueId { key: key.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await?;
    Ok(model::CreateUserResponse { user: Some(user.full(account)) })
}

pub async fn get(
    iam: &Iam,
    call: &Call,
    input: model::GetUserRequest,
) -> Result<model::GetUserResponse> {
    let account = call.account()?;
    if input.user_name.is_none() && call.identity.principal == Principal::Root {
        return Ok(model::GetUserResponse { user: iam.root_user(account).await? });
    }
    let name = named_or_caller(&call.identity, input.user_name)?;
    let user = iam.user(&scope(account), &name).await?;
    Ok(model::GetUserResponse { user: user.record.full(account) })
}

pub async fn list(
    iam: &Iam,
    call: &Call,
    input: model::ListUsersRequest,
) -> Result<model::ListUsersResponse> {
    let account = call.account()?;
    let ask = iam.ask(call, "iam:ListUsers", input.marker.as_deref(), input.max_items).await?;
    let prefix = input.path_prefix.as_deref();
    let page =
        iam.page(&scope(account), &ask, |user: &User| name::under(&user.path, prefix)).await?;
    let page = page.map(|user| user.record.brief(account));
    Ok(model::ListUsersResponse {
        is_truncated: Some(page.is_truncated()),
        users: page.items,
        marker: page.marker,
    })
}

/// Renames or moves a user; attachments, keys and groups stay.
pub async fn update(iam: &Iam, call: &Call, input: model::UpdateUserRequest) -> Result<()> {
    let scope = scope(call.account()?);
    let new_path = match input.new_path {
        Some(path) => Some(name::path("newPath", Some(path))?),
        None => None,
    };
    if let Some(new_name) = &input.new_user_name {
        name::check("newUserName", new_name)?;
    }
    iam.retry(async || {
        let old = iam.user(&scope, &input.user_name).await?;
        let mut user = old.record.clone();
        if let Some(path) = &new_path {
            user.path.clone_from(path);
        }
        if let Some(name) = &input.new_user_name {
            user.name.clone_from(name);
        }
        let key = name::key(&user.name);
        let mut txn = iam.records.transaction();
        if key == old.key.id {
            txn.update(&old, &user);
        } else {
            if iam.records.get::<User>(&scope, &key).await?.is_some() {
                return Err(Error::EntityAlreadyExists(Taken::User(user.name)));
            }
            txn.delete(&old).create(&scope, &key, &user);
            txn.put_unconditionally(&scope, &user.id, &UniqueId { key: key.clone() });
        }
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn delete(iam: &Iam, call: &Call, input: model::DeleteUserRequest) -> Result<()> {
    let account = call.account()?;
    let scope = scope(account);
    iam.retry_counting(async || {
        let user = iam.user(&scope, &input.user_name).await?;
        check_deletable(&user.record)?;
        let mut txn = iam.records.transaction();
        iam.count_down(&mut txn, &scope, Quota::UsersPerAccount).await?;
        if let Some(boundary) = &user.record.boundary {
            iam.end_use(&mut txn, account, boundary, Use::Boundary).await?;
        }
        txn.delete(&user);
        if let Some(id) = iam.records.get::<UniqueId>(&scope, &user.record.id).await? {
            txn.delete(&id);
        }
        txn.commit().await?;
        Ok(())
    })
    .await
}

fn check_deletable(user: &User) -> Result<()> {
    user.policies.check_none()?;
    let in_use = [
        (!user.groups.is_empty(), InUse::GroupMembership),
        (!user.access_keys.is_empty(), InUse::AccessKeys),
        (user.login_profile.is_some(), InUse::LoginProfile),
    ];
    match in_use.into_iter().find(|(used, _)| *used) {
        Some((_, why)) => Err(Error::DeleteConflict(why)),
        None => Ok(()),
    }
}

pub async fn tag(iam: &Iam, call: &Call, input: model::TagUserRequest) -> Result<()> {
    let tags = crate::tag::pairs(input.tags);
    let put = |user: &mut User| user.tags.put(&tags, KeyCase::Ignored);
    iam.change_holder(call, &input.user_name, put).await?;
    Ok(())
}

pub async fn untag(iam: &Iam, call: &Call, input: model::UntagUserRequest) -> Result<()> {
    crate::tag::check_keys(&input.tag_keys)?;
    let remove = |user: &mut User| {
        user.tags.remove(&input.tag_keys, KeyCase::Ignored);
        Ok(())
    };
    iam.change_holder(call, &input.user_name, remove).await?;
    Ok(())
}

pub async fn list_tags(
    iam: &Iam,
    call: &Call,
    input: model::ListUserTagsRequest,
) -> Result<model::ListUserTagsResponse> {
    let ask = iam.ask(call, "iam:ListUserTags", input.marker.as_deref(), input.max_items).await?;
    let user = iam.user(&scope(call.account()?), &input.user_name).await?;
    let page = user.record.tags.page(&ask);
    Ok(model::ListUserTagsResponse {
        is_truncated: Some(page.is_truncated()),
        tags: page.items,
        marker: page.marker,
    })
}
