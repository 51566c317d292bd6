//! What is asked of the policy engine before an operation runs.

use aws::{Call, Check};

use super::region::{EC2, READ, Region};

/// `action resource key=value|value …`
fn printed(check: &Check) -> String {
    let mut text = format!("{} {}", check.action, check.resource);
    for (key, values) in &check.context {
        text.push_str(&format!(" {key}={}", values.join("|")));
    }
    text
}

async fn asked(region: &Region, call: &Call, request: &str) -> Vec<String> {
    let checks = region.checks(call, request).await.unwrap_or_else(|e| panic!("{request}: {e}"));
    checks.iter().map(printed).collect()
}

async fn furnished() -> (Region, Call) {
    let region = Region::new().await;
    let bob = region.user("bob").await;
    let tag = "Tags.member.1.Key=k Tags.member.1.Value=v";
    let policy = "arn:aws:iam::123456789012:policy/p/p";
    for request in [
        format!("CreatePolicy PolicyName=p Path=/p/ PolicyDocument={READ} {tag}"),
        format!("CreateUser UserName=Ann Path=/a/ {tag} PermissionsBoundary={policy}"),
        "CreateGroup GroupName=Staff Path=/g/".into(),
        format!("CreateRole RoleName=Web Path=/r/ AssumeRolePolicyDocument={EC2} {tag}"),
        "CreateInstanceProfile InstanceProfileName=Ip Path=/i/".into(),
    ] {
        region.must(&request).await;
    }
    (region, bob)
}

const ANN: &str = "arn:aws:iam::123456789012:user/a/Ann aws:ResourceTag/k=v iam:ResourceTag/k=v";
const WEB: &str = "arn:aws:iam::123456789012:role/r/Web aws:ResourceTag/k=v iam:ResourceTag/k=v";
const POLICY: &str = "arn:aws:iam::123456789012:policy/p/p";

#[tokio::test]
async fn an_entity_is_asked_about_by_its_path_and_tags() {
    let (region, _) = furnished().await;
    let root = region.root();
    let check = async |request: &str, expected: &str| {
        assert_eq!(asked(&region, root, request).await, [expected], "{request}");
    };
    check("GetUser UserName=ann", &format!("iam:GetUser {ANN}")).await;
    check("GetUser UserName=eve", "iam:GetUser arn:aws:iam::123456789012:user/eve").await;
    check("GetUser", "iam:GetUser arn:aws:iam::123456789012:root").await;
    check("DeleteRole RoleName=web", &format!("iam:DeleteRole {WEB}")).await;
    check("GetGroup GroupName=staff", "iam:GetGroup arn:aws:iam::123456789012:group/g/Staff").await;
    check(
        "GetInstanceProfile InstanceProfileName=ip",
        "iam:GetInstanceProfile arn:aws:iam::123456789012:instance-profile/i/Ip",
    )
    .await;
    check(
        &format!("GetPolicy PolicyArn={POLICY}"),
        &format!("iam:GetPolicy {POLICY} aws:ResourceTag/k=v iam:ResourceTag/k=v"),
    )
    .await;
    check("ListUsers PathPrefix=/a/", "iam:ListUsers arn:aws:iam::123456789012:user/a/").await;
    check("ListRoles", "iam:ListRoles arn:aws:iam::123456789012:role/").await;
    check("ListPolicies", "iam:ListPolicies *").await;
    check("GetAccountSummary", "iam:GetAccountSummary *").await;
    check(
        "SimulatePrincipalPolicy ActionNames.member.1=s3:Get PolicySourceArn=arn:aws:iam::123456789012:user/bob",
        "iam:SimulatePrincipalPolicy arn:aws:iam::123456789012:user/bob",
    )
    .await;
    check(
        "CreateServiceLinkedRole AWSServiceName=rds.amazonaws.com",
        "iam:CreateServiceLinkedRole arn:aws:iam::123456789012:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS iam:AWSServiceName=rds.amazonaws.com",
    )
    .await;
}

#[tokio::test]
async fn what_is_given_can_be_part_of_the_question() {
    let (region, _) = furnished().await;
    let root = region.root();
    let check = async |request: &str, expected: &str| {
        assert_eq!(asked(&region, root, request).await, [expected], "{request}");
    };
    check(
        &format!("CreateUser UserName=new Path=/n/ PermissionsBoundary={POLICY} Tags.member.1.Key=t Tags.member.1.Value=1"),
        &format!("iam:CreateUser arn:aws:iam::123456789012:user/n/new aws:RequestTag/t=1 aws:TagKeys=t iam:PermissionsBoundary={POLICY}"),
    )
    .await;
    check(
        &format!("AttachUserPolicy UserName=ann PolicyArn={POLICY}"),
        &format!(
            "iam:AttachUserPolicy {ANN} iam:PolicyARN={POLICY} iam:PermissionsBoundary={POLICY}"
        ),
    )
    .await;
    check(
        &format!("AttachRolePolicy RoleName=web PolicyArn={POLICY}"),
        &format!("iam:AttachRolePolicy {WEB} iam:PolicyARN={POLICY}"),
    )
    .await;
    check(
        &format!("PutUserPolicy UserName=ann PolicyName=x PolicyDocument={READ}"),
        &format!("iam:PutUserPolicy {ANN} iam:PermissionsBoundary={POLICY}"),
    )
    .await;
    check(
        "PutRolePermissionsBoundary RoleName=web PermissionsBoundary=arn:aws:iam::aws:policy/X",
        &format!(
            "iam:PutRolePermissionsBoundary {WEB} iam:PermissionsBoundary=arn:aws:iam::aws:policy/X"
        ),
    )
    .await;
    check(
        "UntagUser UserName=ann TagKeys.member.1=k TagKeys.member.2=l",
        &format!("iam:UntagUser {ANN} aws:TagKeys=k|l"),
    )
    .await;
}

#[tokio::test]
async fn a_role_for_an_instance_must_be_allowed_to_be_passed() {
    let (region, _) = furnished().await;
    let request = "AddRoleToInstanceProfile InstanceProfileName=ip RoleName=web";
    assert_eq!(
        asked(&region, region.root(), request).await,
        [
            "iam:AddRoleToInstanceProfile arn:aws:iam::123456789012:instance-profile/i/Ip".to_owned(),
            "iam:PassRole arn:aws:iam::123456789012:role/r/Web iam:PassedToService=ec2.amazonaws.com aws:ResourceTag/k=v iam:ResourceTag/k=v".into(),
        ]
    );
}

#[tokio::test]
async fn a_caller_s_own_keys_are_the_caller_s() {
    let (region, bob) = furnished().await;
    let own = "arn:aws:iam::123456789012:user/bob";
    for operation in ["ListAccessKeys", "CreateAccessKey", "GetLoginProfile", "ListMFADevices"] {
        assert_eq!(asked(&region, &bob, operation).await, [format!("iam:{operation} {own}")]);
    }
    let key = bob.identity.access_key_id.clone().expect("signed");
    let request = format!("GetAccessKeyLastUsed AccessKeyId={key}");
    let expected = format!("iam:GetAccessKeyLastUsed {own}");
    assert_eq!(asked(&region, region.root(), &request).await, [expected]);
}

#[tokio::test]
async fn assuming_a_role_asks_its_trust_policy_too() {
    let (region, bob) = furnished().await;
    let role = "arn:aws:iam::123456789012:role/r/Web";
    let request = format!(
        "AssumeRole RoleArn={role} RoleSessionName=ses ExternalId=ext SourceIdentity=bob Tags.member.1.Key=t Tags.member.1.Value=1 TransitiveTagKeys.member.1=t"
    );
    let facts = "aws:ResourceTag/k=v iam:ResourceTag/k=v aws:RequestTag/t=1 aws:TagKeys=t sts:TransitiveTagKeys=t sts:ExternalId=ext sts:RoleSessionName=ses sts:SourceIdentity=bob";
    let expected = ["AssumeRole", "TagSession", "SetSourceIdentity"]
        .map(|action| format!("sts:{action} {role} {facts}"));
    assert_eq!(asked(&region, &bob, &request).await, expected);
    let checks = region.checks(&bob, &request).await.expect("asked");
    for check in checks {
        assert!(check.resource_policies[0].contains("ec2.amazonaws.com"));
        assert_eq!(check.resource_account.expect("owned").as_str(), "123456789012");
    }
    // One that is not there trusts nobody.
    let request = "AssumeRole RoleArn=arn:aws:iam::123456789012:role/none RoleSessionName=ses";
    let checks = region.checks(&bob, request).await.expect("asked");
    let policy = checks[0].resource_policies[0].clone();
    let trust = policy::Document::parse(&policy, policy::Kind::Trust);
    assert!(trust.is_ok() && !policy.contains("Allow"), "{policy}");
    for request in ["GetCallerIdentity", "GetSessionToken"] {
        assert_eq!(asked(&region, &bob, request).await, Vec::<String>::new());
    }
}
