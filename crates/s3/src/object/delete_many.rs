//! DeleteObjects.

use aws::{Call, Error};

use crate::S3;
use crate::model::{DeleteObjectsOutput, DeleteObjectsRequest};

pub async fn delete_many(
    _s3: &S3,
    _call: &Call,
    _input: DeleteObjectsRequest,
) -> Result<DeleteObjectsOutput, Error> {
    Err(Error::not_served("s3", "DeleteObjects"))
}
