//! GetObjectLegalHold and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    GetObjectLegalHoldOutput, GetObjectLegalHoldRequest, PutObjectLegalHoldOutput,
    PutObjectLegalHoldRequest,
};

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetObjectLegalHoldRequest,
) -> Result<GetObjectLegalHoldOutput, Error> {
    Err(Error::not_served("s3", "GetObjectLegalHold"))
}

pub async fn put(
    _s3: &S3,
    _call: &Call,
    _input: PutObjectLegalHoldRequest,
) -> Result<PutObjectLegalHoldOutput, Error> {
    Err(Error::not_served("s3", "PutObjectLegalHold"))
}
