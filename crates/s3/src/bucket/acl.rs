//! A bucket's access control list.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>

use aws::{Call, Error};

use crate::S3;
use crate::acl::{self, Given};
use crate::list::owner;
use crate::model::{GetBucketAclOutput, GetBucketAclRequest, PutBucketAclRequest};
use crate::row::Acl;

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetBucketAclRequest,
) -> Result<GetBucketAclOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let list = if bucket.owns_all() { &Acl::default() } else { &bucket.acl };
    Ok(GetBucketAclOutput {
        owner: Some(owner(&bucket.account)),
        grants: Some(acl::shown(list, &bucket.account)),
    })
}

pub async fn put(s3: &S3, call: &Call, input: PutBucketAclRequest) -> Result<(), Error> {
    let given = Given {
        canned: input.acl.as_deref(),
        full_control: input.grant_full_control.as_deref(),
        read: input.grant_read.as_deref(),
        read_acp: input.grant_read_acp.as_deref(),
        write: input.grant_write.as_deref(),
        write_acp: input.grant_write_acp.as_deref(),
    };
    let body = input.access_control_policy.as_ref();
    let expected = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, expected, |bucket| {
        if bucket.owns_all() {
            return Err(acl::not_supported());
        }
        let list = match acl::from_one(&given, body)? {
            Some(body) => acl::parse(body, &bucket.account)?,
            None => given.bucket_acl(&bucket.account)?.unwrap_or_default(),
        };
        acl::refuse_public(&list, bucket, call, "s3:PutBucketAcl", None)?;
        bucket.acl = list;
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests;
