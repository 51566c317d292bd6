//! What AWS takes as a policy, what it refuses, and in which words.

use super::*;

fn refused(text: &str, kind: Kind, expected: &str) {
    let refusal = Document::parse(text, kind).expect_err(text).to_string();
    assert_eq!(refusal, expected, "{text}");
}

/// A managed policy with these statements.
fn managed(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#)
}

/// One statement that is right but for `fields`.
fn with(fields: &str) -> String {
    managed(&format!("{{{fields}}}"))
}

const LIST: &str = r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b""#;
const BARE: &str = r#""Effect":"Allow","Action":"s3:ListBucket""#;
const SYNTAX: &str = "Syntax errors in policy.";
const LEGACY: &str = "The policy failed legacy parsing";

#[test]
fn shapes() {
    for text in [
        "This is not a json document".to_owned(),
        "[]".into(),
        r#"{"Version":"2012-10-17"}"#.into(),
        format!(r#"{{"Version":"2013-10-17","Statement":{{{LIST}}}}}"#),
        format!(r#"{{"Version":"2012-10-17","Id":[],"Statement":{{{LIST}}}}}"#),
        format!(r#"{{"Version":"2012-10-17","Statement":{{{LIST}}},"Extra":1}}"#),
        format!(r#"{{"Version":"2012-10-17","Version":"2012-10-17","Statement":{{{LIST}}}}}"#),
        managed("[]"),
        managed(r#"["afd"]"#),
        managed("{}"),
        with(&format!(r#"{LIST},"Extra field":"value""#)),
        with(&format!(r#"{LIST},"effect":"Allow""#)),
        with(&format!(r#"{LIST},"Sid":[]"#)),
        with(&format!(r#"{LIST},"NotResource":[]"#)),
        with(&format!(r#"{LIST},"NotAction":[]"#)),
        with(&format!(r#"{LIST},"Condition":[]"#)),
        with(&format!(r#"{LIST},"Condition":"a""#)),
        with(&format!(r#"{LIST},"Condition":{{"a":"b"}}"#)),
        with(&format!(r#"{LIST},"Condition":{{"DateGreaterThan":[]}}"#)),
        with(&format!(r#"{LIST},"Condition":{{"DateGreaterThan":{{"a":{{}}}}}}"#)),
        with(&format!(r#"{LIST},"Condition":{{"StringEquals":{{"a":[null]}}}}"#)),
        with(&format!(r#"{LIST},"Condition":{{"x":{{"a":"1"}}}}"#)),
        with(&format!(r#"{LIST},"Condition":{{"stringequals":{{"a":"1"}}}}"#)),
        with(&format!(r#"{LIST},"Condition":{{"NullIfExists":{{"a":"true"}}}}"#)),
        with(&format!(r#"{LIST},"Condition":{{"ForAnyValue::StringEquals":{{"a":"1"}}}}"#)),
        with(r#""Effect":"invalid","Action":"s3:x","Resource":"*""#),
        with(r#""Action":"s3:x","Resource":"*""#),
        with(r#""Effect":"Deny","Action":[[]],"Resource":"*""#),
        with(r#""Effect":"Deny","Action":{},"Resource":"*""#),
        with(&format!(r#"{BARE},"Resource":["adfdf",{{}}]"#)),
        with(&format!(r#"{BARE},"Resource":{{"a":"arn:aws:s3:::b"}}"#)),
    ] {
        refused(&text, Kind::Managed, SYNTAX);
    }
    refused(&format!(" {}", with(LIST)), Kind::Inline, "JSON strings must not have leading spaces");
}

#[test]
fn versions() {
    let older = format!(r#"{{"Version":"2008-10-17","Statement":{{{LIST}}}}}"#);
    let unversioned = format!(r#"{{"Statement":{{{LIST}}}}}"#);
    for text in [older, unversioned] {
        let old = "Policy document must be version 2012-10-17 or greater.";
        refused(&text, Kind::Managed, old);
        assert!(Document::parse(&text, Kind::Inline).is_ok());
    }
    let both_wrong = format!(r#"{{"Statement":{{"Effect":"denY",{}}}}}"#, &LIST[17..]);
    refused(&both_wrong, Kind::Managed, "Policy document must be version 2012-10-17 or greater.");
}

#[test]
fn what_the_oldest_parser_refuses() {
    for text in [
        with(r#""Effect":"denY","Action":"s3:x","Resource":"*""#),
        with(r#""Effect":"allow","Resource":"arn:aws:s3:us-east-1::b""#),
        with(&format!(r#"{LIST},"Condition":{{"DateGreaterThan":{{"a":"sdfdsf"}}}}"#)),
        with(&format!(r#"{LIST},"Condition":{{"DateLessThan":{{"a":"9223372036854775808"}}}}"#)),
        with(r#""Effect":"Allow","Condition":{"DateGreaterThan":{"a":"sdfdsf"}}"#),
        with(&format!(r#"{BARE},"Resource":"arn:aws:s3::b""#)),
        with(r#""Effect":"Allow","Resource":"arn:aws:s3::b""#),
        with(&format!(r#"{BARE},"NotResource":"arn:aws:s3::b""#)),
        with(&format!(r#"{BARE},"Resource":"arn:aws::::b""#)),
        with(&format!(r#"{BARE},"Resource":"arn:aws::fdsasf""#)),
    ] {
        refused(&text, Kind::Managed, LEGACY);
    }
}

#[test]
fn statement_ids() {
    let same = r#"[{"Sid":"a",L},{"Sid":"a","Effect":"Allow"}]"#.replace('L', LIST);
    let unique = "Statement IDs (SID) in a single policy must be unique.";
    refused(&managed(&same), Kind::Managed, unique);
    refused(
        &with(&format!(r#"{LIST},"Sid":"a-b""#)),
        Kind::Managed,
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular \
         expression [0-9A-Za-z]*",
    );
    let empty = r#"[{"Sid":"",L},{"Sid":"",L}]"#.replace('L', LIST);
    assert!(Document::parse(&managed(&empty), Kind::Managed).is_ok());
}

#[test]
fn principals_in_identity_policies() {
    for element in ["Principal", "NotPrincipal"] {
        let text = with(&format!(r#"{LIST},"{element}":"*""#));
        let principal = "Policy document should not specify a principal.";
        refused(&text, Kind::Managed, principal);
        refused(&text, Kind::Session, principal);
    }
}

#[test]
fn actions() {
    let check = |action: &str, expected: &str| {
        let text = with(&format!(r#""Effect":"Allow","NotAction":{action},"Resource":"*""#));
        refused(&text, Kind::Managed, expected);
    };
    let vendor = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
    check(r#""invalid""#, vendor);
    check(r#""""#, vendor);
    check(r#"["*","invalid"]"#, vendor);
    check(r#""a a:ListBucket""#, "Vendor a a is not valid");
    check(r#""s*:ListBucket""#, "Vendor s* is not valid");
    check(r#""s3:List:Bucket""#, "Actions/Condition can contain only one colon.");
    check("[]", "Policy statement must contain actions.");
    refused(&with(r#""Effect":"Allow""#), Kind::Managed, "Policy statement must contain actions.");
    let both = managed(&format!(r#"[{{"Effect":"Deny"}},{{{LIST}}}]"#));
    refused(&both, Kind::Managed, "Policy statement must contain actions.");
    refused(&with(r#""Effect":"Allow","Action":"invalid""#), Kind::Managed, vendor);
}

#[test]
fn resources() {
    let check = |resource: &str, expected: &str| {
        refused(&with(&format!(r#"{BARE},"Resource":{resource}"#)), Kind::Managed, expected);
    };
    check(r#""invalid resource""#, r#"Resource invalid resource must be in ARN format or "*"."#);
    check(r#"["*",""]"#, r#"Resource  must be in ARN format or "*"."#);
    let partition =
        |name: &str, arn: &str| format!(r#"Partition "{name}" is not valid for resource "{arn}"."#);
    check(r#""a:bsdf""#, &partition("bsdf", "arn:bsdf:*:*:*:*"));
    check(r#""a:b:cadf""#, &partition("b", "arn:b:cadf:*:*:*"));
    check(r#""a:b:c:d:e:f:g:h""#, &partition("b", "arn:b:c:d:e:f:g:h"));
    check(r#""aws:s3:::example""#, &partition("s3", "arn:s3:::example:*"));
    let vendor = "Resource vendor must be fully qualified and cannot contain regexes.";
    check(r#""arn:aws""#, vendor);
    check("[]", "Policy statement must contain resources.");
    refused(&with(BARE), Kind::Managed, "Policy statement must contain resources.");
    check(
        r#""arn:aws:iam:us-east-1::example""#,
        "IAM resource arn:aws:iam:us-east-1::example cannot contain region information.",
    );
    check(
        r#""arn:aws:s3:us-east-1::example""#,
        "Resource arn:aws:s3:us-east-1::example can not contain region information.",
    );
    check(
        r#""arn:aws:iam:::example""#,
        "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, \
         group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, \
         saml-provider/, oidc-provider/, report/, access-report/.",
    );
    // The resource is complained of before the action.
    let both = with(r#""Effect":"Allow","Action":"s:3:x","Resource":"sdf""#);
    refused(&both, Kind::Managed, r#"Resource sdf must be in ARN format or "*"."#);
}

#[test]
fn odd_documents_that_aws_takes() {
    for fields in [
        r#""Effect":"Allow","Action":"iam: asdf safdsf af ","Resource":"arn:aws:s3:::b""#
            .to_owned(),
        r#""Effect":"Allow","Action":["*","*:Get*"],"Resource":["arn:aws:s3:::b","*"]"#.into(),
        r#""Effect":"Allow","NotAction":"s3:x","NotResource":"*""#.into(),
        format!(r#"{BARE},"Resource":"arn:aws:iam:::user/example""#),
        format!(r#"{BARE},"Resource":"arn:aws:fdsasf""#),
        format!(r#"{BARE},"Resource":"arn:*:s3:::b""#),
        format!(r#"{BARE},"Resource":"arn:aws:s3:eu-west-1:1:accesspoint/a""#),
        format!(r#"{BARE},"Resource":"arn:aws:iam::1:${{aws:username}}""#),
        format!(r#"{LIST},"Condition":{{}}"#),
        format!(r#"{LIST},"Condition":{{"x":{{}},"DateGreaterThan":{{"a":[]}}}}"#),
        format!(r#"{LIST},"Condition":{{"DateGreaterThan":{{"a":"01T"}}}}"#),
        format!(r#"{LIST},"Condition":{{"DateLessThan":{{"a":"-292275054"}}}}"#),
        format!(r#"{LIST},"Condition":{{"DateLessThan":{{"a":"2016-12-13t2:00:00.593194+23"}}}}"#),
        format!(r#"{LIST},"Condition":{{"ForAnyValue:StringEqualsIfExists":{{"a":"b"}}}}"#),
        format!(r#"{LIST},"Condition":{{"Bool":{{"a":true}},"NumericEquals":{{"b":1.5}}}}"#),
    ] {
        let text = with(&fields);
        assert!(Document::parse(&text, Kind::Managed).is_ok(), "{text}");
    }
}

#[test]
fn trust_policies() {
    let trust = |fields: &str| {
        let known = r#""Effect":"Allow","Action":"sts:AssumeRole""#;
        format!(r#"{{"Version":"2008-10-17","Statement":[{{{known}{fields}}}]}}"#)
    };
    let check = |fields: &str, expected: &str| refused(&trust(fields), Kind::Trust, expected);
    for principal in [
        r#"{"Service":["ec2.amazonaws.com","ecs.amazonaws.com"]}"#,
        r#"{"AWS":["*","123456789012","arn:aws:iam::123456789012:root"]}"#,
        r#"{"AWS":"arn:aws:iam::123456789012:user/division/Bob"}"#,
        r#"{"AWS":"arn:aws:sts::123456789012:assumed-role/r/s","Service":"a.amazonaws.com"}"#,
        r#"{"AWS":"AROAEXAMPLE"}"#,
        r#"{"Federated":"accounts.google.com"}"#,
    ] {
        let text = trust(&format!(r#","Principal":{principal}"#));
        assert!(Document::parse(&text, Kind::Trust).is_ok(), "{text}");
    }
    check("", "Missing required field Principal");
    let ec2 = r#","Principal":{"Service":"ec2.amazonaws.com"}"#;
    check(&format!(r#"{ec2},"Resource":"*""#), "Has prohibited field Resource");
    check(&format!(r#"{ec2},"Other":1"#), "Unknown field Other");
    check(r#","NotPrincipal":{"AWS":"*"}"#, "Has prohibited field NotPrincipal");
    for (principal, told) in [
        (r#""*""#, r#""STAR":"*""#),
        (r#"{"AWS":"12345"}"#, r#""AWS":"12345""#),
        (
            r#"{"AWS":"arn:aws:iam::123456789012:user/*"}"#,
            r#""AWS":"arn:aws:iam::123456789012:user/*""#,
        ),
        (
            r#"{"AWS":"arn:aws:iam::123456789012:group/g"}"#,
            r#""AWS":"arn:aws:iam::123456789012:group/g""#,
        ),
        (r#"{"Service":"ec2"}"#, r#""SERVICE":"ec2""#),
        (r#"{"Someone":"x"}"#, r#""SOMEONE":"x""#),
    ] {
        let expected = format!("Invalid principal in policy: {told}");
        check(&format!(r#","Principal":{principal}"#), &expected);
    }
    let not_sts = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:*"}}"#;
    refused(not_sts, Kind::Trust, "AssumeRole policy may only specify STS AssumeRole actions.");
    refused("{", Kind::Trust, "This policy contains invalid Json");
    let no_effect = r#"{"Statement":{"Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}"#;
    refused(no_effect, Kind::Trust, "Missing required field Effect");
    refused(r#"{"Version":"2012-10-17"}"#, Kind::Trust, "Missing required field Statement");
}

#[test]
fn resource_policies() {
    let check = |fields: &str, expected: &str| refused(&with(fields), Kind::Resource, expected);
    check(LIST, "Missing required field Principal");
    let nobody = format!(r#"{LIST},"Principal":{{"AWS":[]}}"#);
    check(&nobody, "Missing required field Principal");
    check(&format!(r#"{BARE},"Principal":"*""#), "Missing required field Resource");
    check(r#""Effect":"Deny","Principal":"*","Resource":"*""#, "Missing required field Action");
    let spaced = format!(r#"{LIST},"Principal":"*","Sid":"with spaces""#);
    assert!(Document::parse(&with(&spaced), Kind::Resource).is_ok());
    let oai = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1";
    let named =
        format!(r#"{LIST},"NotPrincipal":{{"AWS":"{oai}","CanonicalUser":"{}"}}"#, "a".repeat(64));
    assert!(Document::parse(&with(&named), Kind::Resource).is_ok());
    check(
        &format!(r#"{LIST},"Principal":{{"CanonicalUser":"bob"}}"#),
        r#"Invalid principal in policy: "CANONICALUSER":"bob""#,
    );
}

#[test]
fn principals_can_be_pinned_to_ids() {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"AWS":["arn:aws:iam::123456789012:user/bob","123456789012"]}}]}"#;
    let document = Document::parse(text, Kind::Trust).expect("a trust policy");
    let pinned = document.with_principals(|name| match name {
        PrincipalName::Arn(_) => Some(PrincipalName::UniqueId("AIDABOB".into())),
        _ => None,
    });
    let names: Vec<String> = pinned.principals().map(PrincipalName::value).collect();
    assert_eq!(names, ["AIDABOB", "arn:aws:iam::123456789012:root"]);
    let again = Document::parse(&pinned.to_json(), Kind::Trust).expect("own print");
    assert_eq!(again.to_json(), pinned.to_json());
}

#[test]
fn context_keys_of_conditions_and_variables() {
    let document = parse(
        r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}",
            "Condition":{"StringLike":{"s3:prefix":["${aws:PrincipalTag/Team}/*","${*}"]}}},
           {"Effect":"Deny","Action":"*","Resource":"*",
            "Condition":{"Bool":{"AWS:SecureTransport":false,"S3:Prefix":"true"}}}"#,
        Kind::Managed,
    );
    assert_eq!(
        document.context_keys(),
        ["aws:username", "s3:prefix", "aws:PrincipalTag/Team", "AWS:SecureTransport"]
    );
}
