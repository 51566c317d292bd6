//! PutObject.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>

use aws::{Call, Error};
use objects::Change;

use super::described::{Described, check_lock_claim};
use super::intake::{Intake, announced_bytes};
use super::{check_key, shown_version_id};
use crate::S3;
use crate::checksum::{Algorithm, Claim, ClaimedBy, Shows};
use crate::condition::WriteCondition;
use crate::error::EngineFailure;
use crate::keys::CustomerHeaders;
use crate::lifecycle::expiration_of;
use crate::model::{PutObjectOutput, PutObjectRequest};
use crate::row::{Content, Piece};
use crate::version::{self, Addition};

pub async fn put(
    s3: &S3,
    call: &Call,
    mut input: PutObjectRequest,
) -> Result<PutObjectOutput, Error> {
    check_key(&input.key)?;
    if input.write_offset_bytes.is_some() {
        return Err(Error::parameter_not_served("PutObject", "x-amz-write-offset-bytes"));
    }
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let condition =
        WriteCondition::read(input.if_match.as_deref(), input.if_none_match.as_deref())?;
    let body = input.body.take().unwrap_or_default();
    let (room, trailers) = (announced_bytes(body.at_most())?, body.trailers());
    let claim = Claim::read(
        input.claimed(),
        input.content_md5.as_deref(),
        input.checksum_algorithm.as_deref(),
        trailers.names(),
    )?;
    let customer = CustomerHeaders::from(&input).read(call)?;
    let (data_key, sealing) = s3.new_data_key(customer.as_ref()).await?;
    let mut planned = Described::from(&mut input).plan(call, &bucket, sealing)?;
    check_lock_claim(&planned.content, claim.is_some())?;
    // Looked at again when it counts; now, so that nobody sends gigabytes for nothing.
    if condition != WriteCondition::Anyway {
        let current = version::current(s3.engine(), bucket.id, &input.key)?;
        condition.check(&input.key, current.as_ref().map(|found| &*found.version))?;
    }

    let intake = Intake {
        bytes: room,
        may_be_fewer: body.len().is_none(),
        class: &planned.content.class,
        key: data_key.blob_key(PLAIN_SALT),
        algorithm: claim.algorithm.unwrap_or(Algorithm::DEFAULT),
    };
    let taken = intake.take(s3, body.into_chunks()).await?;
    claim.check(&taken.digested, |name| trailers.get(name))?;
    let content = &mut planned.content;
    let bytes = taken.bytes;
    content.bytes = bytes;
    content.etag = s3.etag(&content.sealing, &taken.digested);
    content.checksum = Some(taken.digested.checksum());
    if let Some(blob) = &taken.blob {
        content.pieces =
            vec![Piece { blob: blob.id().0, bytes, number: 1, salt: PLAIN_SALT, checksum: None }];
    }
    let mut output = shown(&planned.content);

    let decide = |change: &mut Change<'_>| {
        let bucket = s3.same_bucket(change, &bucket)?;
        let current = version::current(change, bucket.id, &input.key)?;
        condition.check(&input.key, current.as_ref().map(|found| &*found.version))?;
        if let Some(blob) = taken.blob {
            change.attach(blob);
        }
        let addition =
            Addition { modified: call.at, owner: planned.owner, content: Some(planned.content) };
        let version = version::add(change, &s3.inner.random, &bucket, &input.key, addition)?;
        let expiration = expiration_of(&bucket, s3.inner.day, &input.key, &version);
        Ok::<_, Error>((shown_version_id(&bucket, &version), expiration))
    };
    (output.version_id, output.expiration) =
        s3.engine().commit(decide).await.map_err(EngineFailure::refusal)??;
    Ok(output)
}

/// A plain object has one blob, and a data key of its own.
pub(crate) const PLAIN_SALT: u64 = 0;

fn shown(content: &Content) -> PutObjectOutput {
    let mut output = PutObjectOutput {
        e_tag: Some(format!("\"{}\"", content.etag)),
        server_side_encryption: content.sealing.algorithm_shown(),
        sse_customer_algorithm: content.sealing.customer_algorithm_shown(),
        sse_customer_key_md5: content.sealing.customer_key_md5_shown(),
        ..PutObjectOutput::default()
    };
    if let Some(checksum) = &content.checksum {
        output.show(checksum);
    }
    output
}
