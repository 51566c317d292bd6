//! ListObjects and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    ListObjectsOutput, ListObjectsRequest, ListObjectsV2Output, ListObjectsV2Request,
};

pub async fn list(
    _s3: &S3,
    _call: &Call,
    _input: ListObjectsRequest,
) -> Result<ListObjectsOutput, Error> {
    Err(Error::not_served("s3", "ListObjects"))
}

pub async fn list_v2(
    _s3: &S3,
    _call: &Call,
    _input: ListObjectsV2Request,
) -> Result<ListObjectsV2Output, Error> {
    Err(Error::not_served("s3", "ListObjectsV2"))
}
