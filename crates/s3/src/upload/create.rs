//! CreateMultipartUpload: what the object will be, before its bytes come.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html>

use aws::{Call, Error};
use objects::Change;

use crate::S3;
use crate::checksum::Algorithm;
use crate::error::{EngineFailure, invalid_request};
use crate::keys::CustomerHeaders;
use crate::lifecycle::abort_of;
use crate::model::{CreateMultipartUploadOutput, CreateMultipartUploadRequest};
use crate::object::check_key;
use crate::object::described::Described;
use crate::row::{self, ChecksumKind, Codec, Upload, UploadId};

pub async fn create(
    s3: &S3,
    call: &Call,
    mut input: CreateMultipartUploadRequest,
) -> Result<CreateMultipartUploadOutput, Error> {
    check_key(&input.key)?;
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let (algorithm, kind) =
        summed(input.checksum_algorithm.as_deref(), input.checksum_type.as_deref())?;
    let customer = CustomerHeaders::from(&input).read(call)?;
    let (_, sealing) = s3.new_data_key(customer.as_ref()).await?;
    let planned = Described::from(&mut input).plan(call, &bucket, sealing)?;
    let account = call.identity.account.clone().unwrap_or_else(|| bucket.account.clone());
    let initiator = call.identity.arn().unwrap_or_default();

    let decide = |change: &mut Change<'_>| {
        let bucket = s3.same_bucket(change, &bucket)?;
        let stamp = change.stamp();
        let upload = Upload {
            id: UploadId::new(stamp, &s3.inner.random),
            stamp,
            key: input.key.clone(),
            initiated: call.at,
            account,
            initiator,
            owner: planned.owner,
            content: planned.content,
            checksum_algorithm: algorithm.map(|algorithm| algorithm.name().to_owned()),
            checksum_kind: kind,
        };
        change.set(row::upload_key(bucket.id, &input.key, stamp), upload.encode());
        Ok::<_, Error>(upload)
    };
    let upload = s3.engine().commit(decide).await.map_err(EngineFailure::refusal)??;
    let abort = abort_of(&bucket, s3.inner.day, &input.key, upload.initiated);
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(upload.id.0),
        server_side_encryption: upload.content.sealing.algorithm_shown(),
        sse_customer_algorithm: upload.content.sealing.customer_algorithm_shown(),
        sse_customer_key_md5: upload.content.sealing.customer_key_md5_shown(),
        checksum_algorithm: upload.checksum_algorithm,
        checksum_type: kind.map(|kind| kind.name().to_owned()),
        abort_date: abort.as_ref().map(|(date, _)| *date),
        abort_rule_id: abort.map(|(_, rule)| rule),
        ..CreateMultipartUploadOutput::default()
    })
}

/// Which checksum the parts will have, and how the object's is made of theirs.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>
fn summed(
    algorithm: Option<&str>,
    kind: Option<&str>,
) -> Result<(Option<Algorithm>, Option<ChecksumKind>), Error> {
    let Some(name) = algorithm else {
        return match kind {
            Some(_) => Err(invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
            // As for a plain PUT, the object gets a checksum that the client did not ask for.
            None => Ok((None, None)),
        };
    };
    let algorithm = Algorithm::parse(name).ok_or_else(|| {
        Error::parameter_not_served(
            "CreateMultipartUpload",
            &format!("x-amz-checksum-algorithm: {name}"),
        )
    })?;
    let refused = |kind: &str| {
        invalid_request(format!(
            "The {kind} checksum type cannot be used with the {} checksum algorithm.",
            algorithm.name().to_lowercase()
        ))
    };
    let kind = match kind {
        None if algorithm == Algorithm::Crc64Nvme => ChecksumKind::FullObject,
        None => ChecksumKind::Composite,
        Some("FULL_OBJECT") if algorithm.is_crc() => ChecksumKind::FullObject,
        Some("COMPOSITE") if algorithm != Algorithm::Crc64Nvme => ChecksumKind::Composite,
        Some(kind) => return Err(refused(kind)),
    };
    Ok((Some(algorithm), Some(kind)))
}
