//! The policies that AWS keeps for everyone, as the operations show them.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html#aws-managed-policies>

use std::sync::LazyLock;

use aws::{Arn, Timestamp};

#[cfg(test)]
mod tests;

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
    /// A policy is a line `= NAME PATH ID VERSION CREATED UPDATED` and the lines of its document
    /// up to the next such line. The documents are AWS's in effect and not in letter: without
    /// statement ids, and the broadest of them without services that haneul is far from having.
    static ALL: LazyLock<Vec<AwsManagedPolicy>> =
        LazyLock::new(|| read(include_str!("aws_managed_policy/policies.txt")));
    ALL.iter().cloned()
}

fn read(text: &'static str) -> Vec<AwsManagedPolicy> {
    let policies = text.split("\n= ").map(|policy| policy.trim_start_matches("= "));
    policies.map(|policy| one(policy).expect("the table is tested to be readable")).collect()
}

fn one(text: &'static str) -> Option<AwsManagedPolicy> {
    let (head, document) = text.split_once('\n')?;
    let mut fields = head.split(' ');
    let mut next = || fields.next();
    Some(AwsManagedPolicy {
        name: next()?,
        path: next()?,
        id: next()?,
        description: None,
        default_version: next()?,
        created: Timestamp::parse_iso8601(next()?)?,
        updated: Timestamp::parse_iso8601(next()?)?,
        document,
    })
}

pub fn find(path: &str, name: &str) -> Option<AwsManagedPolicy> {
    all().find(|policy| policy.path == path && policy.name == name)
}
