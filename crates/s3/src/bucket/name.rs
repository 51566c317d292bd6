//! Which names a bucket can have.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>

use std::net::Ipv4Addr;

use aws::{AccountId, Error, Region};

use crate::error::invalid_argument;

const LENGTH: std::ops::RangeInclusive<usize> = 3..=63;
/// Names of internationalised domains, and of AWS's own.
const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
/// Names of access points, directory buckets and tables.
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
/// Of names in an account's own namespace, `PREFIX-ACCOUNT-REGION-an`.
const ACCOUNT_REGIONAL: &str = "-an";

/// Judges the name of a new bucket.
///
/// # Errors
/// `InvalidBucketName`.
pub(super) fn check(name: &str) -> Result<(), Error> {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let valid = LENGTH.contains(&name.len())
        && name.bytes().all(|byte| is_letter(byte) || matches!(byte, b'-' | b'.'))
        && name.bytes().next().is_some_and(is_letter)
        && name.bytes().next_back().is_some_and(is_letter)
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
        && !looks_like_address(name)
        && !RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        && !RESERVED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
    if valid { Ok(()) } else { Err(invalid(name)) }
}

/// Judges the name against the namespace that `x-amz-bucket-namespace` asks for.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html>
///
/// # Errors
/// `InvalidBucketName` for a name of the other namespace, `InvalidArgument` for an unknown one.
pub(super) fn check_namespace(
    name: &str,
    namespace: Option<&str>,
    account: &AccountId,
    region: &Region,
) -> Result<(), Error> {
    let fits = match namespace {
        None | Some("global") => !name.ends_with(ACCOUNT_REGIONAL),
        Some("account-regional") => {
            let suffix = format!("-{account}-{region}{ACCOUNT_REGIONAL}");
            name.strip_suffix(&suffix).is_some_and(|prefix| !prefix.is_empty())
        }
        Some(other) => {
            let why = "The bucket namespace is not valid";
            return Err(invalid_argument(why, "x-amz-bucket-namespace", other));
        }
    };
    if fits { Ok(()) } else { Err(invalid(name)) }
}

/// Also what no address can be, such as `256.1.1.1`.
fn looks_like_address(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    parts.len() == 4
        && parts
            .iter()
            .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
}

fn invalid(name: &str) -> Error {
    Error::client(400, "InvalidBucketName", "The specified bucket is not valid.")
        .with_detail("BucketName", name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{code, id, region};

    #[test]
    fn the_page_s_rules() {
        let longest = "a".repeat(63);
        for name in ["abc", "1.2", "a-b.c-d", "my-bucket", "192.168.5", "192.168.5.4.5", &longest] {
            assert_eq!(code(check(name)), "OK", "{name}");
        }
        let too_long = "a".repeat(64);
        for name in [
            "",
            "ab",
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            ".abc",
            "abc.",
            "a..b",
            "a b",
            "하늘하늘",
            "192.168.5.4",
            "256.1.1.1",
            "xn--a",
            "sthree-x",
            "sthree-configurator",
            "a/b",
            "amzn-s3-demo-bucket",
            "a-s3alias",
            "a--ol-s3",
            "a.mrap",
            "a--x-s3",
            "a--table-s3",
            &too_long,
        ] {
            assert_eq!(code(check(name)), "InvalidBucketName", "{name}");
        }
    }

    #[test]
    fn an_account_s_own_namespace() {
        let check = |name: &str, namespace: Option<&str>, expected: &str| {
            let (account, region) = (id("111122223333"), region("eu-west-1"));
            let answer = check_namespace(name, namespace, &account, &region);
            assert_eq!(code(answer), expected, "{name}");
        };
        check("mine", None, "OK");
        check("mine", Some("global"), "OK");
        check("mine-an", None, "InvalidBucketName");
        check("a-111122223333-eu-west-1-an", Some("account-regional"), "OK");
        check("a-111122223333-eu-west-1-an", None, "InvalidBucketName");
        check("a-444455556666-eu-west-1-an", Some("account-regional"), "InvalidBucketName");
        check("a", Some("account-regional"), "InvalidBucketName");
        check("mine", Some("local"), "InvalidArgument");
    }
}
