//! A bucket's ownership controls: whose its objects are, and whether lists have a say.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>

use aws::{Call, Error};

use crate::S3;
use crate::acl;
use crate::error::malformed_xml;
use crate::model::{
    DeleteBucketOwnershipControlsRequest, GetBucketOwnershipControlsOutput,
    GetBucketOwnershipControlsRequest, OwnershipControls, OwnershipControlsRule,
    PutBucketOwnershipControlsRequest,
};
use crate::row::Ownership;

pub async fn delete(
    s3: &S3,
    _call: &Call,
    input: DeleteBucketOwnershipControlsRequest,
) -> Result<(), Error> {
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.ownership = None;
        Ok(())
    })
    .await
}

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetBucketOwnershipControlsRequest,
) -> Result<GetBucketOwnershipControlsOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let ownership = bucket.ownership.ok_or_else(|| {
        let why = "The bucket ownership controls were not found";
        Error::client(404, "OwnershipControlsNotFoundError", why)
            .with_detail("BucketName", &input.bucket)
    })?;
    let rule = OwnershipControlsRule { object_ownership: ownership.name().into() };
    let controls = OwnershipControls { rules: vec![rule] };
    Ok(GetBucketOwnershipControlsOutput { ownership_controls: Some(controls) })
}

pub async fn put(
    s3: &S3,
    _call: &Call,
    input: PutBucketOwnershipControlsRequest,
) -> Result<(), Error> {
    let [rule] = input.ownership_controls.rules.as_slice() else { return Err(malformed_xml()) };
    let ownership = Ownership::parse(&rule.object_ownership).ok_or_else(malformed_xml)?;
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        if ownership == Ownership::BucketOwnerEnforced
            && acl::gives_to_others(&bucket.acl, &bucket.account)
        {
            return Err(acl::not_with_enforced_owner());
        }
        bucket.ownership = Some(ownership);
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket;
    use crate::model::PutBucketAclRequest;
    use crate::testing::{World, code};

    fn put(rules: &[&str]) -> PutBucketOwnershipControlsRequest {
        let rule = |rule: &&str| OwnershipControlsRule { object_ownership: (*rule).into() };
        PutBucketOwnershipControlsRequest {
            bucket: "mine".into(),
            ownership_controls: OwnershipControls { rules: rules.iter().map(rule).collect() },
            ..Default::default()
        }
    }

    #[tokio::test]
    async fn put_got_and_deleted() {
        let world = World::new();
        world.bucket("mine").await;
        let call = world.owner();
        let get = async || {
            let input =
                GetBucketOwnershipControlsRequest { bucket: "mine".into(), ..Default::default() };
            let answer = super::get(&world.s3, &call, input).await?;
            let rules = answer.ownership_controls.map(|controls| controls.rules);
            Ok::<_, Error>(rules.unwrap_or_default().remove(0).object_ownership)
        };
        assert_eq!(get().await.expect("a new bucket's"), "BucketOwnerEnforced");
        super::put(&world.s3, &call, put(&["ObjectWriter"])).await.expect("put");
        assert_eq!(get().await.expect("set"), "ObjectWriter");
        for wrong in [&["Nobody"][..], &[], &["ObjectWriter", "ObjectWriter"]] {
            assert_eq!(code(super::put(&world.s3, &call, put(wrong)).await), "MalformedXML");
        }
        let delete =
            DeleteBucketOwnershipControlsRequest { bucket: "mine".into(), ..Default::default() };
        super::delete(&world.s3, &call, delete).await.expect("deleted");
        assert_eq!(code(get().await), "OwnershipControlsNotFoundError");
    }

    #[tokio::test]
    async fn lists_that_give_to_others_must_go_first() {
        let world = World::new();
        world.bucket("mine").await;
        let call = world.owner();
        super::put(&world.s3, &call, put(&["BucketOwnerPreferred"])).await.expect("put");
        let list = |canned: &str| PutBucketAclRequest {
            bucket: "mine".into(),
            acl: Some(canned.into()),
            ..Default::default()
        };
        let log = list("log-delivery-write");
        bucket::acl::put(&world.s3, &call, log).await.expect("a list");
        let enforce = || put(&["BucketOwnerEnforced"]);
        let refused = super::put(&world.s3, &call, enforce()).await;
        assert_eq!(code(refused), "InvalidBucketAclWithObjectOwnership");
        bucket::acl::put(&world.s3, &call, list("private")).await.expect("a list");
        super::put(&world.s3, &call, enforce()).await.expect("put");
    }
}
