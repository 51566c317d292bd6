//! Transfer acceleration, which haneul does not have: there is nothing nearer than itself. It can
//! be kept suspended, as tools that write every setting do.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration.html>

use aws::{Call, Error};

use crate::S3;
use crate::error::malformed_xml;
use crate::model::{
    GetBucketAccelerateConfigurationOutput, GetBucketAccelerateConfigurationRequest,
    PutBucketAccelerateConfigurationRequest,
};

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetBucketAccelerateConfigurationRequest,
) -> Result<GetBucketAccelerateConfigurationOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let status = bucket.accelerate_suspended.then(|| "Suspended".into());
    Ok(GetBucketAccelerateConfigurationOutput { status, request_charged: None })
}

pub async fn put(
    s3: &S3,
    _call: &Call,
    input: PutBucketAccelerateConfigurationRequest,
) -> Result<(), Error> {
    match input.accelerate_configuration.status.as_deref() {
        Some("Suspended") => {}
        Some("Enabled") => {
            let what = "Status Enabled";
            return Err(Error::parameter_not_served("PutBucketAccelerateConfiguration", what));
        }
        _ => return Err(malformed_xml()),
    }
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.accelerate_suspended = true;
        Ok(())
    })
    .await
}
