use std::collections::BTreeSet;

use aws::Identity;
use policy::{Applied, Context, Document, Kind, Named, Request, Requester, Verdict, evaluate};

use super::*;

#[test]
fn the_table_is_in_order_and_every_document_is_a_policy() {
    let names: Vec<String> = all().map(|policy| policy.name.to_lowercase()).collect();
    assert!(names.is_sorted() && names.len() > 100, "{}", names.len());
    let ids: BTreeSet<&str> = all().map(|policy| policy.id).collect();
    let ids_are_aws_s = ids.iter().all(|id| id.len() == 21 && id.starts_with("ANPA"));
    assert!(ids.len() == names.len() && ids_are_aws_s);
    for policy in all() {
        let document = Document::parse(policy.document, Kind::Managed);
        assert!(document.is_ok(), "{}: {document:?}", policy.name);
        assert!(policy.path.starts_with('/') && policy.path.ends_with('/'), "{}", policy.name);
        assert!(policy.default_version.starts_with('v'), "{}", policy.name);
        assert!(policy.created <= policy.updated, "{}", policy.name);
        assert_eq!(find(policy.path, policy.name), Some(policy));
    }
    assert_eq!(find("/", "NoSuchPolicy"), None);
}

/// What each policy is attached for, and what it must not give.
#[test]
fn policies_give_what_their_names_promise() {
    let check = |arn: &str, action: &str, resource: &str, expected: bool| {
        let policy = all().find(|policy| policy.arn() == format!("arn:aws:iam::aws:policy{arn}"));
        let policy = policy.unwrap_or_else(|| panic!("{arn} is in the table"));
        let document = Document::parse(policy.document, Kind::Managed).expect("a policy");
        let identity = [Named { name: policy.name, document: &document }];
        let applied = Applied { identity: &identity, ..Applied::default() };
        let bob = aws::Principal::User { id: "I".into(), path: "/".into(), name: "bob".into() };
        let who =
            Identity { principal: bob, ..Identity::root("111122223333".parse().expect("id")) };
        let context = Context::of_values(&[]);
        let request = Request::new(Requester::new(&who), action, resource, context);
        let allowed = evaluate(&applied, &request).verdict == Verdict::Allowed;
        assert_eq!(allowed, expected, "{arn} {action} {resource}");
    };
    let (object, bob) = ("arn:aws:s3:::b/k", "arn:aws:iam::111122223333:user/bob");
    check("/AdministratorAccess", "iam:DeleteUser", bob, true);
    check("/PowerUserAccess", "ec2:RunInstances", "*", true);
    check("/PowerUserAccess", "iam:DeleteUser", bob, false);
    check("/PowerUserAccess", "iam:ListRoles", "*", true);
    check("/AWSDenyAll", "s3:GetObject", object, false);
    for reader in ["/ReadOnlyAccess", "/SecurityAudit", "/job-function/ViewOnlyAccess"] {
        check(reader, "ec2:DescribeInstances", "*", true);
        check(reader, "iam:ListUsers", "*", true);
        check(reader, "rds:DescribeDBInstances", "*", true);
        check(reader, "elasticloadbalancing:DescribeLoadBalancers", "*", true);
        check(reader, "ec2:TerminateInstances", "*", false);
        check(reader, "s3:GetObject", object, reader == "/ReadOnlyAccess");
        check(reader, "secretsmanager:GetSecretValue", "*", false);
    }
    check("/IAMFullAccess", "iam:CreateUser", bob, true);
    check("/IAMFullAccess", "s3:GetObject", object, false);
    check("/IAMReadOnlyAccess", "iam:GetUser", bob, true);
    check("/IAMReadOnlyAccess", "iam:SimulatePrincipalPolicy", "*", true);
    check("/IAMReadOnlyAccess", "iam:CreateUser", bob, false);
    check("/IAMUserChangePassword", "iam:ChangePassword", bob, false);
    check("/IAMUserChangePassword", "iam:GetAccountPasswordPolicy", "*", true);
    check("/AmazonS3FullAccess", "s3:DeleteBucket", "arn:aws:s3:::b", true);
    check("/AmazonS3ReadOnlyAccess", "s3:GetObject", object, true);
    check("/AmazonS3ReadOnlyAccess", "s3:PutObject", object, false);
    check("/AmazonEC2FullAccess", "ec2:RunInstances", "*", true);
    check("/AmazonEC2ReadOnlyAccess", "ec2:RunInstances", "*", false);
    check("/AmazonEC2ReadOnlyAccess", "ec2:DescribeVpcs", "*", true);
    check("/AmazonVPCFullAccess", "ec2:CreateVpc", "*", true);
    check("/AmazonRDSFullAccess", "rds:CreateDBInstance", "*", true);
    check("/AmazonRDSReadOnlyAccess", "rds:DeleteDBInstance", "*", false);
    check("/AmazonSSMManagedInstanceCore", "ssmmessages:OpenDataChannel", "*", true);
    check("/AmazonSSMManagedInstanceCore", "ssm:SendCommand", "*", false);
    check("/CloudWatchAgentServerPolicy", "cloudwatch:PutMetricData", "*", true);
    check("/CloudWatchLogsFullAccess", "logs:CreateLogGroup", "*", true);
    check("/CloudWatchReadOnlyAccess", "cloudwatch:GetMetricData", "*", true);
    check("/CloudWatchReadOnlyAccess", "cloudwatch:PutMetricData", "*", false);
    check("/AmazonRoute53FullAccess", "route53:ChangeResourceRecordSets", "*", true);
    check("/CloudFrontFullAccess", "cloudfront:CreateDistribution", "*", true);
    check("/CloudFrontReadOnlyAccess", "cloudfront:CreateDistribution", "*", false);
    check("/AWSCertificateManagerFullAccess", "acm:RequestCertificate", "*", true);
    check("/ElasticLoadBalancingFullAccess", "elasticloadbalancing:CreateListener", "*", true);
    check("/ElasticLoadBalancingReadOnly", "elasticloadbalancing:CreateListener", "*", false);
    check("/AutoScalingFullAccess", "autoscaling:CreateAutoScalingGroup", "*", true);
    check("/SecretsManagerReadWrite", "secretsmanager:GetSecretValue", "*", true);
    check("/AmazonDynamoDBReadOnlyAccess", "dynamodb:PutItem", "*", false);
    check("/AmazonSQSFullAccess", "sqs:SendMessage", "*", true);
    check("/service-role/AWSLambdaBasicExecutionRole", "logs:PutLogEvents", "*", true);
    check("/service-role/AmazonEC2RoleforSSM", "ssm:UpdateInstanceInformation", "*", true);
    check("/job-function/Billing", "ce:GetCostAndUsage", "*", true);
    check("/job-function/NetworkAdministrator", "ec2:CreateSubnet", "*", true);
    check("/job-function/DatabaseAdministrator", "rds:CreateDBInstance", "*", true);
}
