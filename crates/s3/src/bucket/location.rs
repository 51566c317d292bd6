//! GetBucketLocation.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html>

use aws::{Call, Error};

use crate::S3;
use crate::model::{GetBucketLocationOutput, GetBucketLocationRequest};

/// Buckets of us-east-1 have an empty location: they came before there were others.
pub async fn location(
    s3: &S3,
    _call: &Call,
    input: GetBucketLocationRequest,
) -> Result<GetBucketLocationOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let region = bucket.region.as_str();
    let location_constraint = (region != "us-east-1").then(|| region.to_owned());
    Ok(GetBucketLocationOutput { location_constraint })
}
