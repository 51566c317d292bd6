//! HeadObject.

use aws::{Call, Error};

use crate::S3;
use crate::model::{HeadObjectOutput, HeadObjectRequest};

pub async fn head(
    _s3: &S3,
    _call: &Call,
    _input: HeadObjectRequest,
) -> Result<HeadObjectOutput, Error> {
    Err(Error::not_served("s3", "HeadObject"))
}
