//! AbortMultipartUpload.

use aws::{Call, Error};

use crate::S3;
use crate::model::{AbortMultipartUploadOutput, AbortMultipartUploadRequest};

pub async fn abort(
    _s3: &S3,
    _call: &Call,
    _input: AbortMultipartUploadRequest,
) -> Result<AbortMultipartUploadOutput, Error> {
    Err(Error::not_served("s3", "AbortMultipartUpload"))
}
