//! Buckets: made, listed and removed.

pub mod accelerate;
pub mod acl;
pub mod cors;
pub mod encryption;
pub mod lifecycle;
pub mod logging;
pub(crate) mod lookup;
pub mod notification;
pub mod object_lock;
pub mod ownership;
pub mod policy;
pub mod public_access_block;
pub mod replication;
pub mod request_payment;
pub mod tagging;
pub mod versioning;
pub mod website;

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    CreateBucketOutput, CreateBucketRequest, DeleteBucketRequest, GetBucketLocationOutput,
    GetBucketLocationRequest, HeadBucketOutput, HeadBucketRequest, ListBucketsOutput,
    ListBucketsRequest,
};

pub async fn create(
    _s3: &S3,
    _call: &Call,
    _input: CreateBucketRequest,
) -> Result<CreateBucketOutput, Error> {
    Err(Error::not_served("s3", "CreateBucket"))
}

pub async fn delete(_s3: &S3, _call: &Call, _input: DeleteBucketRequest) -> Result<(), Error> {
    Err(Error::not_served("s3", "DeleteBucket"))
}

pub async fn location(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketLocationRequest,
) -> Result<GetBucketLocationOutput, Error> {
    Err(Error::not_served("s3", "GetBucketLocation"))
}

pub async fn head(
    _s3: &S3,
    _call: &Call,
    _input: HeadBucketRequest,
) -> Result<HeadBucketOutput, Error> {
    Err(Error::not_served("s3", "HeadBucket"))
}

pub async fn list(
    _s3: &S3,
    _call: &Call,
    _input: ListBucketsRequest,
) -> Result<ListBucketsOutput, Error> {
    Err(Error::not_served("s3", "ListBuckets"))
}
