//! The policies that AWS keeps for everyone, as the operations show them.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html#aws-managed-policies>

use aws::{Arn, Timestamp};

/// One AWS-managed policy. haneul keeps its newest version only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsManagedPolicy {
    pub name: &'static str,
    pub path: &'static str,
    pub id: &'static str,
    pub description: Option<&'static str>,
    /// `v3`.
    pub default_version: &'static str,
    pub document: &'static str,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// Policies under this path are for service-linked roles only.
const SERVICE_ROLES: &str = "/aws-service-role/";

impl AwsManagedPolicy {
    pub fn arn(&self) -> String {
        Arn::iam("aws", format!("policy{}{}", self.path, self.name)).to_string()
    }

    pub fn is_for_service_roles(&self) -> bool {
        self.path == SERVICE_ROLES
    }
}

/// All of them, sorted by name.
pub fn all() -> impl Iterator<Item = AwsManagedPolicy> {
    std::iter::empty()
}

pub fn find(path: &str, name: &str) -> Option<AwsManagedPolicy> {
    all().find(|policy| policy.path == path && policy.name == name)
}
