//! GetObjectAcl and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    GetObjectAclOutput, GetObjectAclRequest, PutObjectAclOutput, PutObjectAclRequest,
};

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetObjectAclRequest,
) -> Result<GetObjectAclOutput, Error> {
    Err(Error::not_served("s3", "GetObjectAcl"))
}

pub async fn put(
    _s3: &S3,
    _call: &Call,
    _input: PutObjectAclRequest,
) -> Result<PutObjectAclOutput, Error> {
    Err(Error::not_served("s3", "PutObjectAcl"))
}
