//! GetBucketLogging and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{GetBucketLoggingOutput, GetBucketLoggingRequest, PutBucketLoggingRequest};

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketLoggingRequest,
) -> Result<GetBucketLoggingOutput, Error> {
    Err(Error::not_served("s3", "GetBucketLogging"))
}

pub async fn put(_s3: &S3, _call: &Call, _input: PutBucketLoggingRequest) -> Result<(), Error> {
    Err(Error::not_served("s3", "PutBucketLogging"))
}
