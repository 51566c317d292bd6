//! Uploads from beginning to end.

use aws::Error;

use super::{abort, complete, create, list_parts, part, part_copy};
use crate::checksum::{Algorithm, Digests};
use crate::model::{
    AbortMultipartUploadRequest, CompleteMultipartUploadOutput, CompleteMultipartUploadRequest,
    CompletedMultipartUpload, CompletedPart, CreateMultipartUploadRequest, ListPartsRequest,
    UploadPartCopyRequest, UploadPartRequest,
};
use crate::testing::{World, body};

const MIB: usize = 1 << 20;

struct Upload<'a> {
    world: &'a World,
    id: String,
    /// Which its parts are sent with.
    algorithm: Option<Algorithm>,
}

impl<'a> Upload<'a> {
    async fn begin(world: &'a World, algorithm: Option<&str>, kind: Option<&str>) -> Self {
        let input = CreateMultipartUploadRequest {
            bucket: "bucket".into(),
            key: "key".into(),
            checksum_algorithm: algorithm.map(str::to_owned),
            checksum_type: kind.map(str::to_owned),
            ..Default::default()
        };
        let made = create::create(&world.s3, &world.owner(), input).await.expect("an upload");
        let algorithm = algorithm.and_then(Algorithm::parse);
        Self { world, id: made.upload_id.expect("an id"), algorithm }
    }

    async fn part(&self, number: i32, bytes: &[u8]) -> CompletedPart {
        self.part_with(self.algorithm, number, bytes).await.expect("a part")
    }

    async fn part_with(
        &self,
        algorithm: Option<Algorithm>,
        number: i32,
        bytes: &[u8],
    ) -> Result<CompletedPart, Error> {
        let value = |wanted| {
            (algorithm == Some(wanted)).then(|| {
                let mut digests = Digests::new(wanted);
                digests.update(bytes);
                digests.finish().value
            })
        };
        let input = UploadPartRequest {
            bucket: "bucket".into(),
            key: "key".into(),
            upload_id: self.id.clone(),
            part_number: number,
            body: Some(body(bytes)),
            checksum_crc32: value(Algorithm::Crc32),
            checksum_sha256: value(Algorithm::Sha256),
            checksum_crc64_nvme: value(Algorithm::Crc64Nvme),
            ..Default::default()
        };
        let put = part::put(&self.world.s3, &self.world.owner(), input).await?;
        Ok(CompletedPart {
            part_number: Some(number),
            e_tag: put.e_tag,
            checksum_crc32: put.checksum_crc32,
            checksum_sha256: put.checksum_sha256,
            checksum_crc64_nvme: put.checksum_crc64_nvme,
            ..Default::default()
        })
    }

    async fn complete(
        &self,
        parts: &[CompletedPart],
    ) -> Result<CompleteMultipartUploadOutput, Error> {
        self.complete_with(parts, |_| {}).await
    }

    async fn complete_with(
        &self,
        parts: &[CompletedPart],
        more: impl FnOnce(&mut CompleteMultipartUploadRequest),
    ) -> Result<CompleteMultipartUploadOutput, Error> {
        let mut input = CompleteMultipartUploadRequest {
            bucket: "bucket".into(),
            key: "key".into(),
            upload_id: self.id.clone(),
            multipart_upload: Some(CompletedMultipartUpload { parts: Some(parts.to_vec()) }),
            ..Default::default()
        };
        more(&mut input);
        complete::complete(&self.world.s3, &self.world.owner(), input).await
    }

    async fn parts(&self, max: Option<i32>, after: Option<i32>) -> Result<(Vec<i32>, bool), Error> {
        let input = ListPartsRequest {
            bucket: "bucket".into(),
            key: "key".into(),
            upload_id: self.id.clone(),
            max_parts: max,
            part_number_marker: after,
            ..Default::default()
        };
        let listed = list_parts::list(&self.world.s3, &self.world.owner(), input).await?;
        let numbers = listed.parts.into_iter().flatten().filter_map(|part| part.part_number);
        Ok((numbers.collect(), listed.is_truncated == Some(true)))
    }
}

fn code<T>(result: Result<T, Error>) -> String {
    result.err().map_or_else(String::new, |error| error.code.into_owned())
}

async fn world() -> World {
    let world = World::new();
    world.bucket("bucket").await;
    world
}

#[tokio::test]
async fn parts_in_any_order_become_one_object_in_theirs() {
    let world = world().await;
    let upload = Upload::begin(&world, None, None).await;
    let (one, two) = (vec![1; 5 * MIB], b"the end".to_vec());
    let last = upload.part(7, &two).await;
    upload.part(2, b"replaced").await;
    let first = upload.part(2, &one).await;
    upload.part(5, b"not chosen").await;
    assert_eq!(upload.parts(Some(2), None).await.expect("listed"), (vec![2, 5], true));
    assert_eq!(upload.parts(None, Some(5)).await.expect("listed"), (vec![7], false));
    assert_eq!(code(world.get("bucket", "key").await), "NoSuchKey");

    let parts = [first, last];
    let done = upload.complete(&parts).await.expect("complete");
    assert!(done.e_tag.as_deref().is_some_and(|etag| etag.ends_with("-2\"")));
    assert!(done.checksum_crc64_nvme.is_some());
    assert_eq!(world.get("bucket", "key").await.expect("the object"), [one, two].concat());
    assert_eq!(code(upload.parts(None, None).await), "NoSuchUpload");
    let again = upload.complete(&parts).await.expect("an answer that was lost is given again");
    assert_eq!(again.e_tag, done.e_tag);
    world.put("bucket", "key", b"newer").await;
    assert_eq!(code(upload.complete(&parts).await), "NoSuchUpload");
    assert_eq!(world.get("bucket", "key").await.expect("the newer"), b"newer");
}

#[tokio::test]
async fn what_does_not_fit_changes_nothing() {
    let world = world().await;
    let upload = Upload::begin(&world, None, None).await;
    let one = upload.part(1, b"small").await;
    let two = upload.part(2, b"small too").await;
    let wrong = CompletedPart { e_tag: two.e_tag.clone(), ..one.clone() };
    let absent = CompletedPart { part_number: Some(3), ..two.clone() };
    let check = async |parts: &[CompletedPart], expected| {
        assert_eq!(code(upload.complete(parts).await), expected);
    };
    check(&[], "MalformedXML").await;
    check(&[two.clone(), one.clone()], "InvalidPartOrder").await;
    check(&[one.clone(), one.clone()], "InvalidPartOrder").await;
    check(&[wrong], "InvalidPart").await;
    check(&[one.clone(), absent], "InvalidPart").await;
    check(&[one.clone(), two.clone()], "EntityTooSmall").await;
    let sized = upload.complete_with(std::slice::from_ref(&one), |input| {
        input.mpu_object_size = Some(4);
    });
    assert_eq!(code(sized.await), "InvalidRequest");
    let matching = upload.complete_with(std::slice::from_ref(&one), |input| {
        input.if_match = Some("*".into());
    });
    assert_eq!(code(matching.await), "NoSuchKey");
    assert_eq!(upload.parts(None, None).await.expect("still underway").0, [1, 2]);
    world.put("bucket", "key", b"there").await;
    let absent = upload.complete_with(std::slice::from_ref(&one), |input| {
        input.if_none_match = Some("*".into());
    });
    assert_eq!(code(absent.await), "PreconditionFailed");
    upload.complete(&[one]).await.expect("complete");
}

#[tokio::test]
async fn checksums_of_parts_become_the_objects() {
    let world = world().await;
    for (algorithm, kind, composite) in [
        ("CRC32", None, true),
        ("CRC32", Some("FULL_OBJECT"), false),
        ("SHA256", None, true),
        ("CRC64NVME", None, false),
    ] {
        let upload = Upload::begin(&world, Some(algorithm), kind).await;
        let bare = upload.part_with(None, 1, b"without").await.err().map(|error| error.message);
        let expected = composite.then(|| {
            let expected = algorithm.to_lowercase();
            format!("Checksum Type mismatch occurred, expected checksum Type: {expected}, actual checksum Type: null")
        });
        assert_eq!(bare.as_deref(), expected.as_deref());
        let one = upload.part(1, &vec![7; 5 * MIB]).await;
        let two = upload.part(2, b"rest").await;
        if composite {
            let bare = CompletedPart { checksum_crc32: None, checksum_sha256: None, ..one.clone() };
            assert_eq!(code(upload.complete(&[bare, two.clone()]).await), "InvalidRequest");
        }
        let done = upload.complete(&[one, two]).await.expect("complete");
        let value = match algorithm {
            "CRC32" => done.checksum_crc32,
            "SHA256" => done.checksum_sha256,
            _ => done.checksum_crc64_nvme,
        };
        assert_eq!(value.is_some_and(|value| value.ends_with("-2")), composite);
    }
    let refused = CreateMultipartUploadRequest {
        bucket: "bucket".into(),
        key: "key".into(),
        checksum_algorithm: Some("SHA1".into()),
        checksum_type: Some("FULL_OBJECT".into()),
        ..Default::default()
    };
    assert_eq!(code(create::create(&world.s3, &world.owner(), refused).await), "InvalidRequest");
}

#[tokio::test]
async fn an_aborted_upload_is_gone() {
    let world = world().await;
    let upload = Upload::begin(&world, None, None).await;
    let one = upload.part(1, b"bytes").await;
    let input = AbortMultipartUploadRequest {
        bucket: "bucket".into(),
        key: "key".into(),
        upload_id: upload.id.clone(),
        ..Default::default()
    };
    abort::abort(&world.s3, &world.owner(), input.clone()).await.expect("aborted");
    assert_eq!(code(abort::abort(&world.s3, &world.owner(), input).await), "NoSuchUpload");
    assert_eq!(code(upload.complete(&[one]).await), "NoSuchUpload");
}

#[tokio::test]
async fn a_part_is_copied_from_an_object() {
    let world = world().await;
    world.put("bucket", "source", b"0123456789").await;
    let upload = Upload::begin(&world, None, None).await;
    let input = |range: Option<&str>| UploadPartCopyRequest {
        bucket: "bucket".into(),
        key: "key".into(),
        upload_id: upload.id.clone(),
        part_number: 1,
        copy_source: "bucket/source".into(),
        copy_source_range: range.map(str::to_owned),
        ..Default::default()
    };
    let call = world.owner();
    let beyond = part_copy::copy(&world.s3, &call, input(Some("bytes=0-10"))).await;
    assert_eq!(code(beyond), "InvalidArgument");
    let copied = part_copy::copy(&world.s3, &call, input(Some("bytes=2-4"))).await;
    let e_tag = copied.expect("copied").copy_part_result.expect("a result").e_tag;
    let part = CompletedPart { part_number: Some(1), e_tag, ..Default::default() };
    upload.complete(&[part]).await.expect("complete");
    assert_eq!(world.get("bucket", "key").await.expect("the object"), b"234");
}
