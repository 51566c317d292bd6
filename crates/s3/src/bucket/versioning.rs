//! GetBucketVersioning and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    GetBucketVersioningOutput, GetBucketVersioningRequest, PutBucketVersioningRequest,
};

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketVersioningRequest,
) -> Result<GetBucketVersioningOutput, Error> {
    Err(Error::not_served("s3", "GetBucketVersioning"))
}

pub async fn put(_s3: &S3, _call: &Call, _input: PutBucketVersioningRequest) -> Result<(), Error> {
    Err(Error::not_served("s3", "PutBucketVersioning"))
}
