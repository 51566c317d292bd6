//! DeleteBucketCors and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    DeleteBucketCorsRequest, GetBucketCorsOutput, GetBucketCorsRequest, PutBucketCorsRequest,
};

pub async fn delete(_s3: &S3, _call: &Call, _input: DeleteBucketCorsRequest) -> Result<(), Error> {
    Err(Error::not_served("s3", "DeleteBucketCors"))
}

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketCorsRequest,
) -> Result<GetBucketCorsOutput, Error> {
    Err(Error::not_served("s3", "GetBucketCors"))
}

pub async fn put(_s3: &S3, _call: &Call, _input: PutBucketCorsRequest) -> Result<(), Error> {
    Err(Error::not_served("s3", "PutBucketCors"))
}
