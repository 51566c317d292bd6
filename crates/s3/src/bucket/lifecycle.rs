//! A bucket's lifecycle configuration: put, shown and deleted. What it does is done elsewhere.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html>

mod parse;
mod shown;

use aws::{Call, Error};

use crate::S3;
use crate::error::{invalid_argument, malformed_xml};
use crate::model::{
    DeleteBucketLifecycleRequest, GetBucketLifecycleConfigurationOutput,
    GetBucketLifecycleConfigurationRequest, PutBucketLifecycleConfigurationOutput,
    PutBucketLifecycleConfigurationRequest,
};
use crate::row::Lifecycle;

const MINIMUM_SIZE: &str = "x-amz-transition-default-minimum-object-size";
const VARIES: &str = "varies_by_storage_class";
const ALL: &str = "all_storage_classes_128K";

pub async fn delete(
    s3: &S3,
    _call: &Call,
    input: DeleteBucketLifecycleRequest,
) -> Result<(), Error> {
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.lifecycle = None;
        Ok(())
    })
    .await
}

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetBucketLifecycleConfigurationRequest,
) -> Result<GetBucketLifecycleConfigurationOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let lifecycle = bucket.lifecycle.as_ref().ok_or_else(|| {
        let why = "The lifecycle configuration does not exist";
        Error::client(404, "NoSuchLifecycleConfiguration", why)
            .with_detail("BucketName", &input.bucket)
    })?;
    Ok(GetBucketLifecycleConfigurationOutput {
        rules: Some(lifecycle.rules.iter().map(shown::rule).collect()),
        transition_default_minimum_object_size: Some(minimum_size(lifecycle).into()),
    })
}

pub async fn put(
    s3: &S3,
    _call: &Call,
    input: PutBucketLifecycleConfigurationRequest,
) -> Result<PutBucketLifecycleConfigurationOutput, Error> {
    let minimum_size_varies = match input.transition_default_minimum_object_size.as_deref() {
        None | Some(ALL) => false,
        Some(VARIES) => true,
        Some(other) => {
            let why = "The transition default minimum object size is not valid";
            return Err(invalid_argument(why, MINIMUM_SIZE, other));
        }
    };
    let given = input.lifecycle_configuration.as_ref().ok_or_else(malformed_xml)?;
    let rules = parse::rules(&given.rules, &s3.inner.random)?;
    let lifecycle = Lifecycle { minimum_size_varies, rules };
    let minimum_size = minimum_size(&lifecycle).to_owned();
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.lifecycle = Some(lifecycle);
        Ok(())
    })
    .await?;
    let transition_default_minimum_object_size = Some(minimum_size);
    Ok(PutBucketLifecycleConfigurationOutput { transition_default_minimum_object_size })
}

fn minimum_size(lifecycle: &Lifecycle) -> &'static str {
    if lifecycle.minimum_size_varies { VARIES } else { ALL }
}

#[cfg(test)]
mod tests;
