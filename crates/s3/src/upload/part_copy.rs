//! UploadPartCopy.

use aws::{Call, Error};

use crate::S3;
use crate::model::{UploadPartCopyOutput, UploadPartCopyRequest};

pub async fn copy(
    _s3: &S3,
    _call: &Call,
    _input: UploadPartCopyRequest,
) -> Result<UploadPartCopyOutput, Error> {
    Err(Error::not_served("s3", "UploadPartCopy"))
}
