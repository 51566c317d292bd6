//! DeleteBucketPolicy and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    DeleteBucketPolicyRequest, GetBucketPolicyOutput, GetBucketPolicyRequest,
    GetBucketPolicyStatusOutput, GetBucketPolicyStatusRequest, PutBucketPolicyRequest,
};

pub async fn delete(
    _s3: &S3,
    _call: &Call,
    _input: DeleteBucketPolicyRequest,
) -> Result<(), Error> {
    Err(Error::not_served("s3", "DeleteBucketPolicy"))
}

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketPolicyRequest,
) -> Result<GetBucketPolicyOutput, Error> {
    Err(Error::not_served("s3", "GetBucketPolicy"))
}

pub async fn get_status(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketPolicyStatusRequest,
) -> Result<GetBucketPolicyStatusOutput, Error> {
    Err(Error::not_served("s3", "GetBucketPolicyStatus"))
}

pub async fn put(_s3: &S3, _call: &Call, _input: PutBucketPolicyRequest) -> Result<(), Error> {
    Err(Error::not_served("s3", "PutBucketPolicy"))
}
