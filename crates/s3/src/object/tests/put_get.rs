use aws::body::Trailers;
use aws::{Body, Error, Timestamp};
use bytes::Bytes;

use super::{BUCKET, ask, asking, text, world};
use crate::model::{
    GetObjectRequest, HeadObjectRequest, Input, MODEL, PutObjectOutput, PutObjectRequest,
};
use crate::object::{get, head, put};
use crate::testing::{World, body, code, read};

fn request(bytes: &[u8]) -> PutObjectRequest {
    PutObjectRequest {
        bucket: BUCKET.into(),
        key: "k".into(),
        body: Some(body(bytes)),
        ..Default::default()
    }
}

async fn put_as(world: &World, input: PutObjectRequest) -> Result<PutObjectOutput, Error> {
    put::put(&world.s3, &world.owner(), input).await
}

#[tokio::test]
async fn what_was_put_is_given_back() {
    let world = world().await;
    let metadata = [("name".to_owned(), "하늘".to_owned())].into();
    let input = PutObjectRequest {
        content_type: Some("text/plain".into()),
        content_encoding: Some("gzip, aws-chunked".into()),
        cache_control: Some("no-cache".into()),
        expires: Some("never".into()),
        metadata: Some(metadata),
        tagging: Some("a=1&b=2".into()),
        storage_class: Some("STANDARD_IA".into()),
        ..request(b"hello")
    };
    let put = put_as(&world, input).await.expect("put");
    assert_eq!(put.e_tag.as_deref(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(put.server_side_encryption.as_deref(), Some("AES256"));
    assert_eq!(put.checksum_type.as_deref(), Some("FULL_OBJECT"));
    assert!(put.checksum_crc64_nvme.is_some() && put.version_id.is_none());

    let got = ask(&world, asking("k")).await.expect("got");
    assert_eq!(got.content_length, Some(5));
    assert_eq!(got.e_tag, put.e_tag);
    assert_eq!(got.content_type.as_deref(), Some("text/plain"));
    assert_eq!(got.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(got.cache_control.as_deref(), Some("no-cache"));
    assert_eq!(got.expires.as_deref(), Some("never"));
    assert_eq!(got.metadata.as_ref().expect("some")["name"], "=?UTF-8?B?7ZWY64qY?=");
    assert_eq!((got.tag_count, got.storage_class.as_deref()), (Some(2), Some("STANDARD_IA")));
    assert_eq!((&got.checksum_crc64_nvme, &got.content_range), (&None, &None));
    assert_eq!(read(got.body.expect("a body")).await.expect("read"), b"hello");

    let checked = GetObjectRequest { checksum_mode: Some("ENABLED".into()), ..asking("k") };
    let checked = ask(&world, checked).await.expect("got");
    assert_eq!(checked.checksum_crc64_nvme, put.checksum_crc64_nvme);

    let asked = HeadObjectRequest { bucket: BUCKET.into(), key: "k".into(), ..Default::default() };
    let head = head::head(&world.s3, &world.owner(), asked).await.expect("head");
    assert_eq!((head.content_length, head.e_tag), (Some(5), put.e_tag));
}

#[tokio::test]
async fn an_empty_object_is_one() {
    let world = world().await;
    world.put(BUCKET, "k", b"").await;
    assert_eq!(world.get(BUCKET, "k").await.expect("got"), b"");
    let ranged = GetObjectRequest { range: Some("bytes=0-".into()), ..asking("k") };
    assert_eq!(code(ask(&world, ranged).await), "InvalidRange");
}

#[tokio::test]
async fn ranges_cut_the_body() {
    let world = world().await;
    let bytes: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
    world.put(BUCKET, "k", &bytes).await;
    let ranged = GetObjectRequest { range: Some("bytes=70001-300000".into()), ..asking("k") };
    let got = ask(&world, ranged).await.expect("got");
    assert_eq!(got.content_range.as_deref(), Some("bytes 70001-300000/800000"));
    assert_eq!(got.content_length, Some(230_000));
    assert_eq!(read(got.body.expect("a body")).await.expect("read"), bytes[70_001..=300_000]);

    let both =
        GetObjectRequest { range: Some("bytes=0-1".into()), part_number: Some(1), ..asking("k") };
    assert_eq!(code(ask(&world, both).await), "InvalidRequest");
    let part = |number| GetObjectRequest { part_number: Some(number), ..asking("k") };
    let first = ask(&world, part(1)).await.expect("got");
    assert_eq!(first.content_range.as_deref(), Some("bytes 0-799999/800000"));
    assert_eq!(first.parts_count, None);
    assert_eq!(code(ask(&world, part(2)).await), "InvalidPartNumber");
    assert_eq!(code(ask(&world, part(0)).await), "InvalidArgument");
}

#[tokio::test]
async fn a_read_has_conditions() {
    let world = world().await;
    let etag = world.put(BUCKET, "k", b"x").await.e_tag;
    let fresh = GetObjectRequest { if_none_match: etag.clone(), ..asking("k") };
    let error = ask(&world, fresh).await.expect_err("not modified");
    assert_eq!(error.status, 304);
    let header = |name| error.headers.iter().find(|(known, _)| *known == name).map(|(_, v)| v);
    assert_eq!(header("etag"), etag.as_ref());
    assert!(header("last-modified").is_some());
    let other = GetObjectRequest { if_match: Some("\"x\"".into()), ..asking("k") };
    let error = ask(&world, other).await.expect_err("another");
    assert_eq!((error.status, error.details[0].1.as_str()), (412, "If-Match"));
    let since = GetObjectRequest { if_modified_since: Some(world.clock.now()), ..asking("k") };
    assert_eq!(ask(&world, since).await.expect_err("old").status, 304);
}

#[tokio::test]
async fn a_signed_request_may_override_headers() {
    let world = world().await;
    world.put(BUCKET, "k", b"x").await;
    let input = GetObjectRequest {
        response_content_type: Some("text/html".into()),
        response_expires: Some(Timestamp::from_secs(0)),
        ..asking("k")
    };
    let got = ask(&world, input.clone()).await.expect("got");
    assert_eq!(got.content_type.as_deref(), Some("text/html"));
    assert_eq!(got.expires.as_deref(), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    let anonymous = get::get(&world.s3, &world.anonymous(), input).await;
    assert_eq!(code(anonymous), "InvalidRequest");
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_nothing_is_put() {
    let world = world().await;
    let check = async |input: PutObjectRequest, expected: &str| {
        assert_eq!(code(put_as(&world, input).await), expected);
        assert_eq!(code(world.get(BUCKET, "k").await), "NoSuchKey");
    };
    let plain = || request(b"hello");
    check(PutObjectRequest { bucket: "none".into(), ..plain() }, "NoSuchBucket").await;
    check(PutObjectRequest { key: "k".repeat(1025), ..plain() }, "KeyTooLongError").await;
    check(PutObjectRequest { content_md5: text("x"), ..plain() }, "InvalidDigest").await;
    let other_md5 = text("1B2M2Y8AsgTpgAmY7PhCfg==");
    check(PutObjectRequest { content_md5: other_md5, ..plain() }, "BadDigest").await;
    check(PutObjectRequest { checksum_crc32: text("AAAAAA=="), ..plain() }, "BadDigest").await;
    check(PutObjectRequest { storage_class: text("COLD"), ..plain() }, "InvalidStorageClass").await;
    check(PutObjectRequest { tagging: text("a=1&a=2"), ..plain() }, "InvalidArgument").await;
    let metadata = Some([("m".to_owned(), "x".repeat(2048))].into());
    check(PutObjectRequest { metadata, ..plain() }, "MetadataTooLarge").await;
    check(PutObjectRequest { if_match: text("x"), ..plain() }, "NoSuchKey").await;
    check(PutObjectRequest { if_none_match: text("x"), ..plain() }, "NotImplemented").await;
    check(PutObjectRequest { write_offset_bytes: Some(5), ..plain() }, "UnsupportedOperation")
        .await;
    let kms = PutObjectRequest { server_side_encryption: text("aws:kms"), ..plain() };
    check(kms, "UnsupportedOperation").await;
    let rot13 = PutObjectRequest { server_side_encryption: text("rot13"), ..plain() };
    check(rot13, "InvalidArgument").await;
    let locked = PutObjectRequest { object_lock_legal_hold_status: text("ON"), ..plain() };
    check(locked, "InvalidRequest").await;
    let redirect = PutObjectRequest { website_redirect_location: text("x"), ..plain() };
    check(redirect, "InvalidRedirectLocation").await;
    let owner = PutObjectRequest { expected_bucket_owner: text("999999999999"), ..plain() };
    check(owner, "AccessDenied").await;
    let endless = Body::stream(Box::pin(futures_util::stream::empty()), None);
    check(PutObjectRequest { body: Some(endless), ..plain() }, "MissingContentLength").await;
    let short = Body::stream(Box::pin(futures_util::stream::empty()), Some(5));
    check(PutObjectRequest { body: Some(short), ..plain() }, "IncompleteBody").await;
    let huge = Body::stream(Box::pin(futures_util::stream::empty()), Some((5 << 30) + 1));
    check(PutObjectRequest { body: Some(huge), ..plain() }, "EntityTooLarge").await;
    let broken = || {
        futures_util::stream::iter([
            Ok(Bytes::from_static(b"hel")),
            Err(Error::client(400, "RequestTimeout", "slow")),
        ])
    };
    let broken = Body::stream(Box::pin(broken()), Some(5));
    check(PutObjectRequest { body: Some(broken), ..plain() }, "RequestTimeout").await;
}

#[tokio::test]
async fn a_checksum_may_follow_the_body() {
    let world = world().await;
    let sent = |value: &str| {
        let trailers = Trailers::announced(vec!["x-amz-checksum-crc32".into()]);
        trailers.receive(vec![("x-amz-checksum-crc32".into(), value.into())]);
        let bytes = futures_util::stream::iter([Ok(Bytes::from_static(b"123456789"))]);
        let body = Body::stream_with_trailers(Box::pin(bytes), Some(9), trailers);
        PutObjectRequest { body: Some(body), ..request(b"") }
    };
    assert_eq!(code(put_as(&world, sent("AAAAAA==")).await), "BadDigest");
    let put = put_as(&world, sent("y/Q5Jg==")).await.expect("put");
    assert_eq!(put.checksum_crc32.as_deref(), Some("y/Q5Jg=="));
    assert_eq!(put.checksum_crc64_nvme, None);
}

/// Headers are bytes: what is not UTF-8 must not get lost on the way in.
#[test]
fn metadata_arrives_whole() {
    let latin = http::HeaderValue::from_bytes(b"caf\xe9").expect("a value");
    let request = http::Request::put("http://localhost/bucket/k")
        .header("x-amz-meta-twice", "1")
        .header("x-amz-meta-twice", "2")
        .header("x-amz-meta-latin", latin)
        .header("x-amz-meta-utf8", "하늘");
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    let found = aws::protocol::Request::find(&MODEL, &parts, Bytes::new()).expect("PutObject");
    let input: Input = found.input().expect("read").take().expect("S3's");
    let Input::PutObject(input) = input else { panic!("another operation") };
    let metadata = input.metadata.expect("some");
    let expected = [("latin", "café"), ("twice", "1,2"), ("utf8", "하늘")];
    assert!(metadata.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected));
}
