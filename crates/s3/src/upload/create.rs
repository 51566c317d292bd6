//! CreateMultipartUpload.

use aws::{Call, Error};

use crate::S3;
use crate::model::{CreateMultipartUploadOutput, CreateMultipartUploadRequest};

pub async fn create(
    _s3: &S3,
    _call: &Call,
    _input: CreateMultipartUploadRequest,
) -> Result<CreateMultipartUploadOutput, Error> {
    Err(Error::not_served("s3", "CreateMultipartUpload"))
}
