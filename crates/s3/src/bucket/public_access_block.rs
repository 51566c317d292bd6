//! DeletePublicAccessBlock and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    DeletePublicAccessBlockRequest, GetPublicAccessBlockOutput, GetPublicAccessBlockRequest,
    PutPublicAccessBlockRequest,
};

pub async fn delete(
    _s3: &S3,
    _call: &Call,
    _input: DeletePublicAccessBlockRequest,
) -> Result<(), Error> {
    Err(Error::not_served("s3", "DeletePublicAccessBlock"))
}

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetPublicAccessBlockRequest,
) -> Result<GetPublicAccessBlockOutput, Error> {
    Err(Error::not_served("s3", "GetPublicAccessBlock"))
}

pub async fn put(_s3: &S3, _call: &Call, _input: PutPublicAccessBlockRequest) -> Result<(), Error> {
    Err(Error::not_served("s3", "PutPublicAccessBlock"))
}
