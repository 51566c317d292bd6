//! GetObjectRetention, PutObjectRetention.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html>

use aws::{Call, Error, Timestamp};

use super::change::Changed;
use super::lock::{self, Bypass};
use super::read::Asked;
use crate::S3;
use crate::error::malformed_xml;
use crate::model::{
    GetObjectRetentionOutput, GetObjectRetentionRequest, ObjectLockRetention,
    PutObjectRetentionOutput, PutObjectRetentionRequest,
};
use crate::row::Retention;

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetObjectRetentionRequest,
) -> Result<GetObjectRetentionOutput, Error> {
    let readable = s3.readable(Asked {
        bucket: &input.bucket,
        expected_owner: input.expected_bucket_owner.as_deref(),
        key: &input.key,
        version_id: input.version_id.as_deref(),
        method: "GET",
    })?;
    lock::check_bucket(&readable.bucket)?;
    let retention = readable.content().retention.clone().ok_or_else(lock::no_such_configuration)?;
    Ok(GetObjectRetentionOutput {
        retention: Some(ObjectLockRetention {
            mode: Some(retention.mode),
            retain_until_date: Some(retention.until),
        }),
    })
}

pub async fn put(
    s3: &S3,
    call: &Call,
    input: PutObjectRetentionRequest,
) -> Result<PutObjectRetentionOutput, Error> {
    let wanted = read(input.retention.unwrap_or_default(), call.at)?;
    let bypass = Bypass::read(input.bypass_governance_retention);
    let changed = Changed {
        bucket: &input.bucket,
        expected_owner: input.expected_bucket_owner.as_deref(),
        key: &input.key,
        version_id: input.version_id.as_deref(),
        method: "PUT",
    };
    let change = changed.with(s3, |bucket, content| {
        lock::check_bucket(bucket)?;
        lock::check_retention_change(content.retention.as_ref(), wanted.as_ref(), bypass, call.at)?;
        content.retention = wanted;
        Ok(())
    });
    change.await?;
    Ok(PutObjectRetentionOutput { request_charged: None })
}

/// An empty document ends the retention.
fn read(given: ObjectLockRetention, now: Timestamp) -> Result<Option<Retention>, Error> {
    match (given.mode, given.retain_until_date) {
        (None, None) => Ok(None),
        (Some(mode), Some(until)) if [lock::GOVERNANCE, lock::COMPLIANCE].contains(&&*mode) => {
            lock::read_retention(&mode, until, now).map(Some)
        }
        _ => Err(malformed_xml()),
    }
}
