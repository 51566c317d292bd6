//! ListObjectVersions.

use aws::{Call, Error};

use crate::S3;
use crate::model::{ListObjectVersionsOutput, ListObjectVersionsRequest};

pub async fn list(
    _s3: &S3,
    _call: &Call,
    _input: ListObjectVersionsRequest,
) -> Result<ListObjectVersionsOutput, Error> {
    Err(Error::not_served("s3", "ListObjectVersions"))
}
