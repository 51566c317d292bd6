//! Bucket policies: judged, blocked, kept as given.

use super::*;
use crate::model::Input;
use crate::row::PublicAccessBlock;
use crate::testing::{OTHER, OWNER, World, code};

fn text(principal: &str, action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"{action}","Resource":"{resource}"}}]}}"#
    )
}

fn put_input(policy: &str) -> PutBucketPolicyRequest {
    PutBucketPolicyRequest { bucket: "mine".into(), policy: policy.into(), ..Default::default() }
}

fn get_input() -> GetBucketPolicyRequest {
    GetBucketPolicyRequest { bucket: "mine".into(), ..Default::default() }
}

#[test]
fn what_is_malformed() {
    let refused = |text: &str, code: &str, message: &str| {
        let error = parse::document(text, "mine").expect_err("refused");
        assert_eq!((error.code.as_ref(), error.message.as_str()), (code, message), "{text}");
    };
    let check = |text: &str, message: &str| refused(text, "MalformedPolicy", message);
    let everyone = r#""*""#;
    let json = "Policies must be valid JSON and the first byte must be '{'";
    check("", json);
    check(" {}", json);
    check("{", json);
    check("[]", json);
    check(&text(everyone, "s3:GetObject", "arn:aws:s3:::other/*"), "Policy has invalid resource");
    check(&text(everyone, "s3:GetObject", "mine/*"), "Policy has invalid resource");
    check(&text(everyone, "s3:GetObjects", "arn:aws:s3:::mine/*"), "Policy has invalid action");
    check(&text(everyone, "GetObject", "arn:aws:s3:::mine/*"), "Policy has invalid action");
    check(&text(everyone, "iam:*", "arn:aws:s3:::mine/*"), "Policy has invalid action");
    let misfit = "Action does not apply to any resource(s) in statement";
    check(&text(everyone, "s3:GetObject", "arn:aws:s3:::mine"), misfit);
    check(&text(everyone, "s3:ListBucket", "arn:aws:s3:::mine/*"), misfit);
    let nobody = r#"{"AWS":"arn:aws:iam::1:user/x"}"#;
    check(&text(nobody, "s3:*", "arn:aws:s3:::mine/*"), "Invalid principal in policy");
    let headless = text(everyone, "s3:*", "arn:aws:s3:::mine/*").replace(r#""Principal":"*","#, "");
    check(&headless, "Missing required field Principal");
    let long = text(everyone, "s3:*", &format!("arn:aws:s3:::mine/{}*", "k".repeat(20_480)));
    let why = "Normalized policy document exceeds the maximum allowed size of 20480 bytes.";
    refused(&long, "PolicyTooLarge", why);
    parse::document(&text(everyone, "s3:*", "arn:aws:s3:::mine*"), "mine").expect("both");
}

#[tokio::test]
async fn put_got_and_deleted() {
    let world = World::new();
    world.bucket("mine").await;
    let call = world.owner();
    let get = async || super::get(&world.s3, &call, get_input()).await;
    let status = async || {
        let input = GetBucketPolicyStatusRequest { bucket: "mine".into(), ..Default::default() };
        let answer = super::get_status(&world.s3, &call, input).await?;
        Ok::<_, Error>(answer.policy_status.and_then(|status| status.is_public))
    };
    assert_eq!(code(get().await), "NoSuchBucketPolicy");
    assert_eq!(code(status().await), "NoSuchBucketPolicy");
    let fixed = text(&format!(r#"{{"AWS":"{OTHER}"}}"#), "s3:GetObject", "arn:aws:s3:::mine/*");
    super::put(&world.s3, &call, put_input(&fixed)).await.expect("put");
    assert_eq!(get().await.expect("set").policy.as_deref(), Some(fixed.as_str()));
    assert_eq!(status().await.expect("set"), Some(false));

    let public = text(r#""*""#, "s3:GetObject", "arn:aws:s3:::mine/*");
    let blocked = super::put(&world.s3, &call, put_input(&public)).await.expect_err("blocked");
    let why = format!(
        "User: arn:aws:iam::{OWNER}:root is not authorized to perform: s3:PutBucketPolicy on \
         resource: \"arn:aws:s3:::mine\" because public policies are prevented by the \
         BlockPublicPolicy setting in S3 Block Public Access."
    );
    assert_eq!((blocked.status, blocked.message), (403, why));
    assert_eq!(get().await.expect("as before").policy.as_deref(), Some(fixed.as_str()));
    let unblock = world.s3.configure("mine", None, |bucket| {
        let blocks = PublicAccessBlock { block_public_policy: false, ..PublicAccessBlock::ALL };
        bucket.public_access_block = Some(blocks);
        Ok(())
    });
    unblock.await.expect("configured");
    super::put(&world.s3, &call, put_input(&public)).await.expect("put");
    assert_eq!(status().await.expect("set"), Some(true));
    let delete = DeleteBucketPolicyRequest { bucket: "mine".into(), ..Default::default() };
    super::delete(&world.s3, &call, delete).await.expect("deleted");
    assert_eq!(code(get().await), "NoSuchBucketPolicy");
}

#[tokio::test]
async fn no_mistake_locks_the_owner_out() {
    let world = World::new();
    world.bucket("mine").await;
    let deny = text(r#""*""#, "s3:*", "arn:aws:s3:::mine*").replace("Allow", "Deny");
    world.ask(&world.owner(), Input::PutBucketPolicy(put_input(&deny))).await.expect("put");
    let head = crate::model::HeadBucketRequest { bucket: "mine".into(), ..Default::default() };
    let refused = world.ask(&world.owner(), Input::HeadBucket(head)).await;
    assert_eq!(code(refused), "AccessDenied");
    world.ask(&world.owner(), Input::GetBucketPolicy(get_input())).await.expect("got");
    let delete = DeleteBucketPolicyRequest { bucket: "mine".into(), ..Default::default() };
    world.ask(&world.owner(), Input::DeleteBucketPolicy(delete)).await.expect("deleted");
}

#[tokio::test]
async fn other_accounts_have_no_business_here() {
    let world = World::new();
    world.bucket("mine").await;
    let given = text(&format!(r#"{{"AWS":"{OTHER}"}}"#), "s3:*", "arn:aws:s3:::mine");
    world.ask(&world.owner(), Input::PutBucketPolicy(put_input(&given))).await.expect("put");
    let refused = world.ask(&world.other(), Input::GetBucketPolicy(get_input())).await;
    assert_eq!(code(refused), "MethodNotAllowed");
    let refused = world.ask(&world.other(), Input::PutBucketPolicy(put_input(&given))).await;
    assert_eq!(code(refused), "MethodNotAllowed");
}
