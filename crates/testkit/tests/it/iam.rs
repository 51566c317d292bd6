//! IAM and STS from outside: who is let in, and who is told no.

use std::time::Duration;

use testkit::{Client, Cloud, Key};

/// A user of the first account with one inline policy.
async fn user(cloud: &Cloud, name: &str, statement: &str) -> Key {
    let iam = cloud.client("iam", cloud.root_key());
    iam.ask("CreateUser", &[("UserName", name)]).await.expect_ok();
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    let policy =
        [("UserName", name), ("PolicyName", "inline"), ("PolicyDocument", document.as_str())];
    iam.ask("PutUserPolicy", &policy).await.expect_ok();
    Key::from_answer(iam.ask("CreateAccessKey", &[("UserName", name)]).await.expect_ok())
}

async fn account_of(cloud: &Cloud, key: Key) -> String {
    let answer = cloud.client("sts", key).ask("GetCallerIdentity", &[]).await;
    answer.expect_ok().xml("Account").expect("said").to_owned()
}

fn decoded(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&#39;", "'").replace("&apos;", "'")
}

#[tokio::test]
async fn a_user_may_do_what_his_policy_allows_and_is_told_exactly_what_not() {
    let cloud = Cloud::start().await;
    let allow = r#"{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}"#;
    let key = user(&cloud, "alice", allow).await;
    let alice = cloud.client("iam", key.clone());
    alice.ask("ListUsers", &[]).await.expect_ok();
    let refused = alice.ask("CreateUser", &[("UserName", "eve")]).await;
    refused.expect_refusal(403, "AccessDenied");
    let account = account_of(&cloud, cloud.root_key()).await;
    assert_eq!(
        decoded(refused.xml("Message").expect("said")),
        format!(
            "User: arn:aws:iam::{account}:user/alice is not authorized to perform: \
             iam:CreateUser on resource: arn:aws:iam::{account}:user/eve because no \
             identity-based policy allows the iam:CreateUser action"
        )
    );
    let users = cloud.client("iam", cloud.root_key()).ask("ListUsers", &[]).await;
    assert!(!users.body.contains("eve"), "nothing was changed: {}", users.body);
    // Asking who one is needs no permission.
    let who = cloud.client("sts", key).ask("GetCallerIdentity", &[]).await;
    assert!(who.expect_ok().xml("Arn").expect("said").ends_with(":user/alice"));
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_the_next_request() {
    let cloud = Cloud::start().await;
    let allow = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let key = user(&cloud, "bob", allow).await;
    let bob = cloud.client("sts", key.clone());
    bob.ask("GetCallerIdentity", &[]).await.expect_ok();
    let root = cloud.client("iam", cloud.root_key());
    let named = [("UserName", "bob"), ("AccessKeyId", key.access_key_id.as_str())];
    root.ask("DeleteAccessKey", &named).await.expect_ok();
    bob.ask("GetCallerIdentity", &[]).await.expect_refusal(403, "InvalidClientTokenId");
}

#[tokio::test]
async fn a_role_of_another_account_is_assumed_until_the_region_s_clock_ends_it() {
    let cloud = Cloud::start().await;
    let other = cloud.create_account().await;
    let (ours, theirs) =
        (account_of(&cloud, cloud.root_key()).await, account_of(&cloud, other.clone()).await);
    assert_ne!(ours, theirs);
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ours}"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    let their_iam = cloud.client("iam", other);
    let role = [("RoleName", "guest"), ("AssumeRolePolicyDocument", trust.as_str())];
    their_iam.ask("CreateRole", &role).await.expect_ok();

    let allow = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}"#;
    let carol = cloud.client("sts", user(&cloud, "carol", allow).await);
    let arn = format!("arn:aws:iam::{theirs}:role/guest");
    let assume =
        [("RoleArn", arn.as_str()), ("RoleSessionName", "visit"), ("DurationSeconds", "900")];
    let session = Key::from_answer(carol.ask("AssumeRole", &assume).await.expect_ok());
    let guest = cloud.client("sts", session.clone());
    let who = guest.ask("GetCallerIdentity", &[]).await;
    let expected = format!("arn:aws:sts::{theirs}:assumed-role/guest/visit");
    assert_eq!(who.expect_ok().xml("Arn"), Some(expected.as_str()));
    let without = Key { session_token: None, ..session };
    guest
        .with_key(without)
        .ask("GetCallerIdentity", &[])
        .await
        .expect_refusal(403, "InvalidClientTokenId");

    cloud.clock.advance(Duration::from_secs(901));
    guest.ask("GetCallerIdentity", &[]).await.expect_refusal(403, "ExpiredToken");
    carol.ask("GetCallerIdentity", &[]).await.expect_ok();
}

#[tokio::test]
async fn every_region_name_is_served_and_iam_is_the_same_in_all() {
    let cloud = Cloud::start().await;
    let root = cloud.client("iam", cloud.root_key());
    let in_ireland = Client { region: "eu-west-1".parse().expect("valid"), ..root.clone() };
    in_ireland.ask("CreateUser", &[("UserName", "dave")]).await.expect_ok();
    let user = root.ask("GetUser", &[("UserName", "dave")]).await;
    assert_eq!(user.expect_ok().xml("UserName"), Some("dave"));
}
