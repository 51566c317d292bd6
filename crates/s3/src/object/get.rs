//! GetObject.

use aws::{Call, Error};

use crate::S3;
use crate::model::{GetObjectOutput, GetObjectRequest};

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetObjectRequest,
) -> Result<GetObjectOutput, Error> {
    Err(Error::not_served("s3", "GetObject"))
}
