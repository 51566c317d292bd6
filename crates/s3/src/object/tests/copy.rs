use aws::Error;

use super::{BUCKET, ask, asking, text, versioned, world};
use crate::model::{
    CopyObjectOutput, CopyObjectRequest, DeleteObjectRequest, GetObjectRequest, PutObjectRequest,
};
use crate::object::{copy, delete, put};
use crate::testing::{World, body, code, read};

fn copying(source: &str, key: &str) -> CopyObjectRequest {
    CopyObjectRequest {
        bucket: BUCKET.into(),
        key: key.into(),
        copy_source: source.into(),
        ..Default::default()
    }
}

async fn run(world: &World, input: CopyObjectRequest) -> Result<CopyObjectOutput, Error> {
    copy::copy(&world.s3, &world.owner(), input).await
}

async fn put_described(world: &World) {
    let input = PutObjectRequest {
        bucket: BUCKET.into(),
        key: "a b".into(),
        body: Some(body(b"hello")),
        content_type: text("text/plain"),
        metadata: Some([("m".to_owned(), "1".to_owned())].into()),
        tagging: text("t=1"),
        storage_class: text("STANDARD_IA"),
        website_redirect_location: text("/x"),
        checksum_crc32: text("NhCmhg=="),
        ..Default::default()
    };
    put::put(&world.s3, &world.owner(), input).await.expect("put");
}

#[tokio::test]
async fn a_copy_takes_what_its_directives_say() {
    let world = world().await;
    put_described(&world).await;
    let copied = run(&world, copying("/bucket/a%20b", "copy")).await.expect("copied");
    let result = copied.copy_object_result.expect("a result");
    assert_eq!(result.e_tag.as_deref(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(result.checksum_crc32.as_deref(), Some("NhCmhg=="));
    assert_eq!(result.last_modified, Some(world.clock.now()));
    let got = ask(&world, asking("copy")).await.expect("got");
    assert_eq!(got.content_type.as_deref(), Some("text/plain"));
    assert_eq!(
        (got.tag_count, got.storage_class, got.website_redirect_location),
        (Some(1), None, None)
    );
    assert_eq!(got.metadata.expect("some")["m"], "1");
    assert_eq!(read(got.body.expect("a body")).await.expect("read"), b"hello");

    let replacing = CopyObjectRequest {
        metadata_directive: text("REPLACE"),
        tagging_directive: text("REPLACE"),
        content_type: text("text/html"),
        checksum_algorithm: text("SHA256"),
        ..copying("bucket/a%20b", "copy")
    };
    let copied = run(&world, replacing).await.expect("copied");
    let result = copied.copy_object_result.expect("a result");
    assert!(result.checksum_sha256.is_some() && result.checksum_crc32.is_none());
    let got = ask(&world, asking("copy")).await.expect("got");
    assert_eq!(got.content_type.as_deref(), Some("text/html"));
    assert_eq!((got.tag_count, got.metadata), (None, None));
}

#[tokio::test]
async fn a_copy_onto_itself_must_change_something() {
    let world = world().await;
    world.put(BUCKET, "k", b"x").await;
    let plain = || copying("bucket/k", "k");
    assert_eq!(code(run(&world, plain()).await), "InvalidRequest");
    let tags = CopyObjectRequest { tagging_directive: text("REPLACE"), ..plain() };
    assert_eq!(code(run(&world, tags).await), "InvalidRequest");
    for changing in [
        CopyObjectRequest { metadata_directive: text("REPLACE"), ..plain() },
        CopyObjectRequest { storage_class: text("STANDARD_IA"), ..plain() },
        CopyObjectRequest { server_side_encryption: text("AES256"), ..plain() },
    ] {
        run(&world, changing).await.expect("copied");
    }
    assert_eq!(world.get(BUCKET, "k").await.expect("got"), b"x");
}

#[tokio::test]
async fn an_old_version_is_brought_back_by_a_copy() {
    let world = versioned().await;
    let old = world.put(BUCKET, "k", b"old").await.version_id.expect("an id");
    world.put(BUCKET, "k", b"new").await;
    let source = format!("bucket/k?versionId={old}");
    let copied = run(&world, copying(&source, "k")).await.expect("copied");
    assert_eq!(copied.copy_source_version_id, Some(old));
    assert!(copied.version_id.is_some());
    assert_eq!(world.get(BUCKET, "k").await.expect("got"), b"old");

    let input =
        DeleteObjectRequest { bucket: BUCKET.into(), key: "k".into(), ..Default::default() };
    let marker = delete::delete(&world.s3, &world.owner(), input).await.expect("deleted");
    let marker = marker.version_id.expect("a marker");
    assert_eq!(code(run(&world, copying("bucket/k", "c")).await), "NoSuchKey");
    let named = copying(&format!("bucket/k?versionId={marker}"), "c");
    assert_eq!(code(run(&world, named).await), "InvalidRequest");
}

#[tokio::test]
async fn a_copy_has_conditions_on_both_ends() {
    let world = world().await;
    let etag = world.put(BUCKET, "k", b"x").await.e_tag;
    let now = Some(world.clock.now());
    let plain = || copying("bucket/k", "c");
    let check = async |input: CopyObjectRequest, expected: &str| {
        let error = run(&world, input).await.expect_err("refused");
        let condition = error.details.first().map(|(_, value)| value.as_str());
        assert_eq!((error.status, condition), (412, Some(expected)));
    };
    let other = || text("\"other\"");
    check(
        CopyObjectRequest { copy_source_if_match: other(), ..plain() },
        "x-amz-copy-source-If-Match",
    )
    .await;
    check(
        CopyObjectRequest { copy_source_if_none_match: etag.clone(), ..plain() },
        "x-amz-copy-source-If-None-Match",
    )
    .await;
    check(
        CopyObjectRequest { copy_source_if_modified_since: now, ..plain() },
        "x-amz-copy-source-If-Modified-Since",
    )
    .await;
    let absent = || CopyObjectRequest { if_none_match: text("*"), ..plain() };
    run(&world, absent()).await.expect("copied");
    check(absent(), "If-None-Match").await;
    check(CopyObjectRequest { if_match: other(), ..plain() }, "If-Match").await;
    run(&world, CopyObjectRequest { if_match: etag, ..plain() }).await.expect("copied");
}

#[tokio::test]
async fn what_cannot_be_copied_is_refused() {
    let world = world().await;
    world.put(BUCKET, "k", b"x").await;
    let check = async |input: CopyObjectRequest, expected: &str| {
        assert_eq!(code(run(&world, input).await), expected);
    };
    check(copying("bucket/none", "c"), "NoSuchKey").await;
    check(copying("nobucket/k", "c"), "NoSuchBucket").await;
    check(copying("bucket", "c"), "InvalidArgument").await;
    check(copying("bucket/k?versionId=x", "c"), "InvalidArgument").await;
    let plain = || copying("bucket/k", "c");
    check(CopyObjectRequest { metadata_directive: text("KEEP"), ..plain() }, "InvalidArgument")
        .await;
    check(CopyObjectRequest { tagging_directive: text("KEEP"), ..plain() }, "InvalidArgument")
        .await;
    let stranger = text("999999999999");
    let source = CopyObjectRequest { expected_source_bucket_owner: stranger, ..plain() };
    check(source, "AccessDenied").await;
    let cold = CopyObjectRequest { storage_class: text("GLACIER"), ..plain() };
    run(&world, cold).await.expect("archived");
    check(copying("bucket/c", "d"), "InvalidObjectState").await;
    let archived =
        GetObjectRequest { bucket: BUCKET.into(), key: "c".into(), ..Default::default() };
    assert_eq!(code(ask(&world, archived).await), "InvalidObjectState");
}
