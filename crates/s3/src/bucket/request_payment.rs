//! GetBucketRequestPayment and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    GetBucketRequestPaymentOutput, GetBucketRequestPaymentRequest, PutBucketRequestPaymentRequest,
};

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketRequestPaymentRequest,
) -> Result<GetBucketRequestPaymentOutput, Error> {
    Err(Error::not_served("s3", "GetBucketRequestPayment"))
}

pub async fn put(
    _s3: &S3,
    _call: &Call,
    _input: PutBucketRequestPaymentRequest,
) -> Result<(), Error> {
    Err(Error::not_served("s3", "PutBucketRequestPayment"))
}
