//! What else a user may sign in or sign with. haneul keeps none of these (their create
//! operations are refused by name), so the lists are empty. Clients ask for them before they
//! delete a user.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_manage.html#id_users_deleting>

use aws::{Call, Principal};

use crate::error::Result;
use crate::policy_holder::scope;
use crate::user::named_or_caller;
use crate::{Iam, model};

/// # Errors
/// `NoSuchEntity` when there is no such user.
async fn check_user(iam: &Iam, call: &Call, name: Option<String>) -> Result<()> {
    if name.is_none() && call.identity.principal == Principal::Root {
        return Ok(());
    }
    let name = named_or_caller(&call.identity, name)?;
    iam.user(&scope(call.account()?), &name).await?;
    Ok(())
}

pub async fn list_mfa_devices(
    iam: &Iam,
    call: &Call,
    input: model::ListMFADevicesRequest,
) -> Result<model::ListMFADevicesResponse> {
    check_user(iam, call, input.user_name).await?;
    Ok(model::ListMFADevicesResponse {
        mfa_devices: Vec::new(),
        is_truncated: Some(false),
        marker: None,
    })
}

/// Of the whole account, whoever they are assigned to.
pub async fn list_virtual_mfa_devices(
    _: &Iam,
    _: &Call,
    _: model::ListVirtualMFADevicesRequest,
) -> Result<model::ListVirtualMFADevicesResponse> {
    Ok(model::ListVirtualMFADevicesResponse {
        virtual_mfa_devices: Vec::new(),
        is_truncated: Some(false),
        marker: None,
    })
}

pub async fn list_ssh_public_keys(
    iam: &Iam,
    call: &Call,
    input: model::ListSSHPublicKeysRequest,
) -> Result<model::ListSSHPublicKeysResponse> {
    check_user(iam, call, input.user_name).await?;
    Ok(model::ListSSHPublicKeysResponse {
        ssh_public_keys: Some(Vec::new()),
        is_truncated: Some(false),
        marker: None,
    })
}

pub async fn list_signing_certificates(
    iam: &Iam,
    call: &Call,
    input: model::ListSigningCertificatesRequest,
) -> Result<model::ListSigningCertificatesResponse> {
    check_user(iam, call, input.user_name).await?;
    Ok(model::ListSigningCertificatesResponse {
        certificates: Vec::new(),
        is_truncated: Some(false),
        marker: None,
    })
}

pub async fn list_service_specific_credentials(
    iam: &Iam,
    call: &Call,
    input: model::ListServiceSpecificCredentialsRequest,
) -> Result<model::ListServiceSpecificCredentialsResponse> {
    if input.all_users != Some(true) {
        check_user(iam, call, input.user_name).await?;
    }
    Ok(model::ListServiceSpecificCredentialsResponse {
        service_specific_credentials: Some(Vec::new()),
        is_truncated: Some(false),
        marker: None,
    })
}
