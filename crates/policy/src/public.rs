//! Whether a resource's policy gives something to the public, as S3 defines it.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status>

use std::net::IpAddr;

use aws::{AccountId, Arn};

use crate::condition::{Condition, network};
use crate::document::{Document, Effect, Statement};
use crate::principal::{PrincipalElement, PrincipalName};

/// Whether any statement allows something to more than fixed principals and does not limit it
/// to fixed values of one of the keys that the page lists. Where the page leaves a choice, the
/// answer is that the policy is public.
pub fn is_public(document: &Document) -> bool {
    document.statements().iter().any(gives_to_public)
}

fn gives_to_public(statement: &Statement) -> bool {
    statement.effect() == Effect::Allow
        && statement.principal().is_some_and(|principal| !is_fixed_principal(principal))
        && !statement.conditions().iter().any(limits)
}

/// NotPrincipal with Allow gives to all the world but a few.
fn is_fixed_principal(principal: &PrincipalElement) -> bool {
    let is_fixed = |name: &PrincipalName| match name {
        PrincipalName::Everyone => false,
        // Anyone can have an account with a public identity provider; a provider with an ARN
        // is one of an account's own.
        PrincipalName::Federated(name) => name.parse::<Arn>().is_ok(),
        PrincipalName::Account(_)
        | PrincipalName::Arn(_)
        | PrincipalName::UniqueId(_)
        | PrincipalName::Service(_)
        | PrincipalName::CanonicalUser(_) => true,
    };
    !principal.is_negated() && !principal.lists_everyone() && principal.names().iter().all(is_fixed)
}

fn limits(condition: &Condition) -> bool {
    let is_limit: fn(&str) -> bool = match condition.key().to_ascii_lowercase().as_str() {
        "aws:sourceip" => is_narrow_network,
        "s3:dataaccesspointarn" => is_of_one_account,
        "aws:userid" => |value| is_fixed(value) && !is_role_session(value) && !is_nobody(value),
        "aws:principalaccount" => |value| is_fixed(value) && !is_nobody(value),
        "aws:principalarn"
        | "aws:principalorgid"
        | "aws:sourcearn"
        | "aws:sourcevpc"
        | "aws:sourcevpce"
        | "aws:sourceowner"
        | "aws:sourceaccount"
        | "s3:x-amz-server-side-encryption-aws-kms-key-id"
        | "s3:dataaccesspointaccount" => is_fixed,
        _ => return false,
    };
    condition.requires_value() && condition.values().iter().all(|value| is_limit(value))
}

/// Neither wildcards nor variables, whether or not the operator would read them as such.
fn is_fixed(value: &str) -> bool {
    !value.contains(['*', '?']) && !value.contains("${")
}

/// The page counts private ranges as narrow however wide; none is wider than these bounds.
fn is_narrow_network(value: &str) -> bool {
    network(value).is_some_and(|range| match range.addr() {
        IpAddr::V4(_) => range.prefix_len() >= 8,
        IpAddr::V6(_) => range.prefix_len() >= 32,
    })
}

/// The name of the access point may have wildcards.
fn is_of_one_account(value: &str) -> bool {
    value.parse::<Arn>().is_ok_and(|arn| {
        arn.service == "s3" && arn.account.parse::<AccountId>().is_ok() && !value.contains("${")
    })
}

/// The page's pattern `AROLEID:*`.
fn is_role_session(value: &str) -> bool {
    value.starts_with("AROA") && value.contains(':')
}

/// What a caller without credentials has for these keys is a fixed value too.
fn is_nobody(value: &str) -> bool {
    value.eq_ignore_ascii_case("anonymous")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn check(principal: &str, condition: &str, expected: bool) {
        let condition = match condition {
            "" => String::new(),
            some => format!(r#","Condition":{{{some}}}"#),
        };
        let text = format!(
            r#"{{"Statement":{{{principal},"Resource":"*","Action":"s3:PutObject","Effect":"Allow"{condition}}}}}"#
        );
        let document = Document::parse(&text, Kind::Resource).expect("a resource's policy");
        assert_eq!(is_public(&document), expected, "{text}");
    }

    const EVERYONE: &str = r#""Principal":"*""#;

    #[test]
    fn the_page_s_examples() {
        check(r#""Principal":{"Federated":"graph.facebook.com"}"#, "", true);
        check(EVERYONE, "", true);
        check(EVERYONE, r#""StringLike":{"aws:SourceVpc":"vpc-*"}"#, true);
        check(EVERYONE, r#""StringEquals":{"aws:SourceVpc":"vpc-91237329"}"#, false);
        check(EVERYONE, r#""IpAddress":{"aws:SourceIp":"0.0.0.0/1"}"#, true);
        let points = r#""ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-west-2:123456789012:accesspoint/*"}"#;
        check(EVERYONE, points, false);
    }

    /// "How Amazon S3 evaluates a bucket policy that contains both public and non-public access
    /// grants."
    #[test]
    fn one_public_statement_makes_the_policy_public() {
        let statement = |principal: &str| {
            format!(r#"{{{principal},"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#)
        };
        let trail = statement(r#""Principal":{"Service":"cloudtrail.amazonaws.com"}"#);
        let account = statement(r#""Principal":{"AWS":"444455556666"}"#);
        let public = |statements: &[&str]| {
            let text = format!(r#"{{"Statement":[{}]}}"#, statements.join(","));
            is_public(&Document::parse(&text, Kind::Resource).expect("a resource's policy"))
        };
        assert!(!public(&[&trail, &account]));
        assert!(public(&[&trail, &account, &statement(EVERYONE)]));
        assert!(!public(&[&trail, &statement(EVERYONE).replace("Allow", "Deny")]));
    }

    #[test]
    fn principals() {
        let fixed = |name: &str| check(&format!(r#""Principal":{{{name}}}"#), "", false);
        fixed(r#""AWS":"arn:aws:iam::444455556666:user/bob""#);
        fixed(r#""AWS":["444455556666","AROAEXAMPLE"]"#);
        fixed(&format!(r#""CanonicalUser":"{}""#, "0a".repeat(32)));
        fixed(r#""Federated":"arn:aws:iam::444455556666:saml-provider/p""#);
        check(r#""Principal":{"AWS":"*"}"#, "", true);
        check(r#""Principal":{"AWS":["444455556666","*"]}"#, "", true);
        check(r#""NotPrincipal":{"AWS":"444455556666"}"#, "", true);
    }

    #[test]
    fn keys_that_limit() {
        let limit = |key: &str, value: &str, public: bool| {
            check(EVERYONE, &format!(r#""StringLike":{{"{key}":{value}}}"#), public);
        };
        limit("aws:SourceArn", r#""arn:aws:sns:us-east-1:123456789012:t""#, false);
        limit("aws:SourceArn", r#""arn:aws:sns:us-east-1:123456789012:*""#, true);
        limit("AWS:sourcevpce", r#"["vpce-1","vpce-2"]"#, false);
        limit("aws:SourceVpce", r#"["vpce-1","vpce-?"]"#, true);
        limit("aws:SourceVpce", r#""${aws:PrincipalTag/vpce}""#, true);
        limit("aws:SourceOwner", r#""123456789012""#, false);
        limit("aws:SourceAccount", r#""123456789012""#, false);
        limit("aws:PrincipalOrgID", r#""o-123""#, false);
        limit("aws:PrincipalAccount", r#""123456789012""#, false);
        limit("aws:PrincipalAccount", r#""anonymous""#, true);
        limit("aws:userid", r#""AIDAEXAMPLE""#, false);
        limit("aws:userid", r#""anonymous""#, true);
        limit("aws:userid", r#""AROAEXAMPLE:*""#, true);
        limit("aws:userid", r#""AROAEXAMPLE:bob""#, true);
        limit("s3:DataAccessPointAccount", r#""123456789012""#, false);
        limit("s3:DataAccessPointArn", r#""arn:aws:s3:us-west-2:*:accesspoint/a""#, true);
        limit(
            "s3:x-amz-server-side-encryption-aws-kms-key-id",
            r#""arn:aws:kms:a:b:key/k""#,
            false,
        );
        limit("aws:Referer", r#""https://example.com/""#, true);
        limit("aws:UserAgent", r#""x""#, true);
    }

    #[test]
    fn networks() {
        let limit = |range: &str, public: bool| {
            check(EVERYONE, &format!(r#""IpAddress":{{"aws:SourceIp":"{range}"}}"#), public);
        };
        limit("203.0.113.7", false);
        limit("10.0.0.0/8", false);
        limit("11.0.0.0/7", true);
        limit("2001:db8::/32", false);
        limit("2001:db8::/31", true);
        limit("0.0.0.0/0", true);
        limit("anywhere", true);
    }

    #[test]
    fn operators_that_hold_without_a_value_limit_nothing() {
        let limit = |operator: &str, public: bool| {
            check(EVERYONE, &format!(r#""{operator}":{{"aws:SourceVpc":"vpc-1"}}"#), public);
        };
        limit("StringEquals", false);
        limit("StringEqualsIgnoreCase", false);
        limit("ForAnyValue:StringEquals", false);
        limit("ForAllValues:StringEquals", true);
        limit("StringEqualsIfExists", true);
        limit("StringNotEquals", true);
        limit("Null", true);
        check(EVERYONE, r#""NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}"#, true);
    }

    #[test]
    fn one_limit_among_other_conditions_is_enough() {
        let both =
            r#""StringEquals":{"aws:SourceVpc":"vpc-1"},"Bool":{"aws:SecureTransport":"true"}"#;
        check(EVERYONE, both, false);
        check(EVERYONE, r#""Bool":{"aws:SecureTransport":"true"}"#, true);
    }
}
