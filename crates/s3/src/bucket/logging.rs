//! Access logs, which haneul does not deliver yet: they can be switched off only.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html>

use aws::{Call, Error};

use crate::S3;
use crate::model::{GetBucketLoggingOutput, GetBucketLoggingRequest, PutBucketLoggingRequest};

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetBucketLoggingRequest,
) -> Result<GetBucketLoggingOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    Ok(GetBucketLoggingOutput::default())
}

pub async fn put(s3: &S3, _call: &Call, input: PutBucketLoggingRequest) -> Result<(), Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    match input.bucket_logging_status.logging_enabled {
        None => Ok(()),
        Some(_) => Err(Error::parameter_not_served("PutBucketLogging", "LoggingEnabled")),
    }
}
