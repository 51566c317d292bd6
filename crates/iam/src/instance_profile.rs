//! Instance profiles: how an EC2 instance is given a role.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html>

use aws::{AccountId, Call, Timestamp};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, InUse, Limit, Missing, Result, Taken};
use crate::id::{self, Kind};
use crate::page::Page;
use crate::policy_holder::{PolicyHolder as _, scope};
use crate::quota::Quota;
use crate::role::Role;
use crate::tag::{KeyCase, Tags};
use crate::{Iam, model, name};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceProfile {
    pub id: String,
    pub name: String,
    pub path: String,
    pub created: Timestamp,
    pub tags: Tags,
    /// The key of the role it holds: at most one, and roles are never renamed.
    pub role: Option<String>,
}

impl Record for InstanceProfile {
    const KIND: &'static str = "iam.instance-profile";
    const FORMAT: u32 = 1;
}

impl InstanceProfile {
    pub fn arn(&self, account: &AccountId) -> String {
        name::arn(account, "instance-profile", &self.path, &self.name)
    }
}

impl Iam {
    pub(crate) async fn instance_profile(
        &self,
        scope: &Scope,
        name: &str,
    ) -> Result<Stored<InstanceProfile>> {
        let found = self.records.get(scope, &name::key(name)).await?;
        found.ok_or_else(|| Error::NoSuchEntity(Missing::InstanceProfile(name.into())))
    }

    /// As lists show it: without tags.
    pub(crate) async fn brief_instance_profile(
        &self,
        account: &AccountId,
        profile: &InstanceProfile,
    ) -> Result<model::InstanceProfile> {
        let mut roles = Vec::new();
        if let Some(key) = &profile.role
            && let Some(role) = self.records.get::<Role>(&scope(account), key).await?
        {
            roles.push(self.brief_role(account, &role.record).await?);
        }
        Ok(model::InstanceProfile {
            path: profile.path.clone(),
            instance_profile_name: profile.name.clone(),
            instance_profile_id: profile.id.clone(),
            arn: profile.arn(account),
            create_date: profile.created,
            roles,
            tags: None,
        })
    }

    async fn brief_page(
        &self,
        account: &AccountId,
        page: Page<Stored<InstanceProfile>>,
    ) -> Result<Page<model::InstanceProfile>> {
        let mut items = Vec::with_capacity(page.items.len());
        for profile in &page.items {
            items.push(self.brief_instance_profile(account, &profile.record).await?);
        }
        Ok(Page { items, marker: page.marker })
    }
}

pub async fn create(
    iam: &Iam,
    call: &Call,
    input: model::CreateInstanceProfileRequest,
) -> Result<model::CreateInstanceProfileResponse> {
    let account = call.account()?;
    let scope = scope(account);
    name::check("instanceProfileName", &input.instance_profile_name)?;
    let profile = InstanceProfile {
        id: id::unique(&iam.random, Kind::InstanceProfile),
        path: name::path("path", input.path)?,
        name: input.instance_profile_name,
        created: call.at.to_whole_secs(),
        tags: Tags::from_input(input.tags, KeyCase::Counts)?,
        role: None,
    };
    let key = name::key(&profile.name);
    iam.retry_counting(async || {
        if iam.records.get::<InstanceProfile>(&scope, &key).await?.is_some() {
            let taken = Taken::InstanceProfile(profile.name.clone());
            return Err(Error::EntityAlreadyExists(taken));
        }
        let mut txn = iam.records.transaction();
        iam.count_up(&mut txn, &scope, Quota::InstanceProfilesPerAccount).await?;
        txn.create(&scope, &key, &profile);
        txn.commit().await?;
        Ok(())
    })
    .await?;
    let instance_profile = model::InstanceProfile {
        tags: profile.tags.shapes_if_any(),
        ..iam.brief_instance_profile(account, &profile).await?
    };
    Ok(model::CreateInstanceProfileResponse { instance_profile })
}

pub async fn get(
    iam: &Iam,
    call: &Call,
    input: model::GetInstanceProfileRequest,
) -> Result<model::GetInstanceProfileResponse> {
    let account = call.account()?;
    let profile = iam.instance_profile(&scope(account), &input.instance_profile_name).await?.record;
    let instance_profile = model::InstanceProfile {
        tags: Some(profile.tags.shapes()),
        ..iam.brief_instance_profile(account, &profile).await?
    };
    Ok(model::GetInstanceProfileResponse { instance_profile })
}

pub async fn list(
    iam: &Iam,
    call: &Call,
    input: model::ListInstanceProfilesRequest,
) -> Result<model::ListInstanceProfilesResponse> {
    let account = call.account()?;
    let ask =
        iam.ask(call, "iam:ListInstanceProfiles", input.marker.as_deref(), input.max_items).await?;
    let prefix = input.path_prefix.as_deref();
    let under = |profile: &InstanceProfile| name::under(&profile.path, prefix);
    let page = iam.page(&scope(account), &ask, under).await?;
    let page = iam.brief_page(account, page).await?;
    Ok(model::ListInstanceProfilesResponse {
        is_truncated: Some(page.is_truncated()),
        instance_profiles: page.items,
        marker: page.marker,
    })
}

pub async fn list_for_role(
    iam: &Iam,
    call: &Call,
    input: model::ListInstanceProfilesForRoleRequest,
) -> Result<model::ListInstanceProfilesForRoleResponse> {
    let account = call.account()?;
    let ask = iam
        .ask(call, "iam:ListInstanceProfilesForRole", input.marker.as_deref(), input.max_items)
        .await?;
    let role = iam.role(&scope(account), &input.role_name).await?;
    let holds = |profile: &InstanceProfile| profile.role.as_ref() == Some(&role.key.id);
    let page = iam.page(&scope(account), &ask, holds).await?;
    let page = iam.brief_page(account, page).await?;
    Ok(model::ListInstanceProfilesForRoleResponse {
        is_truncated: Some(page.is_truncated()),
        instance_profiles: page.items,
        marker: page.marker,
    })
}

pub async fn delete(
    iam: &Iam,
    call: &Call,
    input: model::DeleteInstanceProfileRequest,
) -> Result<()> {
    let scope = scope(call.account()?);
    iam.retry_counting(async || {
        let profile = iam.instance_profile(&scope, &input.instance_profile_name).await?;
        if profile.record.role.is_some() {
            return Err(Error::DeleteConflict(InUse::InstanceProfile));
        }
        let mut txn = iam.records.transaction();
        iam.count_down(&mut txn, &scope, Quota::InstanceProfilesPerAccount).await?;
        txn.delete(&profile);
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn add_role(
    iam: &Iam,
    call: &Call,
    input: model::AddRoleToInstanceProfileRequest,
) -> Result<()> {
    let scope = scope(call.account()?);
    iam.retry(async || {
        let profile = iam.instance_profile(&scope, &input.instance_profile_name).await?;
        let role = iam.role(&scope, &input.role_name).await?;
        role.record.check_modifiable()?;
        if profile.record.role.is_some() {
            return Err(Error::LimitExceeded(Limit::Quota(Quota::RolesPerInstanceProfile)));
        }
        let held = Some(role.key.id.clone());
        let mut txn = iam.records.transaction();
        txn.update(&profile, &InstanceProfile { role: held, ..profile.record.clone() });
        let instance_profiles = role.record.instance_profiles + 1;
        txn.update(&role, &Role { instance_profiles, ..role.record.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn remove_role(
    iam: &Iam,
    call: &Call,
    input: model::RemoveRoleFromInstanceProfileRequest,
) -> Result<()> {
    let scope = scope(call.account()?);
    iam.retry(async || {
        let profile = iam.instance_profile(&scope, &input.instance_profile_name).await?;
        let role = iam.role(&scope, &input.role_name).await?;
        if profile.record.role.as_ref() != Some(&role.key.id) {
            return Err(Error::NoSuchEntity(Missing::RoleInProfile {
                role: input.role_name.clone(),
                profile: input.instance_profile_name.clone(),
            }));
        }
        let mut txn = iam.records.transaction();
        txn.update(&profile, &InstanceProfile { role: None, ..profile.record.clone() });
        let instance_profiles = role.record.instance_profiles.saturating_sub(1);
        txn.update(&role, &Role { instance_profiles, ..role.record.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn tag(iam: &Iam, call: &Call, input: model::TagInstanceProfileRequest) -> Result<()> {
    let tags = crate::tag::pairs(input.tags);
    change_tags(iam, call, &input.instance_profile_name, |old| old.put(&tags, KeyCase::Counts))
        .await
}

pub async fn untag(
    iam: &Iam,
    call: &Call,
    input: model::UntagInstanceProfileRequest,
) -> Result<()> {
    crate::tag::check_keys(&input.tag_keys)?;
    change_tags(iam, call, &input.instance_profile_name, |old| {
        old.remove(&input.tag_keys, KeyCase::Counts);
        Ok(())
    })
    .await
}

async fn change_tags(
    iam: &Iam,
    call: &Call,
    name: &str,
    change: impl Fn(&mut Tags) -> Result<()>,
) -> Result<()> {
    let scope = scope(call.account()?);
    iam.retry(async || {
        let stored = iam.instance_profile(&scope, name).await?;
        let mut profile = stored.record.clone();
        change(&mut profile.tags)?;
        let mut txn = iam.records.transaction();
        txn.update(&stored, &profile);
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn list_tags(
    iam: &Iam,
    call: &Call,
    input: model::ListInstanceProfileTagsRequest,
) -> Result<model::ListInstanceProfileTagsResponse> {
    let ask = iam
        .ask(call, "iam:ListInstanceProfileTags", input.marker.as_deref(), input.max_items)
        .await?;
    let scope = scope(call.account()?);
    let profile = iam.instance_profile(&scope, &input.instance_profile_name).await?;
    let page = profile.record.tags.page(&ask);
    Ok(model::ListInstanceProfileTagsResponse {
        is_truncated: Some(page.is_truncated()),
        tags: page.items,
        marker: page.marker,
    })
}
