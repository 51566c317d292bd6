//! Names, paths and ARNs of IAM entities, checked with AWS's own sentences.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>

use aws::{AccountId, Arn};

use crate::error::{Error, Result};

/// Names are unique whatever their case, and shown as they were given.
pub fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Checks a new entity's name. `member` is the parameter as AWS's sentences spell it
/// (`userName`). Lengths are checked with the rest of the model, before this.
///
/// # Errors
/// `ValidationError` for another letter.
pub fn check(member: &str, name: &str) -> Result<()> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
    if name.bytes().all(fits) {
        return Ok(());
    }
    Err(Error::ValidationError(format!(
        "The specified value for {member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
    )))
}

/// The path of a new entity, `/` when none is given.
///
/// # Errors
/// `ValidationError` when it does not begin and end with a slash, or has other letters.
pub fn path(member: &str, path: Option<String>) -> Result<String> {
    let path = path.unwrap_or_else(|| "/".into());
    let slashes = path.starts_with('/') && path.ends_with('/') && !path.contains("//");
    if slashes && path.bytes().all(|b| (b'!'..=b'~').contains(&b)) {
        return Ok(path);
    }
    Err(Error::ValidationError(format!(
        "The specified value for {member} is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."
    )))
}

/// Whether an entity at `path` is listed under a prefix.
pub fn under(path: &str, prefix: Option<&str>) -> bool {
    prefix.is_none_or(|prefix| path.starts_with(prefix))
}

/// `arn:aws:iam::ACCOUNT:KIND/path/name`.
pub fn arn(account: &AccountId, kind: &str, path: &str, name: &str) -> String {
    Arn::iam(account.as_str(), format!("{kind}{path}{name}")).to_string()
}

/// A managed policy's ARN, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyArn {
    pub owner: PolicyOwner,
    pub path: String,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyOwner {
    Aws,
    Customer(AccountId),
}

impl PolicyArn {
    /// `None` unless it is `arn:aws:iam::(ACCOUNT|aws):policy/path/name`.
    pub fn parse(text: &str) -> Option<Self> {
        let arn: Arn = text.parse().ok()?;
        if arn.partition != "aws" || arn.service != "iam" || !arn.region.is_empty() {
            return None;
        }
        let (path, name) = arn.resource.strip_prefix("policy")?.rsplit_once('/')?;
        let owner = match arn.account.as_str() {
            "aws" => PolicyOwner::Aws,
            account => PolicyOwner::Customer(account.parse().ok()?),
        };
        (!name.is_empty()).then(|| Self { owner, path: format!("{path}/"), name: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_arn_is_taken_apart() {
        let check = |text: &str, expected: Option<(PolicyOwner, &str, &str)>| {
            let parsed = PolicyArn::parse(text).map(|arn| (arn.owner, arn.path, arn.name));
            let expected = expected.map(|(owner, path, name)| (owner, path.into(), name.into()));
            assert_eq!(parsed, expected, "{text}");
        };
        let mine = || PolicyOwner::Customer("123456789012".parse().expect("valid"));
        check("arn:aws:iam::123456789012:policy/a/b/n", Some((mine(), "/a/b/", "n")));
        check("arn:aws:iam::123456789012:policy/n", Some((mine(), "/", "n")));
        check("arn:aws:iam::aws:policy/ReadOnly", Some((PolicyOwner::Aws, "/", "ReadOnly")));
        check("arn:aws:iam::aws:policy/", None);
        check("arn:aws:iam::123456789012:role/n", None);
        check("arn:aws:s3:::policy/n", None);
        check("ReadOnly", None);
    }

    #[test]
    fn paths_and_names_are_checked() {
        let check_path = |given: &str, valid: bool| {
            assert_eq!(path("path", Some(given.into())).is_ok(), valid, "{given}");
        };
        check_path("/", true);
        check_path("/division_abc/sub-division/", true);
        check_path("/a", false);
        check_path("a/", false);
        check_path("/a//b/", false);
        check_path("/a b/", false);
        assert!(check("userName", "a+=,.@_-Z9").is_ok());
        assert!(check("userName", "a b").is_err());
        assert!(check("userName", "a/b").is_err());
        assert!(check("userName", "하늘").is_err());
    }
}
