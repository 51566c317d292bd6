//! A bucket's public access block.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>

use aws::{Call, Error};

use crate::S3;
use crate::error::invalid_request;
use crate::model::{
    DeletePublicAccessBlockRequest, GetPublicAccessBlockOutput, GetPublicAccessBlockRequest,
    PublicAccessBlockConfiguration, PutPublicAccessBlockRequest,
};
use crate::row::PublicAccessBlock;

pub async fn delete(
    s3: &S3,
    _call: &Call,
    input: DeletePublicAccessBlockRequest,
) -> Result<(), Error> {
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.public_access_block = None;
        Ok(())
    })
    .await
}

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetPublicAccessBlockRequest,
) -> Result<GetPublicAccessBlockOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let block = bucket.public_access_block.ok_or_else(|| {
        let why = "The public access block configuration was not found";
        Error::client(404, "NoSuchPublicAccessBlockConfiguration", why)
            .with_detail("BucketName", &input.bucket)
    })?;
    let shown = PublicAccessBlockConfiguration {
        block_public_acls: Some(block.block_public_acls),
        ignore_public_acls: Some(block.ignore_public_acls),
        block_public_policy: Some(block.block_public_policy),
        restrict_public_buckets: Some(block.restrict_public_buckets),
    };
    Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(shown) })
}

pub async fn put(s3: &S3, _call: &Call, input: PutPublicAccessBlockRequest) -> Result<(), Error> {
    let given = &input.public_access_block_configuration;
    if *given == PublicAccessBlockConfiguration::default() {
        return Err(invalid_request("Must specify at least one configuration."));
    }
    let block = PublicAccessBlock {
        block_public_acls: given.block_public_acls.unwrap_or_default(),
        ignore_public_acls: given.ignore_public_acls.unwrap_or_default(),
        block_public_policy: given.block_public_policy.unwrap_or_default(),
        restrict_public_buckets: given.restrict_public_buckets.unwrap_or_default(),
    };
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.public_access_block = Some(block);
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, code};

    #[tokio::test]
    async fn put_got_and_deleted() {
        let world = World::new();
        world.bucket("mine").await;
        let call = world.owner();
        let get = async || {
            let input = GetPublicAccessBlockRequest { bucket: "mine".into(), ..Default::default() };
            let answer = super::get(&world.s3, &call, input).await?;
            Ok::<_, Error>(answer.public_access_block_configuration.unwrap_or_default())
        };
        let all = |on: Option<bool>| PublicAccessBlockConfiguration {
            block_public_acls: on,
            ignore_public_acls: on,
            block_public_policy: on,
            restrict_public_buckets: on,
        };
        let put = |configuration| PutPublicAccessBlockRequest {
            bucket: "mine".into(),
            public_access_block_configuration: configuration,
            ..Default::default()
        };
        assert_eq!(get().await.expect("a new bucket's"), all(Some(true)));
        let one =
            PublicAccessBlockConfiguration { restrict_public_buckets: Some(true), ..all(None) };
        super::put(&world.s3, &call, put(one.clone())).await.expect("put");
        let shown = PublicAccessBlockConfiguration {
            restrict_public_buckets: Some(true),
            ..all(Some(false))
        };
        assert_eq!(get().await.expect("set"), shown);
        assert_eq!(code(super::put(&world.s3, &call, put(all(None))).await), "InvalidRequest");
        let delete = DeletePublicAccessBlockRequest { bucket: "mine".into(), ..Default::default() };
        super::delete(&world.s3, &call, delete).await.expect("deleted");
        assert_eq!(code(get().await), "NoSuchPublicAccessBlockConfiguration");
    }
}
