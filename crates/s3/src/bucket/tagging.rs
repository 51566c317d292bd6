//! DeleteBucketTagging and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    DeleteBucketTaggingRequest, GetBucketTaggingOutput, GetBucketTaggingRequest,
    PutBucketTaggingRequest,
};

pub async fn delete(
    _s3: &S3,
    _call: &Call,
    _input: DeleteBucketTaggingRequest,
) -> Result<(), Error> {
    Err(Error::not_served("s3", "DeleteBucketTagging"))
}

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketTaggingRequest,
) -> Result<GetBucketTaggingOutput, Error> {
    Err(Error::not_served("s3", "GetBucketTagging"))
}

pub async fn put(_s3: &S3, _call: &Call, _input: PutBucketTaggingRequest) -> Result<(), Error> {
    Err(Error::not_served("s3", "PutBucketTagging"))
}
