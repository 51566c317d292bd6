//! Permissions boundaries of users and roles.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>

use aws::Call;
use state::Stored;

use crate::error::{Error, Missing, Result};
use crate::managed_policy::Use;
use crate::policy_holder::{PolicyHolder, scope};
use crate::role::Role;
use crate::user::User;
use crate::{Iam, model};

pub fn shape(arn: Option<&str>) -> Option<model::AttachedPermissionsBoundary> {
    arn.map(|arn| model::AttachedPermissionsBoundary {
        permissions_boundary_type: Some("Policy".into()),
        permissions_boundary_arn: Some(arn.into()),
    })
}

/// A user or a role: groups have no boundary.
trait Bounded: PolicyHolder {
    fn boundary(&mut self) -> &mut Option<String>;
    fn unbounded(name: &str) -> Missing;
}

impl Bounded for User {
    fn boundary(&mut self) -> &mut Option<String> {
        &mut self.boundary
    }

    fn unbounded(name: &str) -> Missing {
        Missing::UserBoundary(name.into())
    }
}

impl Bounded for Role {
    fn boundary(&mut self) -> &mut Option<String> {
        &mut self.boundary
    }

    fn unbounded(name: &str) -> Missing {
        Missing::RoleBoundary(name.into())
    }
}

async fn put<R: Bounded>(iam: &Iam, call: &Call, name: &str, arn: &str) -> Result<()> {
    let account = call.account()?;
    iam.retry(async || {
        let stored: Stored<R> = iam.holder(&scope(account), name).await?;
        let mut holder = stored.record.clone();
        holder.check_modifiable()?;
        let old = holder.boundary().replace(arn.to_owned());
        if old.as_deref() == Some(arn) {
            return Ok(());
        }
        let mut txn = iam.records.transaction();
        iam.begin_use(&mut txn, account, arn, Use::Boundary).await?;
        if let Some(old) = old {
            iam.end_use(&mut txn, account, &old, Use::Boundary).await?;
        }
        txn.update(&stored, &holder);
        txn.commit().await?;
        Ok(())
    })
    .await
}

async fn delete<R: Bounded>(iam: &Iam, call: &Call, name: &str) -> Result<()> {
    let account = call.account()?;
    iam.retry(async || {
        let stored: Stored<R> = iam.holder(&scope(account), name).await?;
        let mut holder = stored.record.clone();
        holder.check_modifiable()?;
        let old = holder.boundary().take();
        let old = old.ok_or_else(|| Error::NoSuchEntity(R::unbounded(name)))?;
        let mut txn = iam.records.transaction();
        iam.end_use(&mut txn, account, &old, Use::Boundary).await?;
        txn.update(&stored, &holder);
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn put_user(
    iam: &Iam,
    call: &Call,
    input: model::PutUserPermissionsBoundaryRequest,
) -> Result<()> {
    put::<User>(iam, call, &input.user_name, &input.permissions_boundary).await
}

pub async fn delete_user(
    iam: &Iam,
    call: &Call,
    input: model::DeleteUserPermissionsBoundaryRequest,
) -> Result<()> {
    delete::<User>(iam, call, &input.user_name).await
}

pub async fn put_role(
    iam: &Iam,
    call: &Call,
    input: model::PutRolePermissionsBoundaryRequest,
) -> Result<()> {
    put::<Role>(iam, call, &input.role_name, &input.permissions_boundary).await
}

pub async fn delete_role(
    iam: &Iam,
    call: &Call,
    input: model::DeleteRolePermissionsBoundaryRequest,
) -> Result<()> {
    delete::<Role>(iam, call, &input.role_name).await
}
