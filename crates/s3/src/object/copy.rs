//! CopyObject.

use aws::{Call, Error};

use crate::S3;
use crate::model::{CopyObjectOutput, CopyObjectRequest};

pub async fn copy(
    _s3: &S3,
    _call: &Call,
    _input: CopyObjectRequest,
) -> Result<CopyObjectOutput, Error> {
    Err(Error::not_served("s3", "CopyObject"))
}
