//! DeleteBucketEncryption and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    DeleteBucketEncryptionRequest, GetBucketEncryptionOutput, GetBucketEncryptionRequest,
    PutBucketEncryptionRequest,
};

pub async fn delete(
    _s3: &S3,
    _call: &Call,
    _input: DeleteBucketEncryptionRequest,
) -> Result<(), Error> {
    Err(Error::not_served("s3", "DeleteBucketEncryption"))
}

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketEncryptionRequest,
) -> Result<GetBucketEncryptionOutput, Error> {
    Err(Error::not_served("s3", "GetBucketEncryption"))
}

pub async fn put(_s3: &S3, _call: &Call, _input: PutBucketEncryptionRequest) -> Result<(), Error> {
    Err(Error::not_served("s3", "PutBucketEncryption"))
}
