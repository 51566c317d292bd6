//! GetObjectAttributes.

use aws::{Call, Error};

use crate::S3;
use crate::model::{GetObjectAttributesOutput, GetObjectAttributesRequest};

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetObjectAttributesRequest,
) -> Result<GetObjectAttributesOutput, Error> {
    Err(Error::not_served("s3", "GetObjectAttributes"))
}
