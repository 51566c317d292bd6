//! DeleteBucketOwnershipControls and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    DeleteBucketOwnershipControlsRequest, GetBucketOwnershipControlsOutput,
    GetBucketOwnershipControlsRequest, PutBucketOwnershipControlsRequest,
};

pub async fn delete(
    _s3: &S3,
    _call: &Call,
    _input: DeleteBucketOwnershipControlsRequest,
) -> Result<(), Error> {
    Err(Error::not_served("s3", "DeleteBucketOwnershipControls"))
}

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketOwnershipControlsRequest,
) -> Result<GetBucketOwnershipControlsOutput, Error> {
    Err(Error::not_served("s3", "GetBucketOwnershipControls"))
}

pub async fn put(
    _s3: &S3,
    _call: &Call,
    _input: PutBucketOwnershipControlsRequest,
) -> Result<(), Error> {
    Err(Error::not_served("s3", "PutBucketOwnershipControls"))
}
