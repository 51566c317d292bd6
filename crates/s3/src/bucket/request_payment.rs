//! Who pays for requests: always the bucket's owner, who pays nothing.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html>

use aws::{Call, Error};

use crate::S3;
use crate::error::malformed_xml;
use crate::model::{
    GetBucketRequestPaymentOutput, GetBucketRequestPaymentRequest, PutBucketRequestPaymentRequest,
};

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetBucketRequestPaymentRequest,
) -> Result<GetBucketRequestPaymentOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    Ok(GetBucketRequestPaymentOutput { payer: Some("BucketOwner".into()) })
}

pub async fn put(
    s3: &S3,
    _call: &Call,
    input: PutBucketRequestPaymentRequest,
) -> Result<(), Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    match input.request_payment_configuration.payer.as_str() {
        "BucketOwner" => Ok(()),
        "Requester" => {
            Err(Error::parameter_not_served("PutBucketRequestPayment", "Payer Requester"))
        }
        _ => Err(malformed_xml()),
    }
}
