//! GetObjectTagging, PutObjectTagging, DeleteObjectTagging.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html>

use aws::{Call, Error};

use super::change::Changed;
use super::read::Asked;
use super::tags::{self, Tags};
use crate::S3;
use crate::model::{
    DeleteObjectTaggingOutput, DeleteObjectTaggingRequest, GetObjectTaggingOutput,
    GetObjectTaggingRequest, PutObjectTaggingOutput, PutObjectTaggingRequest, Tag,
};

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetObjectTaggingRequest,
) -> Result<GetObjectTaggingOutput, Error> {
    let readable = s3.readable(Asked {
        bucket: &input.bucket,
        expected_owner: input.expected_bucket_owner.as_deref(),
        key: &input.key,
        version_id: input.version_id.as_deref(),
        method: "GET",
    })?;
    let tags = readable.content().tags.iter();
    Ok(GetObjectTaggingOutput {
        version_id: readable.version_id(),
        tag_set: tags.map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect(),
    })
}

pub async fn put(
    s3: &S3,
    _call: &Call,
    input: PutObjectTaggingRequest,
) -> Result<PutObjectTaggingOutput, Error> {
    let tags: Tags = input.tagging.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect();
    tags::check(&tags)?;
    let changed = Changed {
        bucket: &input.bucket,
        expected_owner: input.expected_bucket_owner.as_deref(),
        key: &input.key,
        version_id: input.version_id.as_deref(),
        method: "PUT",
    };
    let ((), version_id) = changed
        .with(s3, |_, content| {
            content.tags = tags;
            Ok(())
        })
        .await?;
    Ok(PutObjectTaggingOutput { version_id })
}

pub async fn delete(
    s3: &S3,
    _call: &Call,
    input: DeleteObjectTaggingRequest,
) -> Result<DeleteObjectTaggingOutput, Error> {
    let changed = Changed {
        bucket: &input.bucket,
        expected_owner: input.expected_bucket_owner.as_deref(),
        key: &input.key,
        version_id: input.version_id.as_deref(),
        method: "DELETE",
    };
    let ((), version_id) = changed
        .with(s3, |_, content| {
            content.tags.clear();
            Ok(())
        })
        .await?;
    Ok(DeleteObjectTaggingOutput { version_id })
}
