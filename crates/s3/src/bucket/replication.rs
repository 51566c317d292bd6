//! DeleteBucketReplication and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    DeleteBucketReplicationRequest, GetBucketReplicationOutput, GetBucketReplicationRequest,
};

pub async fn delete(
    _s3: &S3,
    _call: &Call,
    _input: DeleteBucketReplicationRequest,
) -> Result<(), Error> {
    Err(Error::not_served("s3", "DeleteBucketReplication"))
}

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketReplicationRequest,
) -> Result<GetBucketReplicationOutput, Error> {
    Err(Error::not_served("s3", "GetBucketReplication"))
}
