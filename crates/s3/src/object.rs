//! Objects.

pub mod acl;
pub mod attributes;
mod change;
pub(crate) mod class;
pub mod copy;
pub(crate) mod copy_source;
pub mod delete;
pub mod delete_many;
pub(crate) mod described;
pub mod get;
pub mod head;
pub(crate) mod intake;
pub mod legal_hold;
pub(crate) mod lock;
pub(crate) mod metadata;
pub mod put;
pub(crate) mod read;
pub mod restore;
pub mod retention;
pub mod tagging;
pub(crate) mod tags;

use aws::Error;

use crate::error::key_too_long;
use crate::row::{Bucket, Version, Versioning};

const KEY_BYTES_MAX: usize = 1024;

/// # Errors
/// `KeyTooLongError`.
pub(crate) fn check_key(key: &str) -> Result<(), Error> {
    if key.len() <= KEY_BYTES_MAX { Ok(()) } else { Err(key_too_long(key.len())) }
}

/// `x-amz-version-id`: buckets that were never versioned say nothing of versions.
pub(crate) fn shown_version_id(bucket: &Bucket, version: &Version) -> Option<String> {
    (bucket.versioning != Versioning::Unset).then(|| version.id.0.clone())
}

#[cfg(test)]
mod tests;
