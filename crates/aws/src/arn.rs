//! Amazon Resource Names.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>

use std::fmt;
use std::str::FromStr;

/// `arn:partition:service:region:account:resource`. Region and account are empty where the
/// service has none (`arn:aws:s3:::bucket`); the resource keeps its own colons and slashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn {
    pub partition: String,
    pub service: String,
    pub region: String,
    pub account: String,
    pub resource: String,
}

impl Arn {
    /// An ARN in the `aws` partition, the only one haneul has.
    pub fn new(service: &str, region: &str, account: &str, resource: impl Into<String>) -> Self {
        Self {
            partition: "aws".into(),
            service: service.into(),
            region: region.into(),
            account: account.into(),
            resource: resource.into(),
        }
    }

    /// An IAM ARN: global, so without a region. `resource` is such as `user/path/name`.
    pub fn iam(account: &str, resource: impl Into<String>) -> Self {
        Self::new("iam", "", account, resource)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        // In one piece, so that `to_string` does not grow with each: every log line has one.
        f.write_str(
            &["arn:", partition, ":", service, ":", region, ":", account, ":", resource].concat(),
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an ARN has the form arn:partition:service:region:account:resource")]
pub struct InvalidArn;

impl FromStr for Arn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, InvalidArn> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or(InvalidArn);
        if next()? != "arn" {
            return Err(InvalidArn);
        }
        let arn = Self {
            partition: next()?.into(),
            service: next()?.into(),
            region: next()?.into(),
            account: next()?.into(),
            resource: next()?.into(),
        };
        let complete =
            !arn.partition.is_empty() && !arn.service.is_empty() && !arn.resource.is_empty();
        complete.then_some(arn).ok_or(InvalidArn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_and_printed_again() {
        for text in [
            "arn:aws:iam::123456789012:user/division/subdivision/Zhang",
            "arn:aws:s3:::bucket/a:b/c",
            "arn:aws:ec2:ap-northeast-2:123456789012:instance/i-0abc",
        ] {
            assert_eq!(text.parse::<Arn>().expect("valid").to_string(), text);
        }
    }

    #[test]
    fn an_incomplete_name_is_refused() {
        for text in ["", "arn:aws:iam::1", "arn:aws:iam::1:", "urn:aws:iam::1:x", "arn::iam::1:x"] {
            assert_eq!(text.parse::<Arn>(), Err(InvalidArn), "{text}");
        }
    }
}
