//! CompleteMultipartUpload.

use aws::{Call, Error};

use crate::S3;
use crate::model::{CompleteMultipartUploadOutput, CompleteMultipartUploadRequest};

pub async fn complete(
    _s3: &S3,
    _call: &Call,
    _input: CompleteMultipartUploadRequest,
) -> Result<CompleteMultipartUploadOutput, Error> {
    Err(Error::not_served("s3", "CompleteMultipartUpload"))
}
