//! ListMultipartUploads.

use aws::{Call, Error};

use crate::S3;
use crate::model::{ListMultipartUploadsOutput, ListMultipartUploadsRequest};

pub async fn list(
    _s3: &S3,
    _call: &Call,
    _input: ListMultipartUploadsRequest,
) -> Result<ListMultipartUploadsOutput, Error> {
    Err(Error::not_served("s3", "ListMultipartUploads"))
}
