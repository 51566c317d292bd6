//! Policies embedded in one user, group or role.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html#inline-policies>

use aws::Call;
use policy::{Document, Kind};
use state::Stored;

use crate::error::{Error, Limit, Missing, Result};
use crate::group::Group;
use crate::page::{Ask, Page};
use crate::policy_holder::{PolicyHolder, scope};
use crate::role::Role;
use crate::user::User;
use crate::{Iam, document, model, name};

async fn put<R: PolicyHolder>(
    iam: &Iam,
    call: &Call,
    holder: &str,
    policy: &str,
    text: &str,
) -> Result<()> {
    name::check("policyName", policy)?;
    let put = |record: &mut R| {
        record.check_modifiable()?;
        Document::parse(text, Kind::Inline)?;
        record.policies_mut().inline.insert(policy.into(), text.into());
        let size: usize = record.policies().inline.values().map(|d| document::size(d)).sum();
        if size > R::INLINE_SIZE_MAX {
            return Err(Error::LimitExceeded(Limit::InlinePolicySize {
                max: R::INLINE_SIZE_MAX,
                holder: R::NOUN,
                name: record.name().into(),
            }));
        }
        Ok(())
    };
    iam.change_holder(call, holder, put).await?;
    Ok(())
}

/// The document as answers carry it.
async fn get<R: PolicyHolder>(iam: &Iam, call: &Call, holder: &str, name: &str) -> Result<String> {
    let stored: Stored<R> = iam.holder(&scope(call.account()?), holder).await?;
    let found = stored.record.policies().inline.get(name);
    found.map(|text| document::encode(text)).ok_or_else(|| missing::<R>(name))
}

async fn list<R: PolicyHolder>(
    iam: &Iam,
    call: &Call,
    holder: &str,
    ask: &Ask,
) -> Result<Page<String>> {
    let stored: Stored<R> = iam.holder(&scope(call.account()?), holder).await?;
    let names = stored.record.policies().inline.keys();
    Ok(ask.cut(names.map(|name| (name.clone(), name.clone()))))
}

async fn delete<R: PolicyHolder>(iam: &Iam, call: &Call, holder: &str, name: &str) -> Result<()> {
    let remove = |record: &mut R| {
        record.check_modifiable()?;
        let removed = record.policies_mut().inline.remove(name);
        removed.map(drop).ok_or_else(|| missing::<R>(name))
    };
    iam.change_holder(call, holder, remove).await?;
    Ok(())
}

fn missing<R: PolicyHolder>(name: &str) -> Error {
    Error::NoSuchEntity(Missing::InlinePolicy { holder: R::NOUN, name: name.into() })
}

pub async fn put_user(iam: &Iam, call: &Call, input: model::PutUserPolicyRequest) -> Result<()> {
    put::<User>(iam, call, &input.user_name, &input.policy_name, &input.policy_document).await
}

pub async fn get_user(
    iam: &Iam,
    call: &Call,
    input: model::GetUserPolicyRequest,
) -> Result<model::GetUserPolicyResponse> {
    let policy_document = get::<User>(iam, call, &input.user_name, &input.policy_name).await?;
    Ok(model::GetUserPolicyResponse {
        user_name: input.user_name,
        policy_name: input.policy_name,
        policy_document,
    })
}

pub async fn list_user(
    iam: &Iam,
    call: &Call,
    input: model::ListUserPoliciesRequest,
) -> Result<model::ListUserPoliciesResponse> {
    let ask =
        iam.ask(call, "iam:ListUserPolicies", input.marker.as_deref(), input.max_items).await?;
    let page = list::<User>(iam, call, &input.user_name, &ask).await?;
    Ok(model::ListUserPoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        policy_names: page.items,
        marker: page.marker,
    })
}

pub async fn delete_user(
    iam: &Iam,
    call: &Call,
    input: model::DeleteUserPolicyRequest,
) -> Result<()> {
    delete::<User>(iam, call, &input.user_name, &input.policy_name).await
}

pub async fn put_group(iam: &Iam, call: &Call, input: model::PutGroupPolicyRequest) -> Result<()> {
    put::<Group>(iam, call, &input.group_name, &input.policy_name, &input.policy_document).await
}

pub async fn get_group(
    iam: &Iam,
    call: &Call,
    input: model::GetGroupPolicyRequest,
) -> Result<model::GetGroupPolicyResponse> {
    let policy_document = get::<Group>(iam, call, &input.group_name, &input.policy_name).await?;
    Ok(model::GetGroupPolicyResponse {
        group_name: input.group_name,
        policy_name: input.policy_name,
        policy_document,
    })
}

pub async fn list_group(
    iam: &Iam,
    call: &Call,
    input: model::ListGroupPoliciesRequest,
) -> Result<model::ListGroupPoliciesResponse> {
    let ask =
        iam.ask(call, "iam:ListGroupPolicies", input.marker.as_deref(), input.max_items).await?;
    let page = list::<Group>(iam, call, &input.group_name, &ask).await?;
    Ok(model::ListGroupPoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        policy_names: page.items,
        marker: page.marker,
    })
}

pub async fn delete_group(
    iam: &Iam,
    call: &Call,
    input: model::DeleteGroupPolicyRequest,
) -> Result<()> {
    delete::<Group>(iam, call, &input.group_name, &input.policy_name).await
}

pub async fn put_role(iam: &Iam, call: &Call, input: model::PutRolePolicyRequest) -> Result<()> {
    put::<Role>(iam, call, &input.role_name, &input.policy_name, &input.policy_document).await
}

pub async fn get_role(
    iam: &Iam,
    call: &Call,
    input: model::GetRolePolicyRequest,
) -> Result<model::GetRolePolicyResponse> {
    let policy_document = get::<Role>(iam, call, &input.role_name, &input.policy_name).await?;
    Ok(model::GetRolePolicyResponse {
        role_name: input.role_name,
        policy_name: input.policy_name,
        policy_document,
    })
}

pub async fn list_role(
    iam: &Iam,
    call: &Call,
    input: model::ListRolePoliciesRequest,
) -> Result<model::ListRolePoliciesResponse> {
    let ask =
        iam.ask(call, "iam:ListRolePolicies", input.marker.as_deref(), input.max_items).await?;
    let page = list::<Role>(iam, call, &input.role_name, &ask).await?;
    Ok(model::ListRolePoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        policy_names: page.items,
        marker: page.marker,
    })
}

pub async fn delete_role(
    iam: &Iam,
    call: &Call,
    input: model::DeleteRolePolicyRequest,
) -> Result<()> {
    delete::<Role>(iam, call, &input.role_name, &input.policy_name).await
}
