//! The object that a question is about.

use std::sync::Arc;

use aws::{Call, Error, Principal};

use super::{Access, Question, is_of};
use crate::S3;
use crate::row::{Bucket, Version};
use crate::version::Which;

pub(super) enum Target {
    /// What the answer rests on is known without it.
    NotAsked,
    There(Arc<Version>),
    /// No such key or version, or a delete marker.
    Missing,
}

/// Whether the answer can depend on the object. Where the bucket owns all objects only tags can
/// matter; then the owner's root user, whom only the bucket's policy can refuse, is spared a look.
pub(super) fn needs_object(
    question: &Question<'_>,
    bucket: &Bucket,
    access: &Access,
    call: &Call,
) -> bool {
    let is_owner = call.identity.principal == Principal::Root && is_of(call, &bucket.account);
    question.of_object && (!bucket.owns_all() || !is_owner || access.looks_at_tags)
}

/// # Errors
/// `InvalidArgument` for what can be no version's id, and when the index cannot be read.
pub(super) fn find(
    s3: &S3,
    bucket: &Bucket,
    key: &str,
    version_id: Option<&str>,
) -> Result<Target, Error> {
    let found = s3.inner.versions.find(s3.engine(), bucket.id, key, &Which::read(version_id)?)?;
    Ok(match found {
        Some(found) if found.version.content.is_some() => Target::There(found.version),
        _ => Target::Missing,
    })
}
