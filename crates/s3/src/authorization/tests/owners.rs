//! Objects that another account owns.

use super::*;

async fn theirs(policy_text: Option<String>, grants: Vec<Grant>) -> World {
    let world = World::with_bucket(|bucket| {
        bucket.ownership = Some(Ownership::ObjectWriter);
        bucket.policy = policy_text;
    })
    .await;
    world.object("k", Object { owner: Some(OTHER), grants, ..Object::default() }).await;
    world
}

#[tokio::test]
async fn the_writer_s_object_is_the_writer_s() {
    let world = theirs(None, Vec::new()).await;
    assert_eq!(who(&world, "s3:GetObject", Some("k")).await, "x");
    assert_eq!(who(&world, "s3:GetObjectAcl", Some("k")).await, "x");
    assert_eq!(who(&world, "s3:PutObjectAcl", Some("k")).await, "x");
    // But the bucket is its owner's.
    assert_eq!(who(&world, "s3:DeleteObject", Some("k")).await, "o");
    assert_eq!(who(&world, "s3:RestoreObject", Some("k")).await, "o");
}

#[tokio::test]
async fn the_bucket_s_policy_gives_nothing_of_it_and_can_deny() {
    let public = statement("Allow", "*", "s3:*", "bkt/*");
    let world = theirs(policy(&public), Vec::new()).await;
    assert_eq!(who(&world, "s3:GetObject", Some("k")).await, "x");
    assert_eq!(who(&world, "s3:DeleteObject", Some("k")).await, "oOxa");
    let deny = statement("Deny", OTHER, "s3:GetObject", "bkt/*");
    let world = theirs(policy(&format!("{public},{deny}")), Vec::new()).await;
    assert_eq!(who(&world, "s3:GetObject", Some("k")).await, "");
}

#[tokio::test]
async fn its_list_gives_it_away() {
    let world = theirs(None, vec![to(OTHER, "FULL_CONTROL"), to(OWNER, "FULL_CONTROL")]).await;
    assert_eq!(who(&world, "s3:GetObject", Some("k")).await, "ox");
    // The account is given it; its users need its leave.
    let alice = world.user(OWNER, "alice");
    assert!(!world.allows(&alice, "s3:GetObject", Some("k")).await);
    world.attach(&alice, EVERYTHING);
    assert!(world.allows(&alice, "s3:GetObject", Some("k")).await);
    let world = theirs(None, vec![to("all", "READ")]).await;
    assert_eq!(who(&world, "s3:GetObject", Some("k")).await, "oxa");
}

/// Turning the lists off makes every object the bucket owner's at once.
#[tokio::test]
async fn an_enforced_owner_has_all() {
    let world = theirs(None, vec![to("all", "READ")]).await;
    let enforce = world.s3.configure("bkt", None, |bucket| {
        bucket.ownership = Some(Ownership::BucketOwnerEnforced);
        Ok(())
    });
    enforce.await.expect("configured");
    assert_eq!(who(&world, "s3:GetObject", Some("k")).await, "o");
}
