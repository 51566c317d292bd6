//! Every condition operator: present, absent, several, none; and the user guide's examples.

use super::*;

/// Whether a statement with this Condition applies to a request that says `key` is `values`.
fn holds(condition: &str, key: &str, values: &[&str]) -> bool {
    asked(condition).key(key, values).verdict() == ALLOWED
}

fn asked(condition: &str) -> Ask {
    Ask::new(&user(OWN, "bob"), "s3:GetObject", "arn:aws:s3:::b/k").identity(&format!(
        r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{{condition}}}}}"#
    ))
}

fn check(operator: &str, operand: &str, value: &[&str], expected: bool) {
    let condition = format!(r#""{operator}":{{"x:Key":{operand}}}"#);
    assert_eq!(holds(&condition, "X:key", value), expected, "{condition} on {value:?}");
}

#[test]
fn strings() {
    check("StringEquals", r#""a""#, &["a"], true);
    check("StringEquals", r#""a""#, &["A"], false);
    check("StringEquals", r#"["a","b"]"#, &["b"], true);
    check("StringEquals", r#""a*""#, &["ab"], false);
    check("StringEquals", r#""a*""#, &["a*"], true);
    check("StringEquals", "7", &["7"], true);
    check("StringNotEquals", r#"["a","b"]"#, &["b"], false);
    check("StringNotEquals", r#"["a","b"]"#, &["c"], true);
    check("StringEqualsIgnoreCase", r#""Straße""#, &["sTRAßE"], true);
    check("StringNotEqualsIgnoreCase", r#""a""#, &["A"], false);
    check("StringLike", r#"["home/?*","x"]"#, &["home/b"], true);
    check("StringLike", r#""home/?*""#, &["home/"], false);
    check("StringLike", r#""""#, &[""], true);
    check("StringNotLike", r#""a*""#, &["ab"], false);
    check("StringNotLike", r#""a*""#, &["b"], true);
    check("StringEquals", "[]", &["a"], false);
    check("StringNotEquals", "[]", &["a"], true);
}

#[test]
fn variables_in_values() {
    check("StringEquals", r#""${aws:username}""#, &["bob"], true);
    check("StringLike", r#""${aws:username}/*""#, &["bob/x"], true);
    check("StringEquals", r#""${*}""#, &["*"], true);
    check("StringLike", r#""${*}""#, &["x"], false);
    check("StringEqualsIgnoreCase", r#""${aws:username}""#, &["BOB"], true);
    check("StringEquals", r#""${aws:PrincipalTag/none}""#, &[""], false);
    check("StringNotEquals", r#""${aws:PrincipalTag/none}""#, &["bob"], true);
    check(
        "ArnLike",
        r#""arn:aws:iam::*:user/${aws:username}""#,
        &["arn:aws:iam::1:user/bob"],
        true,
    );
    check("NumericEquals", r#""${aws:EpochTime}""#, &["1800000000"], false);
}

#[test]
fn numbers() {
    check("NumericEquals", "10", &["10.0"], true);
    check("NumericEquals", r#""1e1""#, &["10"], true);
    check("NumericEquals", "9007199254740993", &["9007199254740992"], false);
    check("NumericNotEquals", "10", &["11"], true);
    check("NumericLessThan", "10", &["9.99"], true);
    check("NumericLessThan", "10", &["10"], false);
    check("NumericLessThanEquals", r#""10""#, &["10"], true);
    check("NumericGreaterThan", "-1", &["0"], true);
    check("NumericGreaterThanEquals", "10", &["9"], false);
    check("NumericLessThan", "10", &["many"], false);
    check("NumericNotEquals", "10", &["many"], true);
    check("NumericLessThan", r#""inf""#, &["1"], false);
}

#[test]
fn dates() {
    let july = r#""2017-07-01T00:00:00Z""#;
    check("DateEquals", july, &["2017-07-01T09:00:00+09:00"], true);
    check("DateEquals", july, &["1498867200"], true);
    check("DateNotEquals", july, &["2017-07-02"], true);
    check("DateGreaterThan", july, &["2017-07-01T00:00:00Z"], false);
    check("DateGreaterThanEquals", july, &["2017-07-01T00:00:00Z"], true);
    check("DateLessThan", july, &["2017-06"], true);
    check("DateLessThanEquals", "1498867200", &["2017-07-01"], true);
    check("DateLessThan", july, &["never"], false);
}

#[test]
fn booleans_binaries_and_nulls() {
    check("Bool", "true", &["true"], true);
    check("Bool", r#""True""#, &["true"], true);
    check("Bool", "false", &["true"], false);
    check("Bool", r#""maybe""#, &["maybe"], false);
    check("BinaryEquals", r#""AQID""#, &["AQID"], true);
    check("BinaryEquals", r#""AQID""#, &["AQIE"], false);
    check("BinaryEquals", r#""!""#, &["!"], false);
    check("Null", "true", &[], true);
    check("Null", r#""false""#, &[], false);
    check("Null", r#""false""#, &["a"], true);
    check("Null", "true", &["a", "b"], false);
    check("Null", r#""sometimes""#, &[], false);
}

#[test]
fn addresses() {
    let networks = r#"["203.0.113.0/24","2001:DB8:1234:5678::/64","198.51.100.9"]"#;
    for (address, within) in [
        ("203.0.113.255", true),
        ("203.0.114.0", false),
        ("::ffff:203.0.113.1", true),
        ("2001:db8:1234:5678:9::1", true),
        ("2001:db8:1234:5679::1", false),
        ("198.51.100.9", true),
        ("198.51.100.8", false),
        ("nowhere", false),
    ] {
        check("IpAddress", networks, &[address], within);
        check("NotIpAddress", networks, &[address], !within);
    }
    check("IpAddress", r#""203.0.113.77/24""#, &["203.0.113.1"], true);
    check("IpAddress", r#""0.0.0.0/0""#, &["::1"], false);
}

#[test]
fn arns() {
    let finance = r#""arn:aws:someservice:*:111122223333:finance/*""#;
    let tricky = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/d.txt";
    check("ArnLike", finance, &[tricky], false);
    check("StringLike", finance, &[tricky], true);
    for operator in ["ArnEquals", "ArnLike"] {
        check(operator, finance, &["arn:aws:someservice:eu-west-1:111122223333:finance/x"], true);
        check(operator, r#""*""#, &["arn:aws:s3:::b"], true);
        check(operator, r#""arn:aws:s3""#, &["arn:aws:s3:::b"], false);
        check(operator, r#""arn:aws:s3:::B""#, &["arn:aws:s3:::b"], false);
        check(operator, r#""arn:*:*:*:*:*""#, &["no name"], false);
    }
    check("ArnNotEquals", r#""arn:aws:s3:::b*""#, &["arn:aws:s3:::bc"], false);
    check("ArnNotLike", r#""arn:aws:s3:::b""#, &["arn:aws:s3:::c"], true);
}

/// "If the key is not present the values do not match; … negated … the condition is true."
#[test]
fn missing_keys() {
    for (operator, operand, negated) in [
        ("StringEquals", r#""a""#, false),
        ("StringNotEquals", r#""a""#, true),
        ("StringEqualsIgnoreCase", r#""a""#, false),
        ("StringNotEqualsIgnoreCase", r#""a""#, true),
        ("StringLike", r#""*""#, false),
        ("StringNotLike", r#""*""#, true),
        ("NumericEquals", "1", false),
        ("NumericNotEquals", "1", true),
        ("NumericLessThan", "1", false),
        ("NumericLessThanEquals", "1", false),
        ("NumericGreaterThan", "1", false),
        ("NumericGreaterThanEquals", "1", false),
        ("DateEquals", "1", false),
        ("DateNotEquals", "1", true),
        ("DateLessThan", "1", false),
        ("DateGreaterThan", "1", false),
        ("Bool", "false", false),
        ("BinaryEquals", r#""AQ==""#, false),
        ("IpAddress", r#""0.0.0.0/0""#, false),
        ("NotIpAddress", r#""0.0.0.0/0""#, true),
        ("ArnEquals", r#""*""#, false),
        ("ArnLike", r#""*""#, false),
        ("ArnNotEquals", r#""*""#, true),
        ("ArnNotLike", r#""*""#, true),
    ] {
        check(operator, operand, &[], negated);
        check(&format!("{operator}IfExists"), operand, &[], true);
        check(&format!("ForAllValues:{operator}"), operand, &[], true);
        check(&format!("ForAnyValue:{operator}"), operand, &[], false);
        check(&format!("ForAllValues:{operator}IfExists"), operand, &[], true);
        check(&format!("ForAnyValue:{operator}IfExists"), operand, &[], true);
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_multi-value-conditions.html>
#[test]
fn several_values() {
    let list = r#"["ID","Message","Tags"]"#;
    check("ForAllValues:StringEquals", list, &["Message", "Tags"], true);
    check("ForAllValues:StringEquals", list, &["Message", "UserName"], false);
    check("ForAnyValue:StringEquals", list, &["Message", "UserName"], true);
    check("ForAnyValue:StringEquals", list, &["PostDateTime", "UserName"], false);
    check("ForAllValues:StringNotEquals", list, &["PostDateTime", "UserName"], true);
    check("ForAllValues:StringNotEquals", list, &["PostDateTime", "Tags"], false);
    check("ForAnyValue:StringNotEquals", list, &["PostDateTime", "Tags"], true);
    check("ForAnyValue:StringNotEquals", list, &["ID", "Tags"], false);
    check("ForAllValues:StringEquals", list, &[""], true);
    check("ForAnyValue:StringLike", r#""*""#, &[""], false);
    check("ForAllValues:StringLike", r#"["a*","b"]"#, &["ab", "ac", "b"], true);
    // Without a set operator any value may match, and for a negated one none may.
    check("StringEquals", list, &["x", "Tags"], true);
    check("StringNotEquals", list, &["x", "Tags"], false);
}

#[test]
fn operators_and_keys_are_all_required() {
    let both = r#""StringEquals":{"a:b":"1","a:c":["2","3"]},"NumericLessThan":{"a:d":5}"#;
    let ask = |b: &str, c: &str, d: &str| {
        asked(both).key("a:b", &[b]).key("a:c", &[c]).key("a:d", &[d]).verdict() == ALLOWED
    };
    assert!(ask("1", "3", "4"));
    assert!(!ask("2", "3", "4"));
    assert!(!ask("1", "4", "4"));
    assert!(!ask("1", "3", "5"));
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
#[test]
fn global_keys_of_callers() {
    let check = |who: &aws::Identity, key: &str, expected: Option<&str>| {
        let condition = match expected {
            Some(value) => format!(r#""StringEquals":{{"{key}":"{value}"}}"#),
            None => format!(r#""Null":{{"{key}":"true"}}"#),
        };
        let ask = Ask::new(who, "s3:GetObject", "arn:aws:s3:::b/k").on_resource(&format!(
            r#"{{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*",
                "Condition":{{{condition}}}}}"#
        ));
        let denied = Verdict::ExplicitDeny(Layer::Resource);
        assert_eq!(ask.verdict(), denied, "{key} of {:?}", who.principal);
    };
    let (bob, root) = (user(OWN, "bob"), aws::Identity::root(account(OWN)));
    let (session, anonymous) = (role(OWN, "r", "s"), aws::Identity::anonymous());
    let ec2 = service("ec2.amazonaws.com");

    check(&bob, "aws:username", Some("bob"));
    check(&session, "aws:username", None);
    check(&root, "aws:username", None);
    check(&bob, "aws:userid", Some("AIDABOB"));
    check(&session, "aws:userid", Some("AROAR:s"));
    check(&root, "aws:userid", Some(OWN));
    check(&anonymous, "aws:userid", Some("anonymous"));
    check(&bob, "aws:PrincipalArn", Some("arn:aws:iam::111122223333:user/bob"));
    check(&session, "aws:principalarn", Some("arn:aws:iam::111122223333:role/r"));
    check(&root, "aws:PrincipalArn", Some("arn:aws:iam::111122223333:root"));
    check(&anonymous, "aws:PrincipalArn", None);
    check(&bob, "aws:PrincipalAccount", Some(OWN));
    check(&anonymous, "aws:PrincipalAccount", Some("anonymous"));
    check(&ec2, "aws:PrincipalAccount", None);
    check(&root, "aws:PrincipalType", Some("Account"));
    check(&bob, "aws:PrincipalType", Some("User"));
    check(&session, "aws:PrincipalType", Some("AssumedRole"));
    check(&anonymous, "aws:PrincipalType", Some("Anonymous"));
    check(&ec2, "aws:PrincipalIsAWSService", Some("true"));
    check(&bob, "aws:PrincipalIsAWSService", Some("false"));
    check(&ec2, "aws:PrincipalServiceName", Some("ec2.amazonaws.com"));
    check(&bob, "aws:PrincipalServiceName", None);
    check(&session, "aws:TokenIssueTime", Some("2027-01-15T07:43:20Z"));
    check(&bob, "aws:TokenIssueTime", None);
    check(&session, "aws:MultiFactorAuthPresent", Some("false"));
    check(&bob, "aws:MultiFactorAuthPresent", None);
    check(&session, "aws:MultiFactorAuthAge", None);
    check(&session, "aws:SourceIdentity", None);
    check(&bob, "aws:SourceIp", Some("203.0.113.7"));
    check(&bob, "aws:SecureTransport", Some("true"));
    check(&bob, "aws:CurrentTime", Some("2027-01-15T08:00:00Z"));
    check(&bob, "aws:EpochTime", Some("1800000000"));
    check(&bob, "aws:UserAgent", Some("aws-cli/2"));
    check(&bob, "aws:Referer", None);
    check(&bob, "aws:RequestedRegion", Some("eu-west-1"));
    check(&bob, "aws:ViaAWSService", Some("false"));
    check(&bob, "aws:CalledVia", None);
    check(&bob, "aws:PrincipalTag/team", None);
    check(&bob, "aws:SourceArn", None);

    let mut strong = session.clone();
    let details = strong.session.as_mut().expect("a session");
    details.mfa = true;
    details.source_identity = Some("alice".into());
    details.tags = vec![("Team".into(), "blue".into())];
    check(&strong, "aws:MultiFactorAuthPresent", Some("true"));
    check(&strong, "aws:MultiFactorAuthAge", Some("1000"));
    check(&strong, "aws:SourceIdentity", Some("alice"));
    check(&strong, "aws:PrincipalTag/team", Some("blue"));
}

#[test]
fn a_forwarded_request_says_who_forwards_it() {
    let mut ask = asked(
        r#""ForAnyValue:StringEquals":{"aws:CalledVia":"cloudformation.amazonaws.com"},
           "Bool":{"aws:ViaAWSService":"true"}"#,
    );
    assert_ne!(ask.verdict(), ALLOWED);
    ask.call.via = Some("cloudformation.amazonaws.com");
    assert_eq!(ask.verdict(), ALLOWED);
}

#[test]
fn a_session_s_tag_goes_before_its_role_s() {
    let condition = r#""StringEquals":{"aws:PrincipalTag/team":"blue"}"#;
    let mut ask = asked(condition).tag("team", "blue");
    assert_eq!(ask.verdict(), ALLOWED);
    let mut session = session();
    session.tags = vec![("team".into(), "red".into())];
    ask.call.identity.session = Some(session);
    assert_ne!(ask.verdict(), ALLOWED);
}

/// The guide's example policies, in their shortest form.
#[test]
fn examples_of_the_guide() {
    let bob = user(OWN, "bob");
    let regions = r#"{"Effect":"Deny","NotAction":["cloudfront:*","iam:*","route53:*"],
        "Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-1"]}}}"#;
    let mut outside = Ask::new(&bob, "ec2:RunInstances", "*").identity(ALLOW_ALL).identity(regions);
    assert_eq!(outside.verdict(), ALLOWED);
    outside.call.region = "us-east-1".parse().expect("a region");
    assert_eq!(outside.verdict(), Verdict::ExplicitDeny(Layer::Identity));
    let mut iam = Ask::new(&bob, "iam:ListUsers", "*").identity(ALLOW_ALL).identity(regions);
    iam.call.region = "us-east-1".parse().expect("a region");
    assert_eq!(iam.verdict(), ALLOWED);

    let from_office = r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{
        "NotIpAddress":{"aws:SourceIp":["192.0.2.0/24"]},"Bool":{"aws:ViaAWSService":"false"}}}"#;
    let mut away = Ask::new(&bob, "s3:ListBucket", "*").identity(ALLOW_ALL).identity(from_office);
    assert_eq!(away.verdict(), Verdict::ExplicitDeny(Layer::Identity));
    away.call.source_ip = Some([192, 0, 2, 3].into());
    assert_eq!(away.verdict(), ALLOWED);
    away.call.source_ip = Some([10, 0, 0, 1].into());
    away.call.via = Some("athena.amazonaws.com");
    assert_eq!(away.verdict(), ALLOWED);

    let no_mfa = r#"{"Effect":"Deny","NotAction":"iam:*","Resource":"*",
        "Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}"#;
    let asked = Ask::new(&bob, "s3:ListBucket", "*").identity(ALLOW_ALL).identity(no_mfa);
    assert_eq!(asked.verdict(), Verdict::ExplicitDeny(Layer::Identity));

    let matching_tags = r#"{"Effect":"Allow","Action":"ec2:startInstances","Resource":"*",
        "Condition":{"StringEquals":{"aws:ResourceTag/CostCenter":"${aws:PrincipalTag/CostCenter}"}}}"#;
    let start = Ask::new(&bob, "ec2:StartInstances", "arn:aws:ec2:eu-west-1:1:instance/i-1")
        .identity(matching_tags)
        .key("aws:ResourceTag/CostCenter", &["42"]);
    assert_ne!(start.verdict(), ALLOWED);
    assert_eq!(start.clone().tag("CostCenter", "42").verdict(), ALLOWED);
    assert_ne!(start.tag("CostCenter", "43").verdict(), ALLOWED);

    let only_these_tags = r#"{"Effect":"Allow","Action":["iam:CreateUser","iam:TagUser"],
        "Resource":"*","Condition":{
        "StringEqualsIfExists":{"aws:RequestTag/Department":["Development","Quality"]},
        "ForAllValues:StringEquals":{"aws:TagKeys":["Department","JobFunction"]}}}"#;
    let create = Ask::new(&bob, "iam:CreateUser", "arn:aws:iam::111122223333:user/new")
        .identity(only_these_tags);
    assert_eq!(create.verdict(), ALLOWED);
    let tagged = |key: &str, value: &str| {
        let create = create.clone().key("aws:TagKeys", &[key]);
        create.key(&format!("aws:RequestTag/{key}"), &[value]).verdict() == ALLOWED
    };
    assert!(tagged("Department", "Quality"));
    assert!(!tagged("Department", "Sales"));
    assert!(!tagged("Team", "Quality"));

    let home = r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b",
        "Condition":{"StringLike":{"s3:prefix":["","home/","home/${aws:username}/*"]}}}"#;
    let list = |prefix: &str| {
        let ask = Ask::new(&bob, "s3:ListBucket", "arn:aws:s3:::b").identity(home);
        ask.key("s3:prefix", &[prefix]).verdict() == ALLOWED
    };
    assert!(list("") && list("home/") && list("home/bob/x"));
    assert!(!list("home") && !list("home/eve/x"));
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html>
#[test]
fn examples_of_bucket_policies() {
    let bucket = |who: &aws::Identity, action: &str, statement: &str| {
        let ask = Ask::new(who, action, "arn:aws:s3:::b/AWSLogs/x").owned_by(OWN);
        ask.identity(ALLOW_ALL).on_resource(statement)
    };
    let bob = user(OWN, "bob");
    let denied = Verdict::ExplicitDeny(Layer::Resource);

    let only_tls = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*",
        "Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],
        "Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#;
    let mut plain = bucket(&bob, "s3:GetObject", only_tls);
    assert_eq!(plain.verdict(), ALLOWED);
    plain.call.secure_transport = false;
    assert_eq!(plain.verdict(), denied);

    let encrypted = r#"{"Effect":"Deny","Principal":"*","Action":"s3:PutObject",
        "Resource":"arn:aws:s3:::b/*","Condition":{
        "StringNotEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}}}"#;
    let put = bucket(&bob, "s3:PutObject", encrypted);
    assert_eq!(put.verdict(), denied);
    assert_eq!(put.key("s3:x-amz-server-side-encryption", &["aws:kms"]).verdict(), ALLOWED);

    let logs = r#"{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},
        "Action":"s3:PutObject","Resource":"arn:aws:s3:::b/AWSLogs/*","Condition":{
        "ArnLike":{"aws:SourceArn":"arn:aws:s3:::source"},
        "StringEquals":{"aws:SourceAccount":"111122223333"}}}"#;
    let logging =
        Ask::new(&service("logging.s3.amazonaws.com"), "s3:PutObject", "arn:aws:s3:::b/AWSLogs/x")
            .owned_by(OWN)
            .on_resource(logs);
    assert_ne!(logging.verdict(), ALLOWED);
    let sourced = logging.key("aws:SourceArn", &["arn:aws:s3:::source"]);
    assert_eq!(sourced.clone().key("aws:SourceAccount", &[OWN]).verdict(), ALLOWED);
    assert_ne!(sourced.key("aws:SourceAccount", &[OTHER]).verdict(), ALLOWED);

    let full_control = r#"{"Effect":"Allow","Principal":{"AWS":["111122223333","444455556666"]},
        "Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*",
        "Condition":{"StringEquals":{"s3:x-amz-acl":["bucket-owner-full-control"]}}}"#;
    let carlos = bucket(&user(OTHER, "carlos"), "s3:PutObject", full_control);
    assert_ne!(carlos.verdict(), ALLOWED);
    assert_eq!(carlos.key("s3:x-amz-acl", &["bucket-owner-full-control"]).verdict(), ALLOWED);
}
