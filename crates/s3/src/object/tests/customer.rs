//! SSE-C through the operations.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{BUCKET, ask, asking, text, world};
use crate::checksum;
use crate::model::{CopyObjectRequest, GetObjectRequest, PutObjectRequest};
use crate::object::{copy, put};
use crate::testing::{body, code, read};

fn headers(key: u8) -> (Option<String>, Option<String>, Option<String>) {
    let key = [key; 32];
    (text("AES256"), Some(STANDARD.encode(key)), Some(STANDARD.encode(checksum::md5(&key))))
}

fn with_key(key: u8) -> GetObjectRequest {
    let (sse_customer_algorithm, sse_customer_key, sse_customer_key_md5) = headers(key);
    GetObjectRequest {
        sse_customer_algorithm,
        sse_customer_key,
        sse_customer_key_md5,
        ..asking("k")
    }
}

#[tokio::test]
async fn only_the_customer_reads_what_he_sealed() {
    let world = world().await;
    let (sse_customer_algorithm, sse_customer_key, sse_customer_key_md5) = headers(1);
    let input = PutObjectRequest {
        bucket: BUCKET.into(),
        key: "k".into(),
        body: Some(body(b"secret")),
        sse_customer_algorithm,
        sse_customer_key,
        sse_customer_key_md5: sse_customer_key_md5.clone(),
        ..Default::default()
    };
    let mixed = PutObjectRequest { server_side_encryption: text("AES256"), ..input.clone() };
    assert_eq!(code(put::put(&world.s3, &world.owner(), mixed).await), "InvalidArgument");
    let output = put::put(&world.s3, &world.owner(), input).await.expect("put");
    assert_eq!(output.server_side_encryption, None);
    assert_eq!(output.sse_customer_key_md5, sse_customer_key_md5);

    let got = ask(&world, with_key(1)).await.expect("got");
    assert_eq!(got.sse_customer_algorithm.as_deref(), Some("AES256"));
    assert_eq!(read(got.body.expect("a body")).await.expect("read"), b"secret");
    assert_eq!(code(ask(&world, with_key(2)).await), "AccessDenied");
    assert_eq!(code(ask(&world, asking("k")).await), "InvalidRequest");
    world.put(BUCKET, "open", b"x").await;
    let needless = GetObjectRequest { key: "open".into(), ..with_key(1) };
    assert_eq!(code(ask(&world, needless).await), "InvalidRequest");
}

#[tokio::test]
async fn a_copy_changes_keys() {
    let world = world().await;
    world.put(BUCKET, "open", b"secret").await;
    let (sse_customer_algorithm, sse_customer_key, sse_customer_key_md5) = headers(1);
    let sealing = CopyObjectRequest {
        bucket: BUCKET.into(),
        key: "k".into(),
        copy_source: "bucket/open".into(),
        sse_customer_algorithm,
        sse_customer_key,
        sse_customer_key_md5,
        ..Default::default()
    };
    copy::copy(&world.s3, &world.owner(), sealing).await.expect("copied");
    let got = ask(&world, with_key(1)).await.expect("got");
    assert_eq!(read(got.body.expect("a body")).await.expect("read"), b"secret");

    let opening = CopyObjectRequest {
        bucket: BUCKET.into(),
        key: "again".into(),
        copy_source: "bucket/k".into(),
        ..Default::default()
    };
    let refused = copy::copy(&world.s3, &world.owner(), opening.clone()).await;
    assert_eq!(code(refused), "InvalidRequest");
    let (algorithm, key, md5) = headers(1);
    let opening = CopyObjectRequest {
        copy_source_sse_customer_algorithm: algorithm,
        copy_source_sse_customer_key: key,
        copy_source_sse_customer_key_md5: md5,
        ..opening
    };
    copy::copy(&world.s3, &world.owner(), opening).await.expect("copied");
    assert_eq!(world.get(BUCKET, "again").await.expect("got"), b"secret");
}
