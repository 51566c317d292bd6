//! IAM's operations, each in the file of its noun.

use aws::{Call, Check, Error};

use crate::{
    Iam, access_key, account_alias, account_summary, attachment, authorization_details, group,
    inline_policy, instance_profile, login_profile, managed_policy, model, password_policy,
    permissions_boundary, policy_version, role, service_linked_role, simulate, user,
    user_credential,
};

type Answer<T> = Result<T, Error>;

impl model::Operations for Iam {
    async fn checks(&self, call: &Call, input: &model::Input) -> Answer<Vec<Check>> {
        Ok(self.table(call, input).await?)
    }

    async fn add_role_to_instance_profile(
        &self,
        call: &Call,
        input: model::AddRoleToInstanceProfileRequest,
    ) -> Answer<()> {
        Ok(instance_profile::add_role(self, call, input).await?)
    }

    async fn add_user_to_group(
        &self,
        call: &Call,
        input: model::AddUserToGroupRequest,
    ) -> Answer<()> {
        Ok(group::add_user(self, call, input).await?)
    }

    async fn attach_group_policy(
        &self,
        call: &Call,
        input: model::AttachGroupPolicyRequest,
    ) -> Answer<()> {
        Ok(attachment::attach_group(self, call, input).await?)
    }

    async fn attach_role_policy(
        &self,
        call: &Call,
        input: model::AttachRolePolicyRequest,
    ) -> Answer<()> {
        Ok(attachment::attach_role(self, call, input).await?)
    }

    async fn attach_user_policy(
        &self,
        call: &Call,
        input: model::AttachUserPolicyRequest,
    ) -> Answer<()> {
        Ok(attachment::attach_user(self, call, input).await?)
    }

    async fn create_access_key(
        &self,
        call: &Call,
        input: model::CreateAccessKeyRequest,
    ) -> Answer<model::CreateAccessKeyResponse> {
        Ok(access_key::create(self, call, input).await?)
    }

    async fn create_account_alias(
        &self,
        call: &Call,
        input: model::CreateAccountAliasRequest,
    ) -> Answer<()> {
        Ok(account_alias::create(self, call, input).await?)
    }

    async fn create_group(
        &self,
        call: &Call,
        input: model::CreateGroupRequest,
    ) -> Answer<model::CreateGroupResponse> {
        Ok(group::create(self, call, input).await?)
    }

    async fn create_instance_profile(
        &self,
        call: &Call,
        input: model::CreateInstanceProfileRequest,
    ) -> Answer<model::CreateInstanceProfileResponse> {
        Ok(instance_profile::create(self, call, input).await?)
    }

    async fn create_login_profile(
        &self,
        call: &Call,
        input: model::CreateLoginProfileRequest,
    ) -> Answer<model::CreateLoginProfileResponse> {
        Ok(login_profile::create(self, call, input).await?)
    }

    async fn create_policy(
        &self,
        call: &Call,
        input: model::CreatePolicyRequest,
    ) -> Answer<model::CreatePolicyResponse> {
        Ok(managed_policy::create(self, call, input).await?)
    }

    async fn create_policy_version(
        &self,
        call: &Call,
        input: model::CreatePolicyVersionRequest,
    ) -> Answer<model::CreatePolicyVersionResponse> {
        Ok(policy_version::create(self, call, input).await?)
    }

    async fn create_role(
        &self,
        call: &Call,
        input: model::CreateRoleRequest,
    ) -> Answer<model::CreateRoleResponse> {
        Ok(role::create(self, call, input).await?)
    }

    async fn create_service_linked_role(
        &self,
        call: &Call,
        input: model::CreateServiceLinkedRoleRequest,
    ) -> Answer<model::CreateServiceLinkedRoleResponse> {
        Ok(service_linked_role::create(self, call, input).await?)
    }

    async fn create_user(
        &self,
        call: &Call,
        input: model::CreateUserRequest,
    ) -> Answer<model::CreateUserResponse> {
        Ok(user::create(self, call, input).await?)
    }

    async fn delete_access_key(
        &self,
        call: &Call,
        input: model::DeleteAccessKeyRequest,
    ) -> Answer<()> {
        Ok(access_key::delete(self, call, input).await?)
    }

    async fn delete_account_alias(
        &self,
        call: &Call,
        input: model::DeleteAccountAliasRequest,
    ) -> Answer<()> {
        Ok(account_alias::delete(self, call, input).await?)
    }

    async fn delete_account_password_policy(&self, call: &Call) -> Answer<()> {
        Ok(password_policy::delete(self, call).await?)
    }

    async fn delete_group(&self, call: &Call, input: model::DeleteGroupRequest) -> Answer<()> {
        Ok(group::delete(self, call, input).await?)
    }

    async fn delete_group_policy(
        &self,
        call: &Call,
        input: model::DeleteGroupPolicyRequest,
    ) -> Answer<()> {
        Ok(inline_policy::delete_group(self, call, input).await?)
    }

    async fn delete_instance_profile(
        &self,
        call: &Call,
        input: model::DeleteInstanceProfileRequest,
    ) -> Answer<()> {
        Ok(instance_profile::delete(self, call, input).await?)
    }

    async fn delete_login_profile(
        &self,
        call: &Call,
        input: model::DeleteLoginProfileRequest,
    ) -> Answer<()> {
        Ok(login_profile::delete(self, call, input).await?)
    }

    async fn delete_policy(&self, call: &Call, input: model::DeletePolicyRequest) -> Answer<()> {
        Ok(managed_policy::delete(self, call, input).await?)
    }

    async fn delete_policy_version(
        &self,
        call: &Call,
        input: model::DeletePolicyVersionRequest,
    ) -> Answer<()> {
        Ok(policy_version::delete(self, call, input).await?)
    }

    async fn delete_role(&self, call: &Call, input: model::DeleteRoleRequest) -> Answer<()> {
        Ok(role::delete(self, call, input).await?)
    }

    async fn delete_role_permissions_boundary(
        &self,
        call: &Call,
        input: model::DeleteRolePermissionsBoundaryRequest,
    ) -> Answer<()> {
        Ok(permissions_boundary::delete_role(self, call, input).await?)
    }

    async fn delete_role_policy(
        &self,
        call: &Call,
        input: model::DeleteRolePolicyRequest,
    ) -> Answer<()> {
        Ok(inline_policy::delete_role(self, call, input).await?)
    }

    async fn delete_service_linked_role(
        &self,
        call: &Call,
        input: model::DeleteServiceLinkedRoleRequest,
    ) -> Answer<model::DeleteServiceLinkedRoleResponse> {
        Ok(service_linked_role::delete(self, call, input).await?)
    }

    async fn delete_user(&self, call: &Call, input: model::DeleteUserRequest) -> Answer<()> {
        Ok(user::delete(self, call, input).await?)
    }

    async fn delete_user_permissions_boundary(
        &self,
        call: &Call,
        input: model::DeleteUserPermissionsBoundaryRequest,
    ) -> Answer<()> {
        Ok(permissions_boundary::delete_user(self, call, input).await?)
    }

    async fn delete_user_policy(
        &self,
        call: &Call,
        input: model::DeleteUserPolicyRequest,
    ) -> Answer<()> {
        Ok(inline_policy::delete_user(self, call, input).await?)
    }

    async fn detach_group_policy(
        &self,
        call: &Call,
        input: model::DetachGroupPolicyRequest,
    ) -> Answer<()> {
        Ok(attachment::detach_group(self, call, input).await?)
    }

    async fn detach_role_policy(
        &self,
        call: &Call,
        input: model::DetachRolePolicyRequest,
    ) -> Answer<()> {
        Ok(attachment::detach_role(self, call, input).await?)
    }

    async fn detach_user_policy(
        &self,
        call: &Call,
        input: model::DetachUserPolicyRequest,
    ) -> Answer<()> {
        Ok(attachment::detach_user(self, call, input).await?)
    }

    async fn get_access_key_last_used(
        &self,
        call: &Call,
        input: model::GetAccessKeyLastUsedRequest,
    ) -> Answer<model::GetAccessKeyLastUsedResponse> {
        Ok(access_key::last_used(self, call, input).await?)
    }

    async fn get_account_authorization_details(
        &self,
        call: &Call,
        input: model::GetAccountAuthorizationDetailsRequest,
    ) -> Answer<model::GetAccountAuthorizationDetailsResponse> {
        Ok(authorization_details::get(self, call, input).await?)
    }

    async fn get_account_password_policy(
        &self,
        call: &Call,
    ) -> Answer<model::GetAccountPasswordPolicyResponse> {
        Ok(password_policy::get(self, call).await?)
    }

    async fn get_account_summary(&self, call: &Call) -> Answer<model::GetAccountSummaryResponse> {
        Ok(account_summary::get(self, call).await?)
    }

    async fn get_context_keys_for_custom_policy(
        &self,
        call: &Call,
        input: model::GetContextKeysForCustomPolicyRequest,
    ) -> Answer<model::GetContextKeysForPolicyResponse> {
        Ok(simulate::context_keys_for_custom_policy(self, call, input).await?)
    }

    async fn get_context_keys_for_principal_policy(
        &self,
        call: &Call,
        input: model::GetContextKeysForPrincipalPolicyRequest,
    ) -> Answer<model::GetContextKeysForPolicyResponse> {
        Ok(simulate::context_keys_for_principal_policy(self, call, input).await?)
    }

    async fn get_group(
        &self,
        call: &Call,
        input: model::GetGroupRequest,
    ) -> Answer<model::GetGroupResponse> {
        Ok(group::get(self, call, input).await?)
    }

    async fn get_group_policy(
        &self,
        call: &Call,
        input: model::GetGroupPolicyRequest,
    ) -> Answer<model::GetGroupPolicyResponse> {
        Ok(inline_policy::get_group(self, call, input).await?)
    }

    async fn get_instance_profile(
        &self,
        call: &Call,
        input: model::GetInstanceProfileRequest,
    ) -> Answer<model::GetInstanceProfileResponse> {
        Ok(instance_profile::get(self, call, input).await?)
    }

    async fn get_login_profile(
        &self,
        call: &Call,
        input: model::GetLoginProfileRequest,
    ) -> Answer<model::GetLoginProfileResponse> {
        Ok(login_profile::get(self, call, input).await?)
    }

    async fn get_policy(
        &self,
        call: &Call,
        input: model::GetPolicyRequest,
    ) -> Answer<model::GetPolicyResponse> {
        Ok(managed_policy::get(self, call, input).await?)
    }

    async fn get_policy_version(
        &self,
        call: &Call,
        input: model::GetPolicyVersionRequest,
    ) -> Answer<model::GetPolicyVersionResponse> {
        Ok(policy_version::get(self, call, input).await?)
    }

    async fn get_role(
        &self,
        call: &Call,
        input: model::GetRoleRequest,
    ) -> Answer<model::GetRoleResponse> {
        Ok(role::get(self, call, input).await?)
    }

    async fn get_role_policy(
        &self,
        call: &Call,
        input: model::GetRolePolicyRequest,
    ) -> Answer<model::GetRolePolicyResponse> {
        Ok(inline_policy::get_role(self, call, input).await?)
    }

    async fn get_service_linked_role_deletion_status(
        &self,
        call: &Call,
        input: model::GetServiceLinkedRoleDeletionStatusRequest,
    ) -> Answer<model::GetServiceLinkedRoleDeletionStatusResponse> {
        Ok(service_linked_role::deletion_status(self, call, input).await?)
    }

    async fn get_user(
        &self,
        call: &Call,
        input: model::GetUserRequest,
    ) -> Answer<model::GetUserResponse> {
        Ok(user::get(self, call, input).await?)
    }

    async fn get_user_policy(
        &self,
        call: &Call,
        input: model::GetUserPolicyRequest,
    ) -> Answer<model::GetUserPolicyResponse> {
        Ok(inline_policy::get_user(self, call, input).await?)
    }

    async fn list_access_keys(
        &self,
        call: &Call,
        input: model::ListAccessKeysRequest,
    ) -> Answer<model::ListAccessKeysResponse> {
        Ok(access_key::list(self, call, input).await?)
    }

    async fn list_account_aliases(
        &self,
        call: &Call,
        input: model::ListAccountAliasesRequest,
    ) -> Answer<model::ListAccountAliasesResponse> {
        Ok(account_alias::list(self, call, input).await?)
    }

    async fn list_attached_group_policies(
        &self,
        call: &Call,
        input: model::ListAttachedGroupPoliciesRequest,
    ) -> Answer<model::ListAttachedGroupPoliciesResponse> {
        Ok(attachment::list_group(self, call, input).await?)
    }

    async fn list_attached_role_policies(
        &self,
        call: &Call,
        input: model::ListAttachedRolePoliciesRequest,
    ) -> Answer<model::ListAttachedRolePoliciesResponse> {
        Ok(attachment::list_role(self, call, input).await?)
    }

    async fn list_attached_user_policies(
        &self,
        call: &Call,
        input: model::ListAttachedUserPoliciesRequest,
    ) -> Answer<model::ListAttachedUserPoliciesResponse> {
        Ok(attachment::list_user(self, call, input).await?)
    }

    async fn list_entities_for_policy(
        &self,
        call: &Call,
        input: model::ListEntitiesForPolicyRequest,
    ) -> Answer<model::ListEntitiesForPolicyResponse> {
        Ok(attachment::list_entities(self, call, input).await?)
    }

    async fn list_group_policies(
        &self,
        call: &Call,
        input: model::ListGroupPoliciesRequest,
    ) -> Answer<model::ListGroupPoliciesResponse> {
        Ok(inline_policy::list_group(self, call, input).await?)
    }

    async fn list_groups(
        &self,
        call: &Call,
        input: model::ListGroupsRequest,
    ) -> Answer<model::ListGroupsResponse> {
        Ok(group::list(self, call, input).await?)
    }

    async fn list_groups_for_user(
        &self,
        call: &Call,
        input: model::ListGroupsForUserRequest,
    ) -> Answer<model::ListGroupsForUserResponse> {
        Ok(group::list_for_user(self, call, input).await?)
    }

    async fn list_instance_profile_tags(
        &self,
        call: &Call,
        input: model::ListInstanceProfileTagsRequest,
    ) -> Answer<model::ListInstanceProfileTagsResponse> {
        Ok(instance_profile::list_tags(self, call, input).await?)
    }

    async fn list_instance_profiles(
        &self,
        call: &Call,
        input: model::ListInstanceProfilesRequest,
    ) -> Answer<model::ListInstanceProfilesResponse> {
        Ok(instance_profile::list(self, call, input).await?)
    }

    async fn list_instance_profiles_for_role(
        &self,
        call: &Call,
        input: model::ListInstanceProfilesForRoleRequest,
    ) -> Answer<model::ListInstanceProfilesForRoleResponse> {
        Ok(instance_profile::list_for_role(self, call, input).await?)
    }

    async fn list_mfa_devices(
        &self,
        call: &Call,
        input: model::ListMFADevicesRequest,
    ) -> Answer<model::ListMFADevicesResponse> {
        Ok(user_credential::list_mfa_devices(self, call, input).await?)
    }

    async fn list_policies(
        &self,
        call: &Call,
        input: model::ListPoliciesRequest,
    ) -> Answer<model::ListPoliciesResponse> {
        Ok(managed_policy::list(self, call, input).await?)
    }

    async fn list_policy_tags(
        &self,
        call: &Call,
        input: model::ListPolicyTagsRequest,
    ) -> Answer<model::ListPolicyTagsResponse> {
        Ok(managed_policy::list_tags(self, call, input).await?)
    }

    async fn list_policy_versions(
        &self,
        call: &Call,
        input: model::ListPolicyVersionsRequest,
    ) -> Answer<model::ListPolicyVersionsResponse> {
        Ok(policy_version::list(self, call, input).await?)
    }

    async fn list_role_policies(
        &self,
        call: &Call,
        input: model::ListRolePoliciesRequest,
    ) -> Answer<model::ListRolePoliciesResponse> {
        Ok(inline_policy::list_role(self, call, input).await?)
    }

    async fn list_role_tags(
        &self,
        call: &Call,
        input: model::ListRoleTagsRequest,
    ) -> Answer<model::ListRoleTagsResponse> {
        Ok(role::list_tags(self, call, input).await?)
    }

    async fn list_roles(
        &self,
        call: &Call,
        input: model::ListRolesRequest,
    ) -> Answer<model::ListRolesResponse> {
        Ok(role::list(self, call, input).await?)
    }

    async fn list_ssh_public_keys(
        &self,
        call: &Call,
        input: model::ListSSHPublicKeysRequest,
    ) -> Answer<model::ListSSHPublicKeysResponse> {
        Ok(user_credential::list_ssh_public_keys(self, call, input).await?)
    }

    async fn list_service_specific_credentials(
        &self,
        call: &Call,
        input: model::ListServiceSpecificCredentialsRequest,
    ) -> Answer<model::ListServiceSpecificCredentialsResponse> {
        Ok(user_credential::list_service_specific_credentials(self, call, input).await?)
    }

    async fn list_signing_certificates(
        &self,
        call: &Call,
        input: model::ListSigningCertificatesRequest,
    ) -> Answer<model::ListSigningCertificatesResponse> {
        Ok(user_credential::list_signing_certificates(self, call, input).await?)
    }

    async fn list_user_policies(
        &self,
        call: &Call,
        input: model::ListUserPoliciesRequest,
    ) -> Answer<model::ListUserPoliciesResponse> {
        Ok(inline_policy::list_user(self, call, input).await?)
    }

    async fn list_user_tags(
        &self,
        call: &Call,
        input: model::ListUserTagsRequest,
    ) -> Answer<model::ListUserTagsResponse> {
        Ok(user::list_tags(self, call, input).await?)
    }

    async fn list_users(
        &self,
        call: &Call,
        input: model::ListUsersRequest,
    ) -> Answer<model::ListUsersResponse> {
        Ok(user::list(self, call, input).await?)
    }

    async fn list_virtual_mfa_devices(
        &self,
        call: &Call,
        input: model::ListVirtualMFADevicesRequest,
    ) -> Answer<model::ListVirtualMFADevicesResponse> {
        Ok(user_credential::list_virtual_mfa_devices(self, call, input).await?)
    }

    async fn put_group_policy(
        &self,
        call: &Call,
        input: model::PutGroupPolicyRequest,
    ) -> Answer<()> {
        Ok(inline_policy::put_group(self, call, input).await?)
    }

    async fn put_role_permissions_boundary(
        &self,
        call: &Call,
        input: model::PutRolePermissionsBoundaryRequest,
    ) -> Answer<()> {
        Ok(permissions_boundary::put_role(self, call, input).await?)
    }

    async fn put_role_policy(&self, call: &Call, input: model::PutRolePolicyRequest) -> Answer<()> {
        Ok(inline_policy::put_role(self, call, input).await?)
    }

    async fn put_user_permissions_boundary(
        &self,
        call: &Call,
        input: model::PutUserPermissionsBoundaryRequest,
    ) -> Answer<()> {
        Ok(permissions_boundary::put_user(self, call, input).await?)
    }

    async fn put_user_policy(&self, call: &Call, input: model::PutUserPolicyRequest) -> Answer<()> {
        Ok(inline_policy::put_user(self, call, input).await?)
    }

    async fn remove_role_from_instance_profile(
        &self,
        call: &Call,
        input: model::RemoveRoleFromInstanceProfileRequest,
    ) -> Answer<()> {
        Ok(instance_profile::remove_role(self, call, input).await?)
    }

    async fn remove_user_from_group(
        &self,
        call: &Call,
        input: model::RemoveUserFromGroupRequest,
    ) -> Answer<()> {
        Ok(group::remove_user(self, call, input).await?)
    }

    async fn set_default_policy_version(
        &self,
        call: &Call,
        input: model::SetDefaultPolicyVersionRequest,
    ) -> Answer<()> {
        Ok(policy_version::set_default(self, call, input).await?)
    }

    async fn simulate_custom_policy(
        &self,
        call: &Call,
        input: model::SimulateCustomPolicyRequest,
    ) -> Answer<model::SimulatePolicyResponse> {
        Ok(simulate::custom_policy(self, call, input).await?)
    }

    async fn simulate_principal_policy(
        &self,
        call: &Call,
        input: model::SimulatePrincipalPolicyRequest,
    ) -> Answer<model::SimulatePolicyResponse> {
        Ok(simulate::principal_policy(self, call, input).await?)
    }

    async fn tag_instance_profile(
        &self,
        call: &Call,
        input: model::TagInstanceProfileRequest,
    ) -> Answer<()> {
        Ok(instance_profile::tag(self, call, input).await?)
    }

    async fn tag_policy(&self, call: &Call, input: model::TagPolicyRequest) -> Answer<()> {
        Ok(managed_policy::tag(self, call, input).await?)
    }

    async fn tag_role(&self, call: &Call, input: model::TagRoleRequest) -> Answer<()> {
        Ok(role::tag(self, call, input).await?)
    }

    async fn tag_user(&self, call: &Call, input: model::TagUserRequest) -> Answer<()> {
        Ok(user::tag(self, call, input).await?)
    }

    async fn untag_instance_profile(
        &self,
        call: &Call,
        input: model::UntagInstanceProfileRequest,
    ) -> Answer<()> {
        Ok(instance_profile::untag(self, call, input).await?)
    }

    async fn untag_policy(&self, call: &Call, input: model::UntagPolicyRequest) -> Answer<()> {
        Ok(managed_policy::untag(self, call, input).await?)
    }

    async fn untag_role(&self, call: &Call, input: model::UntagRoleRequest) -> Answer<()> {
        Ok(role::untag(self, call, input).await?)
    }

    async fn untag_user(&self, call: &Call, input: model::UntagUserRequest) -> Answer<()> {
        Ok(user::untag(self, call, input).await?)
    }

    async fn update_access_key(
        &self,
        call: &Call,
        input: model::UpdateAccessKeyRequest,
    ) -> Answer<()> {
        Ok(access_key::update(self, call, input).await?)
    }

    async fn update_account_password_policy(
        &self,
        call: &Call,
        input: model::UpdateAccountPasswordPolicyRequest,
    ) -> Answer<()> {
        Ok(password_policy::update(self, call, input).await?)
    }

    async fn update_assume_role_policy(
        &self,
        call: &Call,
        input: model::UpdateAssumeRolePolicyRequest,
    ) -> Answer<()> {
        Ok(role::update_trust(self, call, input).await?)
    }

    async fn update_group(&self, call: &Call, input: model::UpdateGroupRequest) -> Answer<()> {
        Ok(group::update(self, call, input).await?)
    }

    async fn update_login_profile(
        &self,
        call: &Call,
        input: model::UpdateLoginProfileRequest,
    ) -> Answer<()> {
        Ok(login_profile::update(self, call, input).await?)
    }

    async fn update_role(
        &self,
        call: &Call,
        input: model::UpdateRoleRequest,
    ) -> Answer<model::UpdateRoleResponse> {
        Ok(role::update(self, call, input).await?)
    }

    async fn update_role_description(
        &self,
        call: &Call,
        input: model::UpdateRoleDescriptionRequest,
    ) -> Answer<model::UpdateRoleDescriptionResponse> {
        Ok(role::update_description(self, call, input).await?)
    }

    async fn update_user(&self, call: &Call, input: model::UpdateUserRequest) -> Answer<()> {
        Ok(user::update(self, call, input).await?)
    }
}
