//! A bucket's tags.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/CostAllocTagging.html>

use std::collections::HashSet;

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    DeleteBucketTaggingRequest, GetBucketTaggingOutput, GetBucketTaggingRequest,
    PutBucketTaggingRequest, Tag,
};

const TAGS_MAX: usize = 50;
const KEY_LETTERS_MAX: usize = 128;
const VALUE_LETTERS_MAX: usize = 256;

pub async fn delete(s3: &S3, _call: &Call, input: DeleteBucketTaggingRequest) -> Result<(), Error> {
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.tags.clear();
        Ok(())
    })
    .await
}

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetBucketTaggingRequest,
) -> Result<GetBucketTaggingOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    if bucket.tags.is_empty() {
        return Err(Error::client(404, "NoSuchTagSet", "The TagSet does not exist")
            .with_detail("BucketName", &input.bucket));
    }
    let tag = |(key, value): &(String, String)| Tag { key: key.clone(), value: value.clone() };
    Ok(GetBucketTaggingOutput { tag_set: bucket.tags.iter().map(tag).collect() })
}

pub async fn put(s3: &S3, _call: &Call, input: PutBucketTaggingRequest) -> Result<(), Error> {
    let tags = parse(&input.tagging.tag_set)?;
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        bucket.tags = tags;
        Ok(())
    })
    .await
}

/// Judges the tags of a bucket.
///
/// # Errors
/// `InvalidTag`, and `BadRequest` for too many.
pub(super) fn parse(tags: &[Tag]) -> Result<Vec<(String, String)>, Error> {
    if tags.len() > TAGS_MAX {
        let why = "Bucket tag count cannot be greater than 50";
        return Err(Error::client(400, "BadRequest", why));
    }
    let mut seen = HashSet::new();
    for Tag { key, value } in tags {
        check(key, value)?;
        if !seen.insert(key) {
            let why = "Cannot provide multiple Tags with the same key";
            return Err(invalid_tag(why).with_detail("TagKey", key));
        }
    }
    Ok(tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect())
}

fn check(key: &str, value: &str) -> Result<(), Error> {
    let letters = key.chars().count();
    if !(1..=KEY_LETTERS_MAX).contains(&letters) || !key.chars().all(is_allowed) {
        return Err(
            invalid_tag("The TagKey you have provided is invalid").with_detail("TagKey", key)
        );
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        let why = "System tags cannot be added/updated by requester";
        return Err(invalid_tag(why).with_detail("TagKey", key));
    }
    if value.chars().count() > VALUE_LETTERS_MAX || !value.chars().all(is_allowed) {
        let why = "The TagValue you have provided is invalid";
        return Err(invalid_tag(why).with_detail("TagKey", key).with_detail("TagValue", value));
    }
    Ok(())
}

fn is_allowed(letter: char) -> bool {
    letter.is_alphanumeric() || letter == ' ' || "+-=._:/@".contains(letter)
}

fn invalid_tag(message: &str) -> Error {
    Error::client(400, "InvalidTag", message)
}

#[cfg(test)]
mod tests;
