//! GetObjectLegalHold, PutObjectLegalHold.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html>

use aws::{Call, Error};

use super::change::Changed;
use super::lock;
use super::read::Asked;
use crate::S3;
use crate::error::malformed_xml;
use crate::model::{
    GetObjectLegalHoldOutput, GetObjectLegalHoldRequest, ObjectLockLegalHold,
    PutObjectLegalHoldOutput, PutObjectLegalHoldRequest,
};

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetObjectLegalHoldRequest,
) -> Result<GetObjectLegalHoldOutput, Error> {
    let readable = s3.readable(Asked {
        bucket: &input.bucket,
        expected_owner: input.expected_bucket_owner.as_deref(),
        key: &input.key,
        version_id: input.version_id.as_deref(),
        method: "GET",
    })?;
    lock::check_bucket(&readable.bucket)?;
    let hold = readable.content().legal_hold.ok_or_else(lock::no_such_configuration)?;
    let status = Some(lock::legal_hold_name(hold));
    Ok(GetObjectLegalHoldOutput { legal_hold: Some(ObjectLockLegalHold { status }) })
}

pub async fn put(
    s3: &S3,
    _call: &Call,
    input: PutObjectLegalHoldRequest,
) -> Result<PutObjectLegalHoldOutput, Error> {
    let status = input.legal_hold.and_then(|hold| hold.status).ok_or_else(malformed_xml)?;
    let hold = lock::read_legal_hold(&status).map_err(|_| malformed_xml())?;
    let changed = Changed {
        bucket: &input.bucket,
        expected_owner: input.expected_bucket_owner.as_deref(),
        key: &input.key,
        version_id: input.version_id.as_deref(),
        method: "PUT",
    };
    let change = changed.with(s3, |bucket, content| {
        lock::check_bucket(bucket)?;
        content.legal_hold = Some(hold);
        Ok(())
    });
    change.await?;
    Ok(PutObjectLegalHoldOutput { request_charged: None })
}
