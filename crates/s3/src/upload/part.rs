//! UploadPart.

use aws::{Call, Error};

use crate::S3;
use crate::model::{UploadPartOutput, UploadPartRequest};

pub async fn put(
    _s3: &S3,
    _call: &Call,
    _input: UploadPartRequest,
) -> Result<UploadPartOutput, Error> {
    Err(Error::not_served("s3", "UploadPart"))
}
