//! DeleteObject.

use aws::{Call, Error};

use crate::S3;
use crate::model::{DeleteObjectOutput, DeleteObjectRequest};

pub async fn delete(
    _s3: &S3,
    _call: &Call,
    _input: DeleteObjectRequest,
) -> Result<DeleteObjectOutput, Error> {
    Err(Error::not_served("s3", "DeleteObject"))
}
