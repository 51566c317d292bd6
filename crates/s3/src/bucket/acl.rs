//! GetBucketAcl and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{GetBucketAclOutput, GetBucketAclRequest, PutBucketAclRequest};

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketAclRequest,
) -> Result<GetBucketAclOutput, Error> {
    Err(Error::not_served("s3", "GetBucketAcl"))
}

pub async fn put(_s3: &S3, _call: &Call, _input: PutBucketAclRequest) -> Result<(), Error> {
    Err(Error::not_served("s3", "PutBucketAcl"))
}
