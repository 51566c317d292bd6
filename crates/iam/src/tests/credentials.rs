use aws::{CredentialError, Credentials as _, Principal};

use super::region::{ACCOUNT, AT, READ, Region, text};

/// What the keyring says of a key: whom it proves, or why not.
async fn found(region: &Region, key: &str, token: Option<&str>) -> Result<Principal, &'static str> {
    found_at(region, key, token, 0).await
}

async fn found_at(
    region: &Region,
    key: &str,
    token: Option<&str>,
    later_secs: u64,
) -> Result<Principal, &'static str> {
    let now = AT + std::time::Duration::from_secs(later_secs);
    match region.keyring.find(key, token, now).await {
        Ok(found) => Ok(found.identity.principal),
        Err(CredentialError::UnknownKey) => Err("unknown"),
        Err(CredentialError::InvalidToken) => Err("invalid token"),
        Err(CredentialError::Expired) => Err("expired"),
        Err(CredentialError::Failed(error)) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_key_proves_its_owner_until_it_is_switched_off() {
    let region = Region::new().await;
    let (root, secret) = region.add_account("210987654321").await;
    assert_eq!(found(&region, &root, None).await, Ok(Principal::Root));
    let credential = region.keyring.find(&root, None, AT).await.expect("found");
    assert_eq!(credential.secret_access_key, secret);
    assert_eq!(credential.identity.account, Some("210987654321".parse().expect("valid")));

    region.user("bob").await;
    let key = region.must("CreateAccessKey UserName=bob").await;
    let key = text(&key, "AccessKeyId");
    assert!(found(&region, key, None).await.is_ok());
    region.must(&format!("UpdateAccessKey UserName=bob AccessKeyId={key} Status=Inactive")).await;
    assert_eq!(found(&region, key, None).await, Err("unknown"));
    region.must(&format!("UpdateAccessKey UserName=bob AccessKeyId={key} Status=Active")).await;
    assert!(found(&region, key, None).await.is_ok());
    assert_eq!(found(&region, key, Some("token")).await, Err("invalid token"));
    region.must(&format!("DeleteAccessKey UserName=bob AccessKeyId={key}")).await;
    for unknown in [key, "AKIAIOSFODNN7EXAMPLE", "", "test"] {
        assert_eq!(found(&region, unknown, None).await, Err("unknown"), "{unknown}");
    }
}

#[tokio::test]
async fn a_user_s_session_ends_with_its_time_or_the_user() {
    let region = Region::new().await;
    let bob = region.user("bob").await;
    let given = region.ask_as(&bob, "GetSessionToken DurationSeconds=900").await.expect("given");
    let (key, token) = (text(&given, "AccessKeyId"), text(&given, "SessionToken"));
    assert_eq!(found(&region, key, Some(token)).await, Ok(bob.identity.principal.clone()));
    assert_eq!(found(&region, key, None).await, Err("invalid token"));
    assert!(found_at(&region, key, Some(token), 899).await.is_ok());
    assert_eq!(found_at(&region, key, Some(token), 900).await, Err("expired"));
    let other = region.ask_as(&bob, "GetSessionToken").await.expect("given");
    assert_eq!(
        found(&region, text(&other, "AccessKeyId"), Some(token)).await,
        Err("invalid token")
    );

    region.must("UpdateUser UserName=bob NewUserName=robert").await;
    assert!(found(&region, key, Some(token)).await.is_ok());
    let long_term = bob.identity.access_key_id.expect("signed");
    region.must(&format!("DeleteAccessKey UserName=robert AccessKeyId={long_term}")).await;
    let all = "PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess";
    region.must(&format!("DetachUserPolicy UserName=robert {all}")).await;
    region.must("DeleteUser UserName=robert").await;
    region.must("CreateUser UserName=robert").await;
    assert_eq!(found(&region, key, Some(token)).await, Err("invalid token"));
}

#[tokio::test]
async fn a_role_s_session_ends_with_the_role() {
    let region = Region::new().await;
    let bob = region.user("bob").await;
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    let create = format!("CreateRole RoleName=r AssumeRolePolicyDocument={trust}");
    region.must(&create).await;
    region.must(&format!("CreatePolicy PolicyName=p PolicyDocument={READ}")).await;
    let policy = format!("arn:aws:iam::{ACCOUNT}:policy/p");
    let request = format!(
        "AssumeRole RoleArn=arn:aws:iam::{ACCOUNT}:role/r RoleSessionName=ses PolicyArns.member.1.arn={policy}"
    );
    let given = region.ask_as(&bob, &request).await.expect("given");
    let (key, token) = (text(&given, "AccessKeyId"), text(&given, "SessionToken"));
    let policies = async || {
        let found = region.keyring.find(key, Some(token), AT).await.expect("found");
        found.identity.session.expect("temporary").policies
    };
    assert_eq!(policies().await, [READ]);
    // Without its policy the session may do nothing, rather than everything.
    region.must(&format!("DeletePolicy PolicyArn={policy}")).await;
    assert!(policies().await[0].contains("Deny"));
    region.must("DeleteRole RoleName=r").await;
    assert_eq!(found(&region, key, Some(token)).await, Err("invalid token"));
    region.must(&create).await;
    assert_eq!(found(&region, key, Some(token)).await, Err("invalid token"));
}

#[tokio::test]
async fn uses_are_shown_at_once_and_written_down_later() {
    let region = Region::new().await;
    let bob = region.user("bob").await;
    let key = bob.identity.access_key_id.clone().expect("signed");
    let used = async || region.must(&format!("GetAccessKeyLastUsed AccessKeyId={key}")).await;
    assert_eq!(text(&used().await, "ServiceName"), "N/A");
    region.iam.note_use(&bob, "s3");
    assert_eq!(text(&used().await, "ServiceName"), "s3");
    region.iam.write_last_used().await.expect("written");
    let shown = used().await;
    assert_eq!((text(&shown, "ServiceName"), text(&shown, "Region")), ("s3", "us-east-1"));
    assert_eq!(text(&shown, "UserName"), "bob");
    let again = Region::on(region.records.clone(), 2).await;
    let kept = again.must(&format!("GetAccessKeyLastUsed AccessKeyId={key}")).await;
    assert_eq!(kept, shown);
    let unknown = "403 AccessDenied User: arn:aws:iam::123456789012:root is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key AKIAIOSFODNN7EXAMPLE";
    region.check("GetAccessKeyLastUsed AccessKeyId=AKIAIOSFODNN7EXAMPLE", Err(unknown)).await;
}

#[test]
fn secrets_are_not_printed() {
    let random = aws::Random::seeded(1);
    let account = ACCOUNT.parse().expect("valid");
    let owner = crate::access_key::Owner::Root;
    let (_, key) = crate::access_key::AccessKey::new(&random, &account, owner, AT);
    assert!(!format!("{key:?}").contains(key.secret.reveal()));
}
