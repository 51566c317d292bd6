//! How much an account may have. Names and numbers are AWS's:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    UsersPerAccount,
    GroupsPerAccount,
    RolesPerAccount,
    InstanceProfilesPerAccount,
    PoliciesPerAccount,
    AccessKeysPerUser,
    GroupsPerUser,
    PoliciesPerUser,
    PoliciesPerGroup,
    PoliciesPerRole,
    /// Characters of a customer managed policy, white space not counted.
    PolicySize,
    /// Characters of a role's trust policy, white space not counted.
    AclSizePerRole,
    RolesPerInstanceProfile,
}

impl Quota {
    /// As in the sentence `Cannot exceed quota for NAME: MAX`.
    pub fn name(self) -> &'static str {
        match self {
            Self::UsersPerAccount => "UsersPerAccount",
            Self::GroupsPerAccount => "GroupsPerAccount",
            Self::RolesPerAccount => "RolesPerAccount",
            Self::InstanceProfilesPerAccount => "InstanceProfilesPerAccount",
            Self::PoliciesPerAccount => "PoliciesPerAccount",
            Self::AccessKeysPerUser => "AccessKeysPerUser",
            Self::GroupsPerUser => "GroupsPerUser",
            Self::PoliciesPerUser => "PoliciesPerUser",
            Self::PoliciesPerGroup => "PoliciesPerGroup",
            Self::PoliciesPerRole => "PoliciesPerRole",
            Self::PolicySize => "PolicySize",
            Self::AclSizePerRole => "ACLSizePerRole",
            Self::RolesPerInstanceProfile => "InstanceSessionsPerInstanceProfile",
        }
    }

    pub fn max(self) -> usize {
        match self {
            Self::UsersPerAccount => 5000,
            Self::GroupsPerAccount => 300,
            Self::RolesPerAccount | Self::InstanceProfilesPerAccount => 1000,
            Self::PoliciesPerAccount => 1500,
            Self::AccessKeysPerUser => 2,
            Self::GroupsPerUser
            | Self::PoliciesPerUser
            | Self::PoliciesPerGroup
            | Self::PoliciesPerRole => 10,
            Self::PolicySize => 6144,
            Self::AclSizePerRole => 2048,
            Self::RolesPerInstanceProfile => 1,
        }
    }
}

/// Versions of one managed policy, the default one included.
pub const VERSIONS_PER_POLICY_MAX: usize = 5;
/// Characters of all inline policies of one user together, white space not counted.
pub const USER_POLICY_SIZE_MAX: usize = 2048;
pub const GROUP_POLICY_SIZE_MAX: usize = 5120;
pub const ROLE_POLICY_SIZE_MAX: usize = 10_240;
pub const TAGS_MAX: usize = 50;
