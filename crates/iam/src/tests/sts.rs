use aws::Call;

use super::region::{ACCOUNT, READ, Region, text};

const ROLE: &str = "arn:aws:iam::123456789012:role/r";

async fn with_role(max_session_secs: i32) -> (Region, Call) {
    let region = Region::new().await;
    let bob = region.user("bob").await;
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}}]}}"#
    );
    for role in ["r", "s"] {
        region
            .must(&format!(
                "CreateRole RoleName={role} MaxSessionDuration={max_session_secs} AssumeRolePolicyDocument={trust}"
            ))
            .await;
    }
    let all = "PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess";
    region.must(&format!("AttachRolePolicy RoleName=r {all}")).await;
    (region, bob)
}

/// `AssumeRole` with further members.
fn assume(members: &str) -> String {
    format!("AssumeRole RoleArn={ROLE} RoleSessionName=session {members}").trim_end().to_owned()
}

async fn session(region: &Region, call: &Call, request: &str) -> (String, Call) {
    let given = region.ask_as(call, request).await.unwrap_or_else(|e| panic!("{request}: {e}"));
    let (key, token) = (text(&given, "AccessKeyId"), text(&given, "SessionToken"));
    let call = region.signed(key, Some(token)).await;
    (given, call)
}

#[tokio::test]
async fn an_assumed_role_is_known_by_its_session() {
    let (region, bob) = with_role(3600).await;
    let (given, call) = session(&region, &bob, &assume("")).await;
    let arn = "arn:aws:sts::123456789012:assumed-role/r/session";
    assert_eq!(text(&given, "Arn"), arn);
    assert_eq!(text(&given, "Expiration"), "2026-11-22T11:40:53Z");
    assert!(!given.contains("PackedPolicySize"));
    let who = region.ask_as(&call, "GetCallerIdentity").await.expect("known");
    assert_eq!(text(&who, "Arn"), arn);
    assert_eq!(text(&who, "UserId"), text(&given, "AssumedRoleId"));
    // What is about the caller needs a user's name from a role.
    let refused = region.ask_as(&call, "GetUser").await;
    let sentence =
        "400 ValidationError Must specify userName when calling with non-User credentials";
    assert_eq!(refused, Err(sentence.into()));
}

#[tokio::test]
async fn a_session_lasts_as_long_as_the_role_lets_it() {
    let (region, bob) = with_role(7200).await;
    let check = async |call: &Call, secs: i32, expected: Result<(), &str>| {
        let asked = region.ask_as(call, &assume(&format!("DurationSeconds={secs}"))).await;
        assert_eq!(asked.map(|_| ()), expected.map_err(str::to_owned), "{secs}");
    };
    let too_long = "400 ValidationError The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    check(&bob, 7200, Ok(())).await;
    check(&bob, 7201, Err(too_long)).await;
    let (_, role) = session(&region, &bob, &assume("")).await;
    let chained = "400 ValidationError The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
    check(&role, 3600, Ok(())).await;
    check(&role, 3601, Err(chained)).await;
    for secs in [899, 43_201] {
        let refusal = region.ask_as(&bob, &assume(&format!("DurationSeconds={secs}"))).await;
        assert!(refusal.expect_err("out of range").starts_with("400 ValidationError 1 validation"));
    }
}

#[tokio::test]
async fn who_cannot_assume_a_role_is_told_so() {
    let (region, bob) = with_role(3600).await;
    let check = async |call: &Call, request: &str, expected: &str| {
        assert_eq!(region.ask_as(call, request).await, Err(expected.to_owned()), "{request}");
    };
    let root = region.root();
    check(root, &assume(""), "403 AccessDenied Roles may not be assumed by root accounts.").await;
    let none = ROLE.replace("role/r", "role/none");
    let request = format!("AssumeRole RoleArn={none} RoleSessionName=session");
    let denied = format!(
        "403 AccessDenied User: arn:aws:iam::123456789012:user/bob is not authorized to perform: sts:AssumeRole on resource: {none}"
    );
    check(&bob, &request, &denied).await;
    for arn in [
        "arn:a:::something/test-role",
        "nothing-valid-in-here",
        "arn:aws:iam::123456789012:user/bob",
    ] {
        let request = format!("AssumeRole RoleArn={arn} RoleSessionName=session");
        check(&bob, &request, &format!("400 ValidationError {arn} is invalid")).await;
    }
    for (member, name) in [
        ("SerialNumber=arn:aws:iam::123456789012:mfa/x", "SerialNumber"),
        ("TokenCode=123456", "TokenCode"),
        (
            "ProvidedContexts.member.1.ProviderArn=arn:aws:iam::aws:contextProvider/x",
            "ProvidedContexts",
        ),
    ] {
        let sentence = format!(
            "400 UnsupportedOperation haneul does not support the parameter {name} of AssumeRole yet. Nothing was changed."
        );
        check(&bob, &assume(member), &sentence).await;
    }
}

#[tokio::test]
async fn transitive_tags_go_down_the_chain_and_are_not_replaced() {
    let (region, bob) = with_role(3600).await;
    let tags = "Tags.member.1.Key=Team Tags.member.1.Value=a Tags.member.2.Key=own Tags.member.2.Value=b TransitiveTagKeys.member.1=Team";
    let (given, role) = session(&region, &bob, &assume(tags)).await;
    assert_eq!(text(&given, "PackedPolicySize"), "1");
    let tags_of = |call: &Call| call.identity.session.clone().expect("temporary").tags;
    assert_eq!(tags_of(&role), [("Team".into(), "a".into()), ("own".into(), "b".into())]);
    let (_, next) = session(&region, &role, &assume("").replace("role/r", "role/s")).await;
    assert_eq!(tags_of(&next), [("Team".into(), "a".into())]);
    let check = async |call: &Call, members: &str, expected: &str| {
        let refusal = region.ask_as(call, &assume(members)).await;
        assert_eq!(refusal, Err(format!("400 InvalidParameterValue {expected}")), "{members}");
    };
    let again = "Tags.member.1.Key=team Tags.member.1.Value=x";
    check(&next, again, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.").await;
    let twice =
        "Tags.member.1.Key=k Tags.member.1.Value=1 Tags.member.2.Key=K Tags.member.2.Value=2";
    check(&bob, twice, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        .await;
    check(
        &bob,
        "TransitiveTagKeys.member.1=k",
        "The specified transitive tag key must be included in the requested tags.",
    )
    .await;
}

#[tokio::test]
async fn a_source_identity_stays() {
    let (region, bob) = with_role(3600).await;
    let (given, role) = session(&region, &bob, &assume("SourceIdentity=bob")).await;
    assert_eq!(text(&given, "SourceIdentity"), "bob");
    let (given, _) = session(&region, &role, &assume("")).await;
    assert_eq!(text(&given, "SourceIdentity"), "bob");
    let refused = region.ask_as(&role, &assume("SourceIdentity=eve")).await;
    assert!(refused.expect_err("set already").contains("sts:SetSourceIdentity"));
}

#[tokio::test]
async fn session_policies_are_checked_and_bounded() {
    let (region, bob) = with_role(3600).await;
    let (_, role) = session(&region, &bob, &assume(&format!("Policy={READ}"))).await;
    assert_eq!(role.identity.session.expect("temporary").policies, [READ]);
    let check = async |members: &str, expected: &str| {
        let refusal = region.ask_as(&bob, &assume(members)).await.expect_err(members);
        assert!(refusal.starts_with(expected), "{refusal}");
    };
    check("Policy={", "400 MalformedPolicyDocument").await;
    let long = READ.replace('*', &format!("arn:aws:s3:::{}", "x".repeat(2048)));
    check(&format!("Policy={long}"), "400 ValidationError").await;
    let none = "PolicyArns.member.1.arn=arn:aws:iam::123456789012:policy/none";
    check(none, "400 InvalidParameterValue Policy arn:aws:iam::123456789012:policy/none").await;
    let many: Vec<String> = (1..=50)
        .map(|i| format!("Tags.member.{i}.Key=k{i} Tags.member.{i}.Value={}", "v".repeat(100)))
        .collect();
    check(&many.join(" "), "400 PackedPolicyTooLarge Packed size").await;
}

#[tokio::test]
async fn a_user_s_own_session_is_for_others_than_iam() {
    let region = Region::new().await;
    let bob = region.user("bob").await;
    let (given, own) = session(&region, &bob, "GetSessionToken").await;
    assert_eq!(text(&given, "Expiration"), "2026-11-22T22:40:53Z");
    let who = region.ask_as(&own, "GetCallerIdentity").await.expect("known");
    assert_eq!(text(&who, "Arn"), "arn:aws:iam::123456789012:user/bob");
    let refused = "403 AccessDenied Cannot call GetSessionToken with session credentials";
    assert_eq!(region.ask_as(&own, "GetSessionToken").await, Err(refused.into()));
    let token = "403 InvalidClientTokenId The security token included in the request is invalid";
    for request in ["ListUsers", "GetAccessKeyInfo AccessKeyId=AKIAIOSFODNN7EXAMPLE"] {
        assert_eq!(region.ask_as(&own, request).await, Err(token.into()), "{request}");
    }
    // The root user's sessions are an hour long at most.
    let root = region.must("GetSessionToken DurationSeconds=7200").await;
    assert_eq!(text(&root, "Expiration"), "2026-11-22T11:40:53Z");
}

#[tokio::test]
async fn a_key_s_account_is_told_of_any_key_of_this_region() {
    let region = Region::new().await;
    let (other, _) = region.add_account("210987654321").await;
    let info = region.must(&format!("GetAccessKeyInfo AccessKeyId={other}")).await;
    assert_eq!(text(&info, "Account"), "210987654321");
    let given = region.must("GetSessionToken").await;
    let key = text(&given, "AccessKeyId");
    let info = region.must(&format!("GetAccessKeyInfo AccessKeyId={key}")).await;
    assert_eq!(text(&info, "Account"), ACCOUNT);
    for unknown in ["AKIAIOSFODNN7EXAMPLE", "AKIAAAAAAAAAAAAAAAAA", "notakeyatallbutlong"] {
        let refusal = region.ask(&format!("GetAccessKeyInfo AccessKeyId={unknown}")).await;
        assert!(refusal.expect_err("unknown").starts_with("400 ValidationError"));
    }
}

#[tokio::test]
async fn another_account_s_user_needs_both_sides_and_the_external_id() {
    let region = Region::new().await;
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"210987654321"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"secret"}}}]}"#;
    region.must(&format!("CreateRole RoleName=r AssumeRolePolicyDocument={trust}")).await;
    let (root, _) = region.add_account("210987654321").await;
    let other = region.signed(&root, None).await;
    let must = async |request: &str| region.ask_as(&other, request).await.expect(request);
    must("CreateUser UserName=eve").await;
    let key = must("CreateAccessKey UserName=eve").await;
    let eve = region.signed(text(&key, "AccessKeyId"), None).await;
    let denied = format!(
        "403 AccessDenied User: arn:aws:iam::210987654321:user/eve is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    );
    let with_id = assume("ExternalId=secret");
    assert_eq!(region.ask_as(&eve, &with_id).await, Err(denied.clone()));
    let may = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"{ROLE}"}}]}}"#
    );
    must(&format!("PutUserPolicy UserName=eve PolicyName=may PolicyDocument={may}")).await;
    assert_eq!(region.ask_as(&eve, &assume("")).await, Err(denied.clone()));
    assert_eq!(region.ask_as(&eve, &assume("ExternalId=guess")).await, Err(denied));
    let (_, role) = session(&region, &eve, &with_id).await;
    let who = region.ask_as(&role, "GetCallerIdentity").await.expect("known");
    assert_eq!(text(&who, "Account"), ACCOUNT);
}

#[tokio::test]
async fn a_user_made_again_is_a_stranger_to_the_role_that_trusted_the_first() {
    let region = Region::new().await;
    let bob = region.user("bob").await;
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:user/bob"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    region.must(&format!("CreateRole RoleName=r AssumeRolePolicyDocument={trust}")).await;
    session(&region, &bob, &assume("")).await;
    let key = bob.identity.access_key_id.expect("signed");
    region.must(&format!("DeleteAccessKey UserName=bob AccessKeyId={key}")).await;
    let all = "PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess";
    region.must(&format!("DetachUserPolicy UserName=bob {all}")).await;
    region.must("DeleteUser UserName=bob").await;
    let again = region.user("bob").await;
    let refused = region.ask_as(&again, &assume("")).await.expect_err("a stranger");
    assert!(refused.contains("is not authorized to perform: sts:AssumeRole"), "{refused}");
}
