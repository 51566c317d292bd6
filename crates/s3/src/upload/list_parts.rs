//! ListParts.

use aws::{Call, Error};

use crate::S3;
use crate::model::{ListPartsOutput, ListPartsRequest};

pub async fn list(
    _s3: &S3,
    _call: &Call,
    _input: ListPartsRequest,
) -> Result<ListPartsOutput, Error> {
    Err(Error::not_served("s3", "ListParts"))
}
