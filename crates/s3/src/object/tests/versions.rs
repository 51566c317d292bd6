//! Versions through the operations; the rows below are tested against a model of their own.

use std::time::Duration;

use aws::Error;

use crate::error::EngineFailure;
use crate::model::{
    CreateBucketRequest, DeleteObjectOutput, DeleteObjectRequest, GetObjectRequest,
    PutObjectRequest,
};
use crate::object::{delete, get, put};
use crate::row::{Bucket, Codec, Versioning, bucket_key};
use crate::testing::{World, body, code, read};

async fn set_versioning(world: &World, versioning: Versioning) {
    let decide = |change: &mut objects::Change<'_>| {
        let mut bucket = Bucket::clone(&*world.s3.bucket(change, "bucket")?);
        bucket.versioning = versioning;
        change.set(bucket_key("bucket"), bucket.encode());
        Ok::<_, Error>(())
    };
    let commit = world.s3.engine().commit(decide).await;
    commit.map_err(EngineFailure::refusal).expect("commits").expect("changes");
}

async fn versioned() -> World {
    let world = World::new();
    world.bucket("bucket").await;
    set_versioning(&world, Versioning::Enabled).await;
    world
}

fn deletion(version_id: Option<&str>) -> DeleteObjectRequest {
    DeleteObjectRequest {
        bucket: "bucket".into(),
        key: "k".into(),
        version_id: version_id.map(str::to_owned),
        ..Default::default()
    }
}

async fn remove(world: &World, input: DeleteObjectRequest) -> Result<DeleteObjectOutput, Error> {
    delete::delete(&world.s3, &world.owner(), input).await
}

async fn get_version(world: &World, version_id: &str) -> Result<Vec<u8>, Error> {
    let input = GetObjectRequest {
        bucket: "bucket".into(),
        key: "k".into(),
        version_id: Some(version_id.into()),
        ..Default::default()
    };
    let output = get::get(&world.s3, &world.owner(), input).await?;
    assert_eq!(output.version_id.as_deref(), Some(version_id));
    read(output.body.expect("a body")).await
}

fn header<'a>(error: &'a Error, name: &str) -> Option<&'a str> {
    error.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn versions_come_go_and_come_back() {
    let world = versioned().await;
    let one = world.put("bucket", "k", b"one").await.version_id.expect("an id");
    let two = world.put("bucket", "k", b"two").await.version_id.expect("an id");
    assert_eq!(world.get("bucket", "k").await.expect("got"), b"two");
    assert_eq!(get_version(&world, &one).await.expect("got"), b"one");

    let deleted = remove(&world, deletion(None)).await.expect("deleted");
    let marker = deleted.version_id.expect("a marker");
    assert_eq!(deleted.delete_marker, Some(true));
    let error = world.get("bucket", "k").await.expect_err("hidden");
    assert_eq!((error.status, error.code.as_ref()), (404, "NoSuchKey"));
    assert_eq!(header(&error, "x-amz-delete-marker"), Some("true"));
    assert_eq!(header(&error, "x-amz-version-id"), Some(marker.as_str()));
    let error = get_version(&world, &marker).await.expect_err("no object");
    assert_eq!((error.status, header(&error, "allow")), (405, Some("DELETE")));

    let undone = remove(&world, deletion(Some(&marker))).await.expect("deleted");
    assert_eq!((undone.delete_marker, undone.version_id), (Some(true), Some(marker)));
    assert_eq!(world.get("bucket", "k").await.expect("back"), b"two");

    let gone = remove(&world, deletion(Some(&two))).await.expect("deleted");
    assert_eq!((gone.delete_marker, gone.version_id), (None, Some(two.clone())));
    assert_eq!(world.get("bucket", "k").await.expect("back"), b"one");
    assert_eq!(code(get_version(&world, &two).await), "NoSuchVersion");
    // Once more is no fault.
    remove(&world, deletion(Some(&two))).await.expect("deleted already");
    assert_eq!(code(remove(&world, deletion(Some("nonsense"))).await), "InvalidArgument");
}

#[tokio::test]
async fn a_suspended_bucket_has_one_null_version() {
    let world = versioned().await;
    let kept = world.put("bucket", "k", b"kept").await.version_id.expect("an id");
    set_versioning(&world, Versioning::Suspended).await;
    for text in [b"one", b"two"] {
        assert_eq!(world.put("bucket", "k", text).await.version_id.as_deref(), Some("null"));
    }
    assert_eq!(get_version(&world, "null").await.expect("got"), b"two");
    let deleted = remove(&world, deletion(None)).await.expect("deleted");
    assert_eq!((deleted.delete_marker, deleted.version_id), (Some(true), Some("null".into())));
    assert_eq!(get_version(&world, "null").await.expect_err("a marker").status, 405);
    assert_eq!(get_version(&world, &kept).await.expect("got"), b"kept");
}

#[tokio::test]
async fn an_unversioned_bucket_says_nothing_of_versions() {
    let world = World::new();
    world.bucket("bucket").await;
    assert_eq!(world.put("bucket", "k", b"x").await.version_id, None);
    let deleted = remove(&world, deletion(None)).await.expect("deleted");
    assert_eq!((deleted.delete_marker, deleted.version_id), (None, None));
    assert_eq!(code(world.get("bucket", "k").await), "NoSuchKey");
    remove(&world, deletion(None)).await.expect("deleted already");
}

#[tokio::test]
async fn a_delete_has_a_condition() {
    let world = versioned().await;
    let with = |tag: &str| DeleteObjectRequest { if_match: Some(tag.into()), ..deletion(None) };
    assert_eq!(code(remove(&world, with("*")).await), "NoSuchKey");
    let etag = world.put("bucket", "k", b"x").await.e_tag.expect("an ETag");
    assert_eq!(code(remove(&world, with("\"other\"")).await), "PreconditionFailed");
    remove(&world, with(&etag)).await.expect("deleted");
    assert_eq!(code(remove(&world, with("*")).await), "NoSuchKey");
    let sized = DeleteObjectRequest { if_match_size: Some(1), ..deletion(None) };
    assert_eq!(remove(&world, sized).await.expect_err("directories only").status, 501);
}

#[tokio::test]
async fn a_lock_keeps_a_version() {
    let world = World::new();
    world
        .bucket_with(CreateBucketRequest {
            bucket: "bucket".into(),
            object_lock_enabled_for_bucket: Some(true),
            ..Default::default()
        })
        .await;
    let until = world.clock.now() + Duration::from_secs(1000);
    let locked = |mode: Option<&str>, hold: Option<&str>| PutObjectRequest {
        bucket: "bucket".into(),
        key: "k".into(),
        body: Some(body(b"x")),
        content_md5: Some("ndTkYSaMgDT1yFZOFVxnpg==".into()),
        object_lock_mode: mode.map(str::to_owned),
        object_lock_retain_until_date: mode.map(|_| until),
        object_lock_legal_hold_status: hold.map(str::to_owned),
        ..Default::default()
    };
    let unclaimed = PutObjectRequest { content_md5: None, ..locked(Some("GOVERNANCE"), None) };
    let refused = put::put(&world.s3, &world.owner(), unclaimed).await;
    assert_eq!(code(refused), "InvalidRequest");
    let late = PutObjectRequest {
        object_lock_retain_until_date: Some(world.clock.now()),
        ..locked(Some("GOVERNANCE"), None)
    };
    assert_eq!(code(put::put(&world.s3, &world.owner(), late).await), "InvalidArgument");

    // Mode, legal hold, bypass: whether it may go now, and after its time.
    let table = [
        (Some("GOVERNANCE"), None, false, false, true),
        (Some("GOVERNANCE"), None, true, true, true),
        (Some("COMPLIANCE"), None, true, false, true),
        (None, Some("ON"), true, false, false),
        (Some("GOVERNANCE"), Some("ON"), true, false, false),
        (None, None, false, true, true),
    ];
    let mut kept = Vec::new();
    for (mode, hold, bypass, now, later) in table {
        let put = put::put(&world.s3, &world.owner(), locked(mode, hold)).await.expect("put");
        let input = DeleteObjectRequest {
            bypass_governance_retention: Some(bypass),
            ..deletion(put.version_id.as_deref())
        };
        let answer = code(remove(&world, input.clone()).await);
        assert_eq!(answer, if now { "OK" } else { "AccessDenied" }, "{mode:?} {hold:?} {bypass}");
        kept.push((input, later));
    }
    // A delete marker may always be made.
    remove(&world, deletion(None)).await.expect("a marker");
    world.advance(Duration::from_secs(1000));
    for (input, later) in kept {
        let expected = if later { "OK" } else { "AccessDenied" };
        assert_eq!(code(remove(&world, input).await), expected);
    }
}
