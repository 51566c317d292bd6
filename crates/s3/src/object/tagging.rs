//! DeleteObjectTagging and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    DeleteObjectTaggingOutput, DeleteObjectTaggingRequest, GetObjectTaggingOutput,
    GetObjectTaggingRequest, PutObjectTaggingOutput, PutObjectTaggingRequest,
};

pub async fn delete(
    _s3: &S3,
    _call: &Call,
    _input: DeleteObjectTaggingRequest,
) -> Result<DeleteObjectTaggingOutput, Error> {
    Err(Error::not_served("s3", "DeleteObjectTagging"))
}

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetObjectTaggingRequest,
) -> Result<GetObjectTaggingOutput, Error> {
    Err(Error::not_served("s3", "GetObjectTagging"))
}

pub async fn put(
    _s3: &S3,
    _call: &Call,
    _input: PutObjectTaggingRequest,
) -> Result<PutObjectTaggingOutput, Error> {
    Err(Error::not_served("s3", "PutObjectTagging"))
}
