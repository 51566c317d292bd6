//! Versions through the operations; the rows below are tested against a model of their own.

use aws::Error;

use super::{BUCKET, ask, asking, set_versioning, text, versioned, world};
use crate::model::{DeleteObjectOutput, DeleteObjectRequest, GetObjectRequest};
use crate::object::delete;
use crate::row::Versioning;
use crate::testing::{World, code, read};

fn deletion(version_id: Option<&str>) -> DeleteObjectRequest {
    DeleteObjectRequest {
        bucket: BUCKET.into(),
        key: "k".into(),
        version_id: version_id.map(str::to_owned),
        ..Default::default()
    }
}

async fn remove(world: &World, input: DeleteObjectRequest) -> Result<DeleteObjectOutput, Error> {
    delete::delete(&world.s3, &world.owner(), input).await
}

async fn get_version(world: &World, version_id: &str) -> Result<Vec<u8>, Error> {
    let input = GetObjectRequest { version_id: text(version_id), ..asking("k") };
    let output = ask(world, input).await?;
    assert_eq!(output.version_id.as_deref(), Some(version_id));
    read(output.body.expect("a body")).await
}

fn header<'a>(error: &'a Error, name: &str) -> Option<&'a str> {
    error.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn versions_come_go_and_come_back() {
    let world = versioned().await;
    let one = world.put(BUCKET, "k", b"one").await.version_id.expect("an id");
    let two = world.put(BUCKET, "k", b"two").await.version_id.expect("an id");
    assert_eq!(world.get(BUCKET, "k").await.expect("got"), b"two");
    assert_eq!(get_version(&world, &one).await.expect("got"), b"one");

    let deleted = remove(&world, deletion(None)).await.expect("deleted");
    let marker = deleted.version_id.expect("a marker");
    assert_eq!(deleted.delete_marker, Some(true));
    let error = world.get(BUCKET, "k").await.expect_err("hidden");
    assert_eq!((error.status, error.code.as_ref()), (404, "NoSuchKey"));
    assert_eq!(header(&error, "x-amz-delete-marker"), Some("true"));
    assert_eq!(header(&error, "x-amz-version-id"), Some(marker.as_str()));
    let error = get_version(&world, &marker).await.expect_err("no object");
    assert_eq!((error.status, header(&error, "allow")), (405, Some("DELETE")));

    let undone = remove(&world, deletion(Some(&marker))).await.expect("deleted");
    assert_eq!((undone.delete_marker, undone.version_id), (Some(true), Some(marker)));
    assert_eq!(world.get(BUCKET, "k").await.expect("back"), b"two");

    let gone = remove(&world, deletion(Some(&two))).await.expect("deleted");
    assert_eq!((gone.delete_marker, gone.version_id), (None, Some(two.clone())));
    assert_eq!(world.get(BUCKET, "k").await.expect("back"), b"one");
    assert_eq!(code(get_version(&world, &two).await), "NoSuchVersion");
    // Once more is no fault.
    remove(&world, deletion(Some(&two))).await.expect("deleted already");
    assert_eq!(code(remove(&world, deletion(Some("nonsense"))).await), "InvalidArgument");
}

#[tokio::test]
async fn a_suspended_bucket_has_one_null_version() {
    let world = versioned().await;
    let kept = world.put(BUCKET, "k", b"kept").await.version_id.expect("an id");
    set_versioning(&world, Versioning::Suspended).await;
    for text in [b"one", b"two"] {
        assert_eq!(world.put(BUCKET, "k", text).await.version_id.as_deref(), Some("null"));
    }
    assert_eq!(get_version(&world, "null").await.expect("got"), b"two");
    let deleted = remove(&world, deletion(None)).await.expect("deleted");
    assert_eq!((deleted.delete_marker, deleted.version_id), (Some(true), Some("null".into())));
    assert_eq!(get_version(&world, "null").await.expect_err("a marker").status, 405);
    assert_eq!(get_version(&world, &kept).await.expect("got"), b"kept");
}

#[tokio::test]
async fn an_unversioned_bucket_says_nothing_of_versions() {
    let world = world().await;
    assert_eq!(world.put(BUCKET, "k", b"x").await.version_id, None);
    let deleted = remove(&world, deletion(None)).await.expect("deleted");
    assert_eq!((deleted.delete_marker, deleted.version_id), (None, None));
    assert_eq!(code(world.get(BUCKET, "k").await), "NoSuchKey");
    remove(&world, deletion(None)).await.expect("deleted already");
}

#[tokio::test]
async fn a_delete_has_a_condition() {
    let world = versioned().await;
    let with = |tag: &str| DeleteObjectRequest { if_match: Some(tag.into()), ..deletion(None) };
    assert_eq!(code(remove(&world, with("*")).await), "NoSuchKey");
    let etag = world.put(BUCKET, "k", b"x").await.e_tag.expect("an ETag");
    assert_eq!(code(remove(&world, with("\"other\"")).await), "PreconditionFailed");
    remove(&world, with(&etag)).await.expect("deleted");
    assert_eq!(code(remove(&world, with("*")).await), "NoSuchKey");
    let sized = DeleteObjectRequest { if_match_size: Some(1), ..deletion(None) };
    assert_eq!(remove(&world, sized).await.expect_err("directories only").status, 501);
}
