//! GetObjectLockConfiguration and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    GetObjectLockConfigurationOutput, GetObjectLockConfigurationRequest,
    PutObjectLockConfigurationOutput, PutObjectLockConfigurationRequest,
};

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetObjectLockConfigurationRequest,
) -> Result<GetObjectLockConfigurationOutput, Error> {
    Err(Error::not_served("s3", "GetObjectLockConfiguration"))
}

pub async fn put(
    _s3: &S3,
    _call: &Call,
    _input: PutObjectLockConfigurationRequest,
) -> Result<PutObjectLockConfigurationOutput, Error> {
    Err(Error::not_served("s3", "PutObjectLockConfiguration"))
}
