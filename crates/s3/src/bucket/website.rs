//! DeleteBucketWebsite and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    DeleteBucketWebsiteRequest, GetBucketWebsiteOutput, GetBucketWebsiteRequest,
    PutBucketWebsiteRequest,
};

pub async fn delete(
    _s3: &S3,
    _call: &Call,
    _input: DeleteBucketWebsiteRequest,
) -> Result<(), Error> {
    Err(Error::not_served("s3", "DeleteBucketWebsite"))
}

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketWebsiteRequest,
) -> Result<GetBucketWebsiteOutput, Error> {
    Err(Error::not_served("s3", "GetBucketWebsite"))
}

pub async fn put(_s3: &S3, _call: &Call, _input: PutBucketWebsiteRequest) -> Result<(), Error> {
    Err(Error::not_served("s3", "PutBucketWebsite"))
}
