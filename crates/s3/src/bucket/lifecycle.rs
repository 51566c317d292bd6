//! DeleteBucketLifecycle and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    DeleteBucketLifecycleRequest, GetBucketLifecycleConfigurationOutput,
    GetBucketLifecycleConfigurationRequest, PutBucketLifecycleConfigurationOutput,
    PutBucketLifecycleConfigurationRequest,
};

pub async fn delete(
    _s3: &S3,
    _call: &Call,
    _input: DeleteBucketLifecycleRequest,
) -> Result<(), Error> {
    Err(Error::not_served("s3", "DeleteBucketLifecycle"))
}

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketLifecycleConfigurationRequest,
) -> Result<GetBucketLifecycleConfigurationOutput, Error> {
    Err(Error::not_served("s3", "GetBucketLifecycleConfiguration"))
}

pub async fn put(
    _s3: &S3,
    _call: &Call,
    _input: PutBucketLifecycleConfigurationRequest,
) -> Result<PutBucketLifecycleConfigurationOutput, Error> {
    Err(Error::not_served("s3", "PutBucketLifecycleConfiguration"))
}
