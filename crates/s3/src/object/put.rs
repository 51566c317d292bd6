//! PutObject.

use aws::{Call, Error};

use crate::S3;
use crate::model::{PutObjectOutput, PutObjectRequest};

pub async fn put(
    _s3: &S3,
    _call: &Call,
    _input: PutObjectRequest,
) -> Result<PutObjectOutput, Error> {
    Err(Error::not_served("s3", "PutObject"))
}
