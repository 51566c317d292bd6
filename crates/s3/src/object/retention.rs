//! GetObjectRetention and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    GetObjectRetentionOutput, GetObjectRetentionRequest, PutObjectRetentionOutput,
    PutObjectRetentionRequest,
};

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetObjectRetentionRequest,
) -> Result<GetObjectRetentionOutput, Error> {
    Err(Error::not_served("s3", "GetObjectRetention"))
}

pub async fn put(
    _s3: &S3,
    _call: &Call,
    _input: PutObjectRetentionRequest,
) -> Result<PutObjectRetentionOutput, Error> {
    Err(Error::not_served("s3", "PutObjectRetention"))
}
