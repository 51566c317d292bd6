//! CreateBucket's rules.

use aws::Error;

use super::*;
use crate::bucket;
use crate::model::{GetBucketLocationRequest, HeadBucketRequest, Tag};
use crate::testing::{World, code, region as named};

fn input(name: &str, constraint: Option<&str>) -> CreateBucketRequest {
    let configuration = constraint.map(|constraint| CreateBucketConfiguration {
        location_constraint: Some(constraint.into()),
        ..Default::default()
    });
    CreateBucketRequest {
        bucket: name.into(),
        create_bucket_configuration: configuration,
        ..Default::default()
    }
}

impl World {
    async fn create_at(
        &self,
        endpoint: &str,
        input: CreateBucketRequest,
    ) -> Result<Option<String>, Error> {
        let call = Call { region: named(endpoint), ..self.owner() };
        super::create(&self.s3, &call, input).await.map(|made| made.location)
    }

    async fn create(&self, input: CreateBucketRequest) -> Result<Option<String>, Error> {
        self.create_at("us-east-1", input).await
    }
}

#[tokio::test]
async fn where_a_bucket_comes_to_be() {
    let world = World::new();
    let mut number = 0;
    let mut check = async |endpoint: &str, constraint: Option<&str>, expected: &str| {
        number += 1;
        let name = format!("bucket{number}");
        let answer = world.create_at(endpoint, input(&name, constraint)).await;
        if !expected.contains('-') {
            assert_eq!(code(answer), expected, "{endpoint} {constraint:?}");
            return;
        }
        let location = answer.expect("made");
        let get = GetBucketLocationRequest { bucket: name.clone(), ..Default::default() };
        let told = bucket::location(&world.s3, &world.owner(), get).await.expect("there");
        if expected == "us-east-1" {
            assert_eq!((told.location_constraint, location), (None, Some(format!("/{name}"))));
        } else {
            assert_eq!(told.location_constraint.as_deref(), Some(expected));
            assert_eq!(location, Some(format!("http://{name}.s3.localhost/")));
        }
        let head = HeadBucketRequest { bucket: name, ..Default::default() };
        let head = bucket::head(&world.s3, &world.owner(), head).await.expect("there");
        assert_eq!(head.bucket_region.as_deref(), Some(expected));
    };
    check("us-east-1", None, "us-east-1").await;
    check("us-east-1", Some(""), "us-east-1").await;
    check("us-east-1", Some("eu-west-3"), "eu-west-3").await;
    check("us-east-1", Some("EU"), "eu-west-1").await;
    check("us-east-1", Some("us-east-1"), "InvalidLocationConstraint").await;
    check("us-east-1", Some("moon-base-1"), "InvalidLocationConstraint").await;
    check("eu-west-1", Some("eu-west-1"), "eu-west-1").await;
    check("eu-west-1", Some("EU"), "eu-west-1").await;
    check("moon-base-1", Some("moon-base-1"), "moon-base-1").await;
    check("eu-west-1", None, "IllegalLocationConstraintException").await;
    check("eu-west-1", Some("eu-west-2"), "IllegalLocationConstraintException").await;
    check("eu-west-1", Some("nowhere"), "InvalidLocationConstraint").await;
    // A region's name that no constraint has, but an endpoint: still not that endpoint's own.
    check("eu-west-1", Some("us-east-1"), "InvalidLocationConstraint").await;
}

#[tokio::test]
async fn a_name_is_taken_once_in_all_regions() {
    let world = World::new();
    world.create(input("first", None)).await.expect("made");
    world.create(input("first", None)).await.expect("one's own, again");
    let elsewhere = world.create_at("eu-west-1", input("first", Some("eu-west-1"))).await;
    assert_eq!(code(elsewhere), "BucketAlreadyOwnedByYou");
    world.create(input("second", Some("eu-west-1"))).await.expect("made");
    let again = world.create(input("second", Some("eu-west-1"))).await;
    assert_eq!(code(again), "BucketAlreadyOwnedByYou");
    let other = Call { region: named("us-east-1"), ..world.other() };
    let taken = super::create(&world.s3, &other, input("first", None)).await;
    assert_eq!(code(taken), "BucketAlreadyExists");
}

#[tokio::test]
async fn what_a_new_bucket_is_given() {
    let world = World::new();
    world.create(input("plain", None)).await.expect("made");
    let bucket = world.s3.bucket(world.s3.engine(), "plain").expect("there");
    assert_eq!(bucket.ownership, Some(Ownership::BucketOwnerEnforced));
    assert_eq!(bucket.blocks(), PublicAccessBlock::ALL);
    assert_eq!(bucket.created, world.clock.now());

    let locked =
        CreateBucketRequest { object_lock_enabled_for_bucket: Some(true), ..input("locked", None) };
    world.create(locked).await.expect("made");
    let bucket = world.s3.bucket(world.s3.engine(), "locked").expect("there");
    assert_eq!(bucket.versioning, Versioning::Enabled);
    assert_eq!(bucket.object_lock, Some(ObjectLock::default()));

    let tag = |key: &str| Tag { key: key.into(), value: "v".into() };
    let tagged = |name: &str, tags: Vec<Tag>| CreateBucketRequest {
        create_bucket_configuration: Some(CreateBucketConfiguration {
            tags: Some(tags),
            ..Default::default()
        }),
        ..input(name, None)
    };
    world.create(tagged("tagged", vec![tag("a"), tag("b")])).await.expect("made");
    let bucket = world.s3.bucket(world.s3.engine(), "tagged").expect("there");
    assert_eq!(bucket.tags.len(), 2);
    let twice = world.create(tagged("tagged2", vec![tag("a"), tag("a")])).await;
    assert_eq!(code(twice), "InvalidTag");
    assert!(world.s3.bucket(world.s3.engine(), "tagged2").is_err());
}

#[tokio::test]
async fn lists_and_ownership() {
    let world = World::new();
    let mut number = 0;
    let mut check = async |ownership: Option<&str>, acl: Option<&str>, expected: &str| {
        number += 1;
        let input = CreateBucketRequest {
            object_ownership: ownership.map(Into::into),
            acl: acl.map(Into::into),
            ..input(&format!("bucket{number}"), None)
        };
        assert_eq!(code(world.create(input).await), expected, "{ownership:?} {acl:?}");
    };
    check(Some("ObjectWriter"), None, "OK").await;
    check(Some("Someone"), None, "InvalidArgument").await;
    check(None, Some("private"), "OK").await;
    check(None, Some("public-read"), "InvalidBucketAclWithObjectOwnership").await;
    check(Some("BucketOwnerEnforced"), Some("public-read"), "InvalidBucketAclWithObjectOwnership")
        .await;
    let public = "InvalidBucketAclWithBlockPublicAccessError";
    check(Some("ObjectWriter"), Some("public-read"), public).await;
    check(Some("ObjectWriter"), Some("log-delivery-write"), "OK").await;
    check(None, Some("nonsense"), "InvalidArgument").await;
}

#[tokio::test]
async fn refused_by_name_and_by_form() {
    let world = World::new();
    let check = async |name: &str, expected: &str| {
        assert_eq!(code(world.create(input(name, None)).await), expected, "{name}");
    };
    check("Bad", "InvalidBucketName").await;
    check("mine-an", "InvalidBucketName").await;
    let anonymous = super::create(&world.s3, &world.anonymous(), input("abc", None)).await;
    assert!(anonymous.is_err());
    let directory = CreateBucketRequest {
        create_bucket_configuration: Some(CreateBucketConfiguration {
            bucket: Some(Default::default()),
            ..Default::default()
        }),
        ..input("abc", None)
    };
    assert_eq!(code(world.create(directory).await), "UnsupportedOperation");
}

#[tokio::test]
async fn an_account_s_limit() {
    let world = World::new();
    let engine = world.s3.engine();
    let filled = engine.commit(|change| {
        for number in 0..BUCKETS_MAX {
            change.set(owner_key(crate::testing::OWNER, &format!("b{number}")), Vec::new());
        }
        Ok::<_, Error>(())
    });
    filled.await.expect("memory").expect("set");
    assert_eq!(code(world.create(input("one-more", None)).await), "TooManyBuckets");
}
