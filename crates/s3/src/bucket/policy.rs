//! A bucket's policy.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html>

mod actions;
mod parse;

use aws::{Call, Error};
use policy::{Document, Kind, public};

use crate::S3;
use crate::acl::blocked;
use crate::model::{
    DeleteBucketPolicyRequest, GetBucketPolicyOutput, GetBucketPolicyRequest,
    GetBucketPolicyStatusOutput, GetBucketPolicyStatusRequest, PolicyStatus,
    PutBucketPolicyRequest,
};
use crate::row::Bucket;

pub async fn delete(s3: &S3, call: &Call, input: DeleteBucketPolicyRequest) -> Result<(), Error> {
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        check_account(bucket, call)?;
        bucket.policy = None;
        Ok(())
    })
    .await
}

pub async fn get(
    s3: &S3,
    call: &Call,
    input: GetBucketPolicyRequest,
) -> Result<GetBucketPolicyOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    check_account(&bucket, call)?;
    let policy = bucket.policy.clone().ok_or_else(|| no_such_policy(&input.bucket))?;
    Ok(GetBucketPolicyOutput { policy: Some(policy) })
}

pub async fn get_status(
    s3: &S3,
    _call: &Call,
    input: GetBucketPolicyStatusRequest,
) -> Result<GetBucketPolicyStatusOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let policy = bucket.policy.as_deref().ok_or_else(|| no_such_policy(&input.bucket))?;
    let document = Document::parse(policy, Kind::Resource).map_err(Error::internal)?;
    let status = PolicyStatus { is_public: Some(public::is_public(&document)) };
    Ok(GetBucketPolicyStatusOutput { policy_status: Some(status) })
}

pub async fn put(s3: &S3, call: &Call, input: PutBucketPolicyRequest) -> Result<(), Error> {
    let document = parse::document(&input.policy, &input.bucket)?;
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        check_account(bucket, call)?;
        if bucket.blocks().block_public_policy && public::is_public(&document) {
            let why = "public policies are prevented by the BlockPublicPolicy setting in S3 Block \
                       Public Access";
            return Err(blocked(bucket, call, "s3:PutBucketPolicy", None, why));
        }
        bucket.policy = Some(input.policy);
        Ok(())
    })
    .await
}

/// A policy is its account's affair, whatever the policy itself allows to others.
fn check_account(bucket: &Bucket, call: &Call) -> Result<(), Error> {
    if call.identity.account.as_ref() == Some(&bucket.account) {
        return Ok(());
    }
    let why = "The specified method is not allowed against this resource.";
    Err(Error::client(405, "MethodNotAllowed", why))
}

fn no_such_policy(name: &str) -> Error {
    Error::client(404, "NoSuchBucketPolicy", "The bucket policy does not exist")
        .with_detail("BucketName", name)
}

#[cfg(test)]
mod tests;
