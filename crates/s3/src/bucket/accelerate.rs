//! GetBucketAccelerateConfiguration and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    GetBucketAccelerateConfigurationOutput, GetBucketAccelerateConfigurationRequest,
    PutBucketAccelerateConfigurationRequest,
};

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketAccelerateConfigurationRequest,
) -> Result<GetBucketAccelerateConfigurationOutput, Error> {
    Err(Error::not_served("s3", "GetBucketAccelerateConfiguration"))
}

pub async fn put(
    _s3: &S3,
    _call: &Call,
    _input: PutBucketAccelerateConfigurationRequest,
) -> Result<(), Error> {
    Err(Error::not_served("s3", "PutBucketAccelerateConfiguration"))
}
