//! Replication, which haneul does not have: there is never a configuration to read or delete.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html>

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    DeleteBucketReplicationRequest, GetBucketReplicationOutput, GetBucketReplicationRequest,
};

/// AWS too says nothing when there was none.
pub async fn delete(
    s3: &S3,
    _call: &Call,
    input: DeleteBucketReplicationRequest,
) -> Result<(), Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())
}

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetBucketReplicationRequest,
) -> Result<GetBucketReplicationOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let why = "The replication configuration was not found";
    Err(Error::client(404, "ReplicationConfigurationNotFoundError", why)
        .with_detail("BucketName", &input.bucket))
}
