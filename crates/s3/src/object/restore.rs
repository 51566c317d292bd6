//! RestoreObject.

use aws::{Call, Error};

use crate::S3;
use crate::model::{RestoreObjectOutput, RestoreObjectRequest};

pub async fn restore(
    _s3: &S3,
    _call: &Call,
    _input: RestoreObjectRequest,
) -> Result<RestoreObjectOutput, Error> {
    Err(Error::not_served("s3", "RestoreObject"))
}
