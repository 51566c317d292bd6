use super::region::{READ, Region, text, texts};

const POLICY: &str = "arn:aws:iam::123456789012:policy/p";

#[tokio::test]
async fn names_are_unique_whatever_their_case_and_shown_as_given() {
    let region = Region::new().await;
    region.must("CreateUser UserName=Bob Path=/a/").await;
    let taken = "409 EntityAlreadyExists User with name BOB already exists.";
    region.check("CreateUser UserName=BOB", Err(taken)).await;
    let bob = region.must("GetUser UserName=bOB").await;
    assert_eq!(text(&bob, "Arn"), "arn:aws:iam::123456789012:user/a/Bob");
    let missing = "404 NoSuchEntity The user with name eve cannot be found.";
    for request in ["GetUser", "DeleteUser", "UpdateUser", "ListUserTags", "ListGroupsForUser"] {
        region.check(&format!("{request} UserName=eve"), Err(missing)).await;
    }
}

#[tokio::test]
async fn wrong_names_and_paths_are_refused() {
    let region = Region::new().await;
    let long = "a".repeat(65);
    for request in [
        "CreateUser".to_owned(),
        "CreateUser UserName=".into(),
        "CreateUser UserName=a/b".into(),
        "CreateUser UserName=하늘".into(),
        format!("CreateUser UserName={long}"),
        "CreateUser UserName=a Path=a".into(),
        "CreateUser UserName=a Path=/a//b/".into(),
        "UpdateUser UserName=a NewUserName=a/b".into(),
        "ListUsers MaxItems=0".into(),
        "ListUsers MaxItems=1001".into(),
        "ListUsers Marker=nonsense".into(),
    ] {
        let refusal = region.ask(&request).await.expect_err(&request);
        assert!(refusal.starts_with("400 ValidationError "), "{request}: {refusal}");
    }
    region.check("GetUser", Ok(ROOT)).await;
}

const ROOT: &str = "<User><Path></Path><UserName></UserName><UserId>123456789012</UserId><Arn>arn:aws:iam::123456789012:root</Arn><CreateDate>2026-11-22T10:40:53Z</CreateDate></User>";

#[tokio::test]
async fn an_operation_without_a_name_is_about_the_caller() {
    let region = Region::new().await;
    let bob = region.user("bob").await;
    let got = region.ask_as(&bob, "GetUser").await.expect("found");
    assert_eq!(text(&got, "UserName"), "bob");
    let keys = region.ask_as(&bob, "ListAccessKeys").await.expect("listed");
    assert_eq!(texts(&keys, "UserName"), ["bob"]);
    // The root user has the key that its account was made with.
    let keys = region.must("ListAccessKeys").await;
    assert_eq!(texts(&keys, "AccessKeyId").len(), 1);
}

#[tokio::test]
async fn a_page_holds_what_was_asked_and_says_whether_there_is_more() {
    let region = Region::new().await;
    for name in ["d", "B", "a", "C"] {
        region.must(&format!("CreateUser UserName={name} Path=/{name}/")).await;
    }
    let first = region.must("ListUsers MaxItems=3").await;
    assert_eq!(texts(&first, "UserName"), ["a", "B", "C"]);
    assert_eq!(text(&first, "IsTruncated"), "true");
    let marker = text(&first, "Marker");
    let second = region.must(&format!("ListUsers Marker={marker}")).await;
    assert_eq!(texts(&second, "UserName"), ["d"]);
    assert_eq!(text(&second, "IsTruncated"), "false");
    assert!(!second.contains("Marker"));
    let under = region.must("ListUsers PathPrefix=/B").await;
    assert_eq!(texts(&under, "UserName"), ["B"]);
    let none = region.must("ListUsers PathPrefix=/none/").await;
    assert_eq!(none, "<Users></Users><IsTruncated>false</IsTruncated>");
}

#[tokio::test]
async fn a_renamed_user_keeps_id_keys_groups_and_policies() {
    let region = Region::new().await;
    let bob = region.user("bob").await;
    region.must("CreateGroup GroupName=staff").await;
    region.must("AddUserToGroup GroupName=staff UserName=bob").await;
    region.must(&format!("PutUserPolicy UserName=bob PolicyName=p PolicyDocument={READ}")).await;
    region.must("CreateLoginProfile UserName=bob Password=aA1!aA1!").await;
    let before = region.must("GetUser UserName=bob").await;
    region.must("UpdateUser UserName=bob NewUserName=robert NewPath=/moved/").await;
    let after = region.must("GetUser UserName=robert").await;
    assert_eq!(text(&before, "UserId"), text(&after, "UserId"));
    assert_eq!(text(&after, "Arn"), "arn:aws:iam::123456789012:user/moved/robert");
    let missing = "404 NoSuchEntity The user with name bob cannot be found.";
    region.check("GetUser UserName=bob", Err(missing)).await;

    let key = bob.identity.access_key_id.clone().expect("signed");
    let robert = region.signed(&key, None).await;
    let who = region.ask_as(&robert, "GetCallerIdentity").await.expect("known");
    assert_eq!(text(&who, "Arn"), "arn:aws:iam::123456789012:user/moved/robert");
    let keys = region.must("ListAccessKeys UserName=robert").await;
    assert_eq!(texts(&keys, "UserName"), ["robert"]);
    let group = region.must("GetGroup GroupName=staff").await;
    assert_eq!(texts(&group, "UserName"), ["robert"]);
    let policies = region.must("ListUserPolicies UserName=robert").await;
    assert_eq!(texts(&policies, "member"), ["p"]);
    let profile = region.must("GetLoginProfile UserName=robert").await;
    assert_eq!(text(&profile, "UserName"), "robert");

    region.must("CreateUser UserName=carol").await;
    let taken = "409 EntityAlreadyExists User with name CAROL already exists.";
    region.check("UpdateUser UserName=robert NewUserName=CAROL", Err(taken)).await;
    // Only the case changes.
    region.must("UpdateUser UserName=robert NewUserName=Robert").await;
    let found = region.must("GetUser UserName=robert").await;
    assert_eq!(text(&found, "UserName"), "Robert");
}

#[tokio::test]
async fn a_user_in_use_is_not_deleted() {
    let region = Region::new().await;
    region.must("CreateUser UserName=bob").await;
    region.must("CreateGroup GroupName=staff").await;
    region.must(&format!("CreatePolicy PolicyName=p PolicyDocument={READ}")).await;
    let key = region.must("CreateAccessKey UserName=bob").await;
    let key = text(&key, "AccessKeyId");
    for (take, give_back, what) in [
        (
            format!("AttachUserPolicy UserName=bob PolicyArn={POLICY}"),
            format!("DetachUserPolicy UserName=bob PolicyArn={POLICY}"),
            "must detach all policies first.",
        ),
        (
            format!("PutUserPolicy UserName=bob PolicyName=x PolicyDocument={READ}"),
            "DeleteUserPolicy UserName=bob PolicyName=x".into(),
            "must delete policies first.",
        ),
        (
            "AddUserToGroup UserName=bob GroupName=staff".into(),
            "RemoveUserFromGroup UserName=bob GroupName=staff".into(),
            "must remove users from group first.",
        ),
        (
            "ListUserTags UserName=bob".into(),
            format!("DeleteAccessKey UserName=bob AccessKeyId={key}"),
            "must delete access keys first.",
        ),
        (
            "CreateLoginProfile UserName=bob Password=aA1!aA1!".into(),
            "DeleteLoginProfile UserName=bob".into(),
            "must delete login profile first.",
        ),
    ] {
        region.must(&take).await;
        let refusal = format!("409 DeleteConflict Cannot delete entity, {what}");
        region.check("DeleteUser UserName=bob", Err(&refusal)).await;
        region.must(&give_back).await;
    }
    // A boundary is no obstacle, and its policy is free afterwards.
    region
        .must(&format!("PutUserPermissionsBoundary UserName=bob PermissionsBoundary={POLICY}"))
        .await;
    region.must("DeleteUser UserName=bob").await;
    region.must(&format!("DeletePolicy PolicyArn={POLICY}")).await;
}

#[tokio::test]
async fn two_access_keys_are_the_most_and_only_their_owner_s() {
    let region = Region::new().await;
    region.must("CreateUser UserName=bob").await;
    region.must("CreateUser UserName=eve").await;
    let key = region.must("CreateAccessKey UserName=bob").await;
    let key = text(&key, "AccessKeyId");
    region.must("CreateAccessKey UserName=bob").await;
    let limit = "409 LimitExceeded Cannot exceed quota for AccessKeysPerUser: 2";
    region.check("CreateAccessKey UserName=bob", Err(limit)).await;
    let missing = format!("404 NoSuchEntity The Access Key with id {key} cannot be found.");
    for request in ["DeleteAccessKey", "UpdateAccessKey Status=Inactive"] {
        let request = format!("{request} UserName=eve AccessKeyId={key}");
        region.check(&request, Err(&missing)).await;
    }
    region.must(&format!("UpdateAccessKey UserName=bob AccessKeyId={key} Status=Inactive")).await;
    let keys = region.must("ListAccessKeys UserName=bob").await;
    let mut statuses = texts(&keys, "Status");
    statuses.sort();
    assert_eq!(statuses, ["Active", "Inactive"]);
    region.must(&format!("DeleteAccessKey UserName=bob AccessKeyId={key}")).await;
    region.must("CreateAccessKey UserName=bob").await;
}

#[tokio::test]
async fn tags_are_sorted_replaced_and_limited() {
    let region = Region::new().await;
    let tag =
        |key: &str, value: &str| format!("Tags.member.1.Key={key} Tags.member.1.Value={value}");
    region.must(&format!("CreateUser UserName=bob {}", tag("b", "1"))).await;
    region.must(&format!("TagUser UserName=bob {}", tag("a", "2"))).await;
    region.must(&format!("TagUser UserName=bob {}", tag("B", "3"))).await;
    let tags = region.must("ListUserTags UserName=bob").await;
    assert_eq!(
        (texts(&tags, "Key"), texts(&tags, "Value")),
        (vec!["B".into(), "a".into()], vec!["3".into(), "2".into()])
    );
    let twice =
        "Tags.member.1.Key=k Tags.member.1.Value=1 Tags.member.2.Key=K Tags.member.2.Value=2";
    let refusal = "400 InvalidInput Duplicate tag keys found. Please note that Tag keys are case insensitive.";
    region.check(&format!("TagUser UserName=bob {twice}"), Err(refusal)).await;
    let many: Vec<String> =
        (1..=49).map(|i| format!("Tags.member.{i}.Key=k{i} Tags.member.{i}.Value=v")).collect();
    let limit = "409 LimitExceeded The number of tags has reached the maximum limit.";
    region.check(&format!("TagUser UserName=bob {}", many.join(" ")), Err(limit)).await;
    region.must("UntagUser UserName=bob TagKeys.member.1=b").await;
    region.must(&format!("TagUser UserName=bob {}", many.join(" "))).await;
}

#[tokio::test]
async fn passwords_follow_the_account_s_policy() {
    let region = Region::new().await;
    region.must("CreateUser UserName=bob").await;
    let missing = "404 NoSuchEntity Login Profile for User bob cannot be found.";
    region.check("GetLoginProfile UserName=bob", Err(missing)).await;
    let short = "400 PasswordPolicyViolation Password should have a minimum length of 8";
    region.check("CreateLoginProfile UserName=bob Password=short", Err(short)).await;
    region.must("CreateLoginProfile UserName=bob Password=longenough").await;
    let twice = "409 EntityAlreadyExists Login Profile for user bob already exists.";
    region.check("CreateLoginProfile UserName=bob Password=longenough", Err(twice)).await;
    region.must("UpdateAccountPasswordPolicy RequireNumbers=true PasswordReusePrevention=2").await;
    let number = "400 PasswordPolicyViolation Password should have at least one number";
    region.check("UpdateLoginProfile UserName=bob Password=longenough", Err(number)).await;
    region.must("UpdateLoginProfile UserName=bob Password=number1").await;
    let again = region.ask("UpdateLoginProfile UserName=bob Password=number1").await;
    assert!(again.expect_err("used before").starts_with("400 PasswordPolicyViolation"));
    let user = region
        .iam
        .user(&crate::policy_holder::scope(&super::region::account("123456789012")), "bob")
        .await;
    let profile = user.expect("read").record.login_profile.expect("there");
    assert!(profile.password.is("number1") && !profile.password.is("number2"));
    assert!(!format!("{profile:?}").contains("number1"));
}

#[tokio::test]
async fn an_account_without_a_password_policy_says_so() {
    let region = Region::new().await;
    let get = "404 NoSuchEntity The Password Policy with domain name 123456789012 cannot be found.";
    region.check("GetAccountPasswordPolicy", Err(get)).await;
    let delete = "404 NoSuchEntity The account policy with name PasswordPolicy cannot be found.";
    region.check("DeleteAccountPasswordPolicy", Err(delete)).await;
}

#[tokio::test]
async fn an_alias_is_of_one_account() {
    let region = Region::new().await;
    region.must("CreateAccountAlias AccountAlias=first").await;
    region.must("CreateAccountAlias AccountAlias=second").await;
    let (key, _) = region.add_account("210987654321").await;
    let other = region.signed(&key, None).await;
    let taken = "409 EntityAlreadyExists The account alias second already exists.";
    let refused = region.ask_as(&other, "CreateAccountAlias AccountAlias=second").await;
    assert_eq!(refused, Err(taken.into()));
    region.ask_as(&other, "CreateAccountAlias AccountAlias=first").await.expect("free again");
    let aliases = region.must("ListAccountAliases").await;
    assert_eq!(texts(&aliases, "member"), ["second"]);
    let foreign = "404 NoSuchEntity The account alias first does not exist.";
    region.check("DeleteAccountAlias AccountAlias=first", Err(foreign)).await;
}
