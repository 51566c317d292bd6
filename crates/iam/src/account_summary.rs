//! What an account has, and how much it may have.
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>

use aws::Call;

use crate::error::Result;
use crate::managed_policy::ManagedPolicy;
use crate::policy_holder::scope;
use crate::quota::{
    GROUP_POLICY_SIZE_MAX, Quota, ROLE_POLICY_SIZE_MAX, USER_POLICY_SIZE_MAX,
    VERSIONS_PER_POLICY_MAX,
};
use crate::{Iam, model};

/// Entries for what haneul has not (MFA devices, certificates, providers) are zero.
pub async fn get(iam: &Iam, call: &Call) -> Result<model::GetAccountSummaryResponse> {
    let account = call.account()?;
    let scope = scope(account);
    let usage = iam.usage(&scope).await?;
    let root_keys = iam.account_record(account).await?.record.access_keys.len();
    let policies = iam.all::<ManagedPolicy>(&scope, |_| true).await?;
    let versions: usize = policies.iter().map(|policy| policy.record.versions.len()).sum();
    let entries = [
        ("AccessKeysPerUserQuota", Quota::AccessKeysPerUser.max()),
        ("AccountAccessKeysPresent", root_keys.min(1)),
        ("AccountMFAEnabled", 0),
        ("AccountPasswordPresent", 0),
        ("AccountSigningCertificatesPresent", 0),
        ("AssumeRolePolicySizeQuota", Quota::AclSizePerRole.max()),
        ("AttachedPoliciesPerGroupQuota", Quota::PoliciesPerGroup.max()),
        ("AttachedPoliciesPerRoleQuota", Quota::PoliciesPerRole.max()),
        ("AttachedPoliciesPerUserQuota", Quota::PoliciesPerUser.max()),
        ("GlobalEndpointTokenVersion", 1),
        ("GroupPolicySizeQuota", GROUP_POLICY_SIZE_MAX),
        ("Groups", usage.groups),
        ("GroupsPerUserQuota", Quota::GroupsPerUser.max()),
        ("GroupsQuota", Quota::GroupsPerAccount.max()),
        ("InstanceProfiles", usage.instance_profiles),
        ("InstanceProfilesQuota", Quota::InstanceProfilesPerAccount.max()),
        ("MFADevices", 0),
        ("MFADevicesInUse", 0),
        ("Policies", usage.policies),
        ("PoliciesQuota", Quota::PoliciesPerAccount.max()),
        ("PolicySizeQuota", Quota::PolicySize.max()),
        ("PolicyVersionsInUse", versions),
        ("PolicyVersionsInUseQuota", 10_000),
        ("Providers", 0),
        ("RolePolicySizeQuota", ROLE_POLICY_SIZE_MAX),
        ("Roles", usage.roles),
        ("RolesQuota", Quota::RolesPerAccount.max()),
        ("ServerCertificates", 0),
        ("ServerCertificatesQuota", 20),
        ("SigningCertificatesPerUserQuota", 2),
        ("UserPolicySizeQuota", USER_POLICY_SIZE_MAX),
        ("Users", usage.users),
        ("UsersQuota", Quota::UsersPerAccount.max()),
        ("VersionsPerPolicyQuota", VERSIONS_PER_POLICY_MAX),
    ];
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let summary = entries.into_iter().map(|(name, count)| (name.to_owned(), number(count)));
    Ok(model::GetAccountSummaryResponse { summary_map: Some(summary.collect()) })
}
