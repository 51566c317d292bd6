use super::region::{READ, Region, text, texts};

const ARN: &str = "arn:aws:iam::123456789012:policy/p";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

async fn with_policy() -> Region {
    let region = Region::new().await;
    region.must(&format!("CreatePolicy PolicyName=p PolicyDocument={READ}")).await;
    region.must("CreateUser UserName=bob").await;
    region
}

#[tokio::test]
async fn five_versions_are_the_most_and_numbers_do_not_come_back() {
    let region = with_policy().await;
    let create = format!("CreatePolicyVersion PolicyArn={ARN} PolicyDocument={READ}");
    for number in 2..=5 {
        assert_eq!(text(&region.must(&create).await, "VersionId"), format!("v{number}"));
    }
    let limit = "409 LimitExceeded A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.";
    region.check(&create, Err(limit)).await;
    let default = "409 DeleteConflict Cannot delete the default version of a policy.";
    region.check(&format!("DeletePolicyVersion PolicyArn={ARN} VersionId=v1"), Err(default)).await;
    region.must(&format!("SetDefaultPolicyVersion PolicyArn={ARN} VersionId=v3")).await;
    region.must(&format!("DeletePolicyVersion PolicyArn={ARN} VersionId=v1")).await;
    assert_eq!(text(&region.must(&create).await, "VersionId"), "v6");
    let versions = region.must(&format!("ListPolicyVersions PolicyArn={ARN}")).await;
    assert_eq!(texts(&versions, "VersionId"), ["v6", "v5", "v4", "v3", "v2"]);
    assert_eq!(texts(&versions, "IsDefaultVersion"), ["false", "false", "false", "true", "false"]);
    let first = region.must(&format!("ListPolicyVersions PolicyArn={ARN} MaxItems=2")).await;
    let marker = text(&first, "Marker");
    let next = region.must(&format!("ListPolicyVersions PolicyArn={ARN} Marker={marker}")).await;
    assert_eq!(texts(&next, "VersionId"), ["v4", "v3", "v2"]);
    let versions = "409 DeleteConflict This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.";
    region.check(&format!("DeletePolicy PolicyArn={ARN}"), Err(versions)).await;
}

#[tokio::test]
async fn what_is_not_there_is_said_by_its_arn() {
    let region = with_policy().await;
    let none = "arn:aws:iam::123456789012:policy/none";
    let gone = format!("404 NoSuchEntity Policy {none} was not found.");
    for request in ["GetPolicy", "DeletePolicy", "ListPolicyVersions", "ListEntitiesForPolicy"] {
        region.check(&format!("{request} PolicyArn={none}"), Err(&gone)).await;
    }
    for (arn, version) in [(none, "v1"), (ARN, "v9")] {
        let missing = format!(
            "404 NoSuchEntity Policy {arn} version {version} does not exist or is not attachable."
        );
        for request in ["GetPolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion"] {
            let request = format!("{request} PolicyArn={arn} VersionId={version}");
            region.check(&request, Err(&missing)).await;
        }
    }
    let invalid = "400 ValidationError ARN longpolicynamebutnoarn is not valid.";
    for request in ["AttachUserPolicy UserName=bob", "DetachUserPolicy UserName=bob", "GetPolicy"] {
        let request = format!("{request} PolicyArn=longpolicynamebutnoarn");
        region.check(&request, Err(invalid)).await;
    }
    let attach = format!("404 NoSuchEntity Policy {none} does not exist or is not attachable.");
    region.check(&format!("AttachUserPolicy UserName=bob PolicyArn={none}"), Err(&attach)).await;
    let detach = format!("404 NoSuchEntity Policy {ARN} was not found.");
    region.check(&format!("DetachUserPolicy UserName=bob PolicyArn={ARN}"), Err(&detach)).await;
    let boundary =
        format!("404 NoSuchEntity Scope ARN: {none} does not exist or is not attachable.");
    let put = "PutUserPermissionsBoundary UserName=bob";
    region.check(&format!("{put} PermissionsBoundary={none}"), Err(&boundary)).await;
    let other = "arn:aws:iam::123456789012:not_a_policy/x";
    let invalid = format!("400 InvalidInput ARN {other} is not valid.");
    region.check(&format!("{put} PermissionsBoundary={other}"), Err(&invalid)).await;
    let taken = "409 EntityAlreadyExists A policy called P already exists. Duplicate names are not allowed.";
    region
        .check(&format!("CreatePolicy PolicyName=P Path=/x/ PolicyDocument={READ}"), Err(taken))
        .await;
}

#[tokio::test]
async fn uses_are_counted_and_keep_a_policy_from_being_deleted() {
    let region = with_policy().await;
    let attach = format!("AttachUserPolicy UserName=bob PolicyArn={ARN}");
    region.must(&attach).await;
    region.must(&attach).await;
    let put = format!("PutUserPermissionsBoundary UserName=bob PermissionsBoundary={ARN}");
    region.must(&put).await;
    region.must(&put).await;
    let counts = async || {
        let policy = region.must(&format!("GetPolicy PolicyArn={ARN}")).await;
        (
            text(&policy, "AttachmentCount").to_owned(),
            text(&policy, "PermissionsBoundaryUsageCount").to_owned(),
        )
    };
    assert_eq!(counts().await, ("1".into(), "1".into()));
    let in_use = "409 DeleteConflict Cannot delete a policy attached to entities.";
    region.check(&format!("DeletePolicy PolicyArn={ARN}"), Err(in_use)).await;
    region.must(&format!("DetachUserPolicy UserName=bob PolicyArn={ARN}")).await;
    region.check(&format!("DeletePolicy PolicyArn={ARN}"), Err(in_use)).await;
    region.must("DeleteUserPermissionsBoundary UserName=bob").await;
    assert_eq!(counts().await, ("0".into(), "0".into()));
    let none = "404 NoSuchEntity The user with name bob does not have a permissions boundary.";
    region.check("DeleteUserPermissionsBoundary UserName=bob", Err(none)).await;
    region.must(&format!("DeletePolicy PolicyArn={ARN}")).await;
}

#[tokio::test]
async fn ten_attached_policies_are_the_most() {
    let region = with_policy().await;
    for i in 0..11 {
        region.must(&format!("CreatePolicy PolicyName=p{i} PolicyDocument={READ}")).await;
        let request = format!("AttachUserPolicy UserName=bob PolicyArn={ARN}{i}");
        let limit = "409 LimitExceeded Cannot exceed quota for PoliciesPerUser: 10";
        let expected = if i < 10 { Ok("") } else { Err(limit) };
        region.check(&request, expected).await;
    }
    let page = region.must("ListAttachedUserPolicies UserName=bob MaxItems=3").await;
    assert_eq!(texts(&page, "PolicyName"), ["p0", "p1", "p2"]);
    let marker = text(&page, "Marker");
    let rest = region.must(&format!("ListAttachedUserPolicies UserName=bob Marker={marker}")).await;
    assert_eq!(texts(&rest, "PolicyName").len(), 7);
}

#[tokio::test]
async fn inline_policies_have_a_size_together() {
    let region = with_policy().await;
    let of_size = |size: usize| READ.replace('*', &format!("arn:aws:s3:::{}", "x".repeat(size)));
    let put = |name: &str, document: &str| {
        format!("PutUserPolicy UserName=bob PolicyName={name} PolicyDocument={document}")
    };
    region.must(&put("a", &of_size(900))).await;
    let limit = "409 LimitExceeded Maximum policy size of 2048 bytes exceeded for user bob";
    region.check(&put("b", &of_size(1100)), Err(limit)).await;
    region.must(&put("a", &of_size(1100))).await;
    let missing = "404 NoSuchEntity The user policy with name b cannot be found.";
    region.check("GetUserPolicy UserName=bob PolicyName=b", Err(missing)).await;
    region.check("DeleteUserPolicy UserName=bob PolicyName=b", Err(missing)).await;
    let big = READ.replace('*', &format!("arn:aws:s3:::{}", "x".repeat(6144)));
    let limit = "409 LimitExceeded Cannot exceed quota for PolicySize: 6144";
    region.check(&format!("CreatePolicy PolicyName=big PolicyDocument={big}"), Err(limit)).await;
}

#[tokio::test]
async fn aws_s_policies_are_there_for_every_account_and_nobody_s_to_change() {
    let region = with_policy().await;
    let policy = region.must(&format!("GetPolicy PolicyArn={READ_ONLY}")).await;
    let version = text(&policy, "DefaultVersionId").to_owned();
    assert_eq!(text(&policy, "AttachmentCount"), "0");
    region.must(&format!("GetPolicyVersion PolicyArn={READ_ONLY} VersionId={version}")).await;
    region.must(&format!("AttachUserPolicy UserName=bob PolicyArn={READ_ONLY}")).await;
    let policy = region.must(&format!("GetPolicy PolicyArn={READ_ONLY}")).await;
    assert_eq!(text(&policy, "AttachmentCount"), "1");
    let used = region.must("ListPolicies Scope=AWS OnlyAttached=true").await;
    assert_eq!(texts(&used, "PolicyName"), ["ReadOnlyAccess"]);
    let entities = region.must(&format!("ListEntitiesForPolicy PolicyArn={READ_ONLY}")).await;
    assert_eq!(texts(&entities, "UserName"), ["bob"]);
    for request in ["DeletePolicy".to_owned(), format!("CreatePolicyVersion PolicyDocument={READ}")]
    {
        let refusal = region.ask(&format!("{request} PolicyArn={READ_ONLY}")).await;
        assert!(refusal.expect_err("AWS's own").starts_with("403 AccessDenied"));
    }
    let (key, _) = region.add_account("210987654321").await;
    let other = region.signed(&key, None).await;
    let policy = region.ask_as(&other, &format!("GetPolicy PolicyArn={READ_ONLY}")).await;
    assert_eq!(text(&policy.expect("there"), "AttachmentCount"), "0");
    let foreign = region.ask_as(&other, &format!("GetPolicy PolicyArn={ARN}")).await;
    assert_eq!(foreign, Err(format!("404 NoSuchEntity Policy {ARN} was not found.")));
}

#[tokio::test]
async fn policies_are_listed_by_scope_path_and_use() {
    let region = with_policy().await;
    region.must(&format!("CreatePolicy PolicyName=q Path=/x/ PolicyDocument={READ}")).await;
    let arn = "arn:aws:iam::123456789012:policy/x/q";
    region
        .must(&format!("PutUserPermissionsBoundary UserName=bob PermissionsBoundary={arn}"))
        .await;
    let check = async |request: &str, expected: &[&str]| {
        let listed = region.must(&format!("ListPolicies {request}")).await;
        assert_eq!(texts(&listed, "PolicyName"), expected, "{request}");
    };
    check("Scope=Local", &["p", "q"]).await;
    check("Scope=Local PathPrefix=/x/", &["q"]).await;
    check("Scope=Local OnlyAttached=true", &["q"]).await;
    check("Scope=Local PolicyUsageFilter=PermissionsPolicy", &[]).await;
    check("PolicyUsageFilter=PermissionsBoundary", &["q"]).await;
}
