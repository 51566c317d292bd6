//! HeadBucket.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html>

use aws::{Call, Error};

use crate::S3;
use crate::model::{HeadBucketOutput, HeadBucketRequest};

pub async fn head(
    s3: &S3,
    _call: &Call,
    input: HeadBucketRequest,
) -> Result<HeadBucketOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    Ok(HeadBucketOutput {
        bucket_region: Some(bucket.region.to_string()),
        access_point_alias: Some(false),
        ..Default::default()
    })
}
