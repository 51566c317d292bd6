//! Lists of buckets and objects, as clients set and read them.

use super::*;
use crate::acl::ALL_USERS;
use crate::model::{
    self, AccessControlPolicy, GetObjectAclRequest, Grant, Grantee, PutObjectAclRequest,
};
use crate::object;
use crate::row::{Ownership, PublicAccessBlock};
use crate::testing::{OTHER, OWNER, World, code, id};

impl World {
    async fn listed(ownership: Ownership, blocked: bool) -> Self {
        let world = Self::new();
        world.bucket("mine").await;
        let changed = world.s3.configure("mine", None, |bucket| {
            bucket.ownership = Some(ownership);
            bucket.public_access_block = blocked.then_some(PublicAccessBlock::ALL);
            Ok(())
        });
        changed.await.expect("configured");
        world
    }

    async fn grants(&self) -> Vec<String> {
        let input = GetBucketAclRequest { bucket: "mine".into(), ..Default::default() };
        let answer = super::get(&self.s3, &self.owner(), input).await.expect("a list");
        assert_eq!(answer.owner.and_then(|owner| owner.id), Some(id(OWNER).canonical_user_id()));
        named(answer.grants)
    }
}

fn named(grants: Option<Vec<Grant>>) -> Vec<String> {
    let name = |grantee: Grantee| {
        let owner = id(OWNER).canonical_user_id();
        match (grantee.id, grantee.uri) {
            (Some(id), _) if id == owner => "owner".to_owned(),
            (Some(_), _) => "other".into(),
            (_, uri) => uri.unwrap_or_default().rsplit('/').next().unwrap_or_default().into(),
        }
    };
    let grants = grants.unwrap_or_default().into_iter();
    grants
        .map(|grant| {
            let grantee = name(grant.grantee.unwrap_or_default());
            format!("{grantee}:{}", grant.permission.unwrap_or_default())
        })
        .collect()
}

fn canned(name: &str) -> PutBucketAclRequest {
    PutBucketAclRequest { bucket: "mine".into(), acl: Some(name.into()), ..Default::default() }
}

fn body(grantee: &str, permission: &str) -> AccessControlPolicy {
    let owner = model::Owner { id: Some(id(OWNER).canonical_user_id()), display_name: None };
    let grantee = Grantee {
        r#type: "CanonicalUser".into(),
        id: Some(id(grantee).canonical_user_id()),
        ..Default::default()
    };
    let grant = Grant { grantee: Some(grantee), permission: Some(permission.into()) };
    AccessControlPolicy { grants: Some(vec![grant]), owner: Some(owner) }
}

#[tokio::test]
async fn of_a_bucket() {
    let world = World::listed(Ownership::ObjectWriter, false).await;
    let put = async |input| code(super::put(&world.s3, &world.owner(), input).await);
    assert_eq!(world.grants().await, ["owner:FULL_CONTROL"]);
    assert_eq!(put(canned("public-read")).await, "OK");
    assert_eq!(world.grants().await, ["owner:FULL_CONTROL", "AllUsers:READ"]);
    let none = PutBucketAclRequest { bucket: "mine".into(), ..Default::default() };
    assert_eq!(put(none.clone()).await, "MissingSecurityHeader");
    let other = PutBucketAclRequest {
        access_control_policy: Some(body(OTHER, "READ_ACP")),
        ..none.clone()
    };
    assert_eq!(put(other.clone()).await, "OK");
    assert_eq!(world.grants().await, ["other:READ_ACP"]);
    let both = PutBucketAclRequest { acl: Some("private".into()), ..other };
    assert_eq!(put(both).await, "UnexpectedContent");
    let header = PutBucketAclRequest { grant_write: Some(format!("uri=\"{ALL_USERS}\"")), ..none };
    assert_eq!(put(header).await, "OK");
    assert_eq!(world.grants().await, ["AllUsers:WRITE"]);
    assert_eq!(put(canned("nonsense")).await, "InvalidArgument");
    assert_eq!(put(canned("private")).await, "OK");
    assert_eq!(world.grants().await, ["owner:FULL_CONTROL"]);
}

#[tokio::test]
async fn where_lists_have_no_say_or_may_not_be_public() {
    let world = World::listed(Ownership::BucketOwnerEnforced, false).await;
    for name in ["private", "public-read", "bucket-owner-full-control"] {
        let answer = super::put(&world.s3, &world.owner(), canned(name)).await;
        assert_eq!(code(answer), "AccessControlListNotSupported");
    }
    assert_eq!(world.grants().await, ["owner:FULL_CONTROL"]);
    let world = World::listed(Ownership::ObjectWriter, true).await;
    let answer = super::put(&world.s3, &world.owner(), canned("authenticated-read")).await;
    assert_eq!(code(answer), "AccessDenied");
    let answer = super::put(&world.s3, &world.owner(), canned("log-delivery-write")).await;
    assert_eq!(code(answer), "OK");
}

#[tokio::test]
async fn of_an_object() {
    let world = World::listed(Ownership::ObjectWriter, false).await;
    world.put("mine", "k", b"bytes").await;
    let input = |key: &str| PutObjectAclRequest {
        bucket: "mine".into(),
        key: key.into(),
        ..Default::default()
    };
    let put = async |input| code(object::acl::put(&world.s3, &world.owner(), input).await);
    let get = async |key: &str| {
        let input =
            GetObjectAclRequest { bucket: "mine".into(), key: key.into(), ..Default::default() };
        object::acl::get(&world.s3, &world.owner(), input).await.map(|answer| named(answer.grants))
    };
    assert_eq!(get("k").await.expect("a list"), ["owner:FULL_CONTROL"]);
    let public = |key: &str| PutObjectAclRequest { acl: Some("public-read".into()), ..input(key) };
    assert_eq!(put(public("k")).await, "OK");
    assert_eq!(get("k").await.expect("a list"), ["owner:FULL_CONTROL", "AllUsers:READ"]);
    assert_eq!(world.get("mine", "k").await.expect("still there"), b"bytes");
    let other = PutObjectAclRequest {
        access_control_policy: Some(body(OTHER, "FULL_CONTROL")),
        ..input("k")
    };
    assert_eq!(put(other).await, "OK");
    assert_eq!(get("k").await.expect("a list"), ["other:FULL_CONTROL"]);
    assert_eq!(put(public("missing")).await, "NoSuchKey");
    assert_eq!(code(get("missing").await), "NoSuchKey");
    assert_eq!(put(input("k")).await, "MissingSecurityHeader");
    let unversioned = PutObjectAclRequest { version_id: Some("x".into()), ..public("k") };
    assert_eq!(put(unversioned).await, "InvalidArgument");

    let blocked = World::listed(Ownership::ObjectWriter, true).await;
    blocked.put("mine", "k", b"bytes").await;
    let answer = object::acl::put(&blocked.s3, &blocked.owner(), public("k")).await;
    assert_eq!(code(answer), "AccessDenied");
    let enforced = World::listed(Ownership::BucketOwnerEnforced, false).await;
    enforced.put("mine", "k", b"bytes").await;
    let answer = object::acl::put(&enforced.s3, &enforced.owner(), public("k")).await;
    assert_eq!(code(answer), "AccessControlListNotSupported");
}
