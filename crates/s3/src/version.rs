//! The versions of a key: finding one, adding one, taking one away.
//!
//! The current version, a delete marker or not, is one row; the noncurrent ones lie beside it, the
//! newest first. A bucket's versioning decides what a new version does to the ones before it:
//!
//! | | the new one's id | what was current |
//! | --- | --- | --- |
//! | never enabled | `null` | is gone |
//! | enabled | its own | becomes noncurrent |
//! | suspended | `null` | becomes noncurrent, unless it is the `null` version |
//!
//! A key has at most one `null` version; where it is noncurrent, the row under
//! [`null_key`] says so. Everything here is done within a change, so what it reads
//! still holds when it takes effect.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html>

mod parsed;

use std::sync::Arc;

use aws::{AccountId, Error, Random, Timestamp};
use objects::{Change, Row, Rows, Scan};

use crate::error::{EngineFailure, invalid_argument};
use crate::row::{
    Bucket, Codec, Content, Version, VersionId, Versioning, noncurrent_key, noncurrent_of,
    null_key, null_pointer, null_stamp, object_key,
};

pub(crate) use parsed::Parsed;

/// A version and the row it is kept in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) version: Arc<Version>,
    row: Vec<u8>,
    current: bool,
}

/// A version to be added.
pub(crate) struct Addition {
    pub(crate) modified: Timestamp,
    pub(crate) owner: AccountId,
    /// `None` adds a delete marker.
    pub(crate) content: Option<Content>,
}

/// Which version of a key a request means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Current,
    Id(VersionId),
}

impl Which {
    /// Reads `versionId`.
    ///
    /// # Errors
    /// `InvalidArgument` for what can be none.
    pub(crate) fn read(version_id: Option<&str>) -> Result<Self, Error> {
        let Some(text) = version_id else { return Ok(Self::Current) };
        if text.is_empty() {
            let message = "Version id cannot be the empty string";
            return Err(invalid_argument(message, "versionId", text));
        }
        let id = VersionId(text.to_owned());
        if id.is_null() || id.stamp().is_some() {
            return Ok(Self::Id(id));
        }
        Err(invalid_argument("Invalid version id specified", "versionId", text))
    }
}

impl Found {
    pub(crate) fn is_current(&self) -> bool {
        self.current
    }

    /// Changes what the version says of itself; its id, stamp and place stay.
    pub(crate) fn keep(&self, change: &mut Change<'_>) {
        change.set(self.row.clone(), self.version.encode());
    }
}

/// # Errors
/// When the index cannot be read, or the row cannot be understood.
pub(crate) fn current(rows: &dyn Rows, bucket: u64, key: &str) -> Result<Option<Found>, Error> {
    found(rows, ANEW, object_key(bucket, key), true)
}

/// The version of this id, or the current one.
///
/// # Errors
/// As of [`current`].
pub(crate) fn find(
    rows: &dyn Rows,
    bucket: u64,
    key: &str,
    which: &Which,
) -> Result<Option<Found>, Error> {
    search(rows, ANEW, bucket, key, which)
}

/// Makes a version of a row.
type Parse<'a> = &'a dyn Fn(&[u8], &Row) -> Result<Arc<Version>, Error>;

const ANEW: Parse<'static> = &|_, row| Ok(Arc::new(Version::decode(&row.value)?));

fn search(
    rows: &dyn Rows,
    parse: Parse<'_>,
    bucket: u64,
    key: &str,
    which: &Which,
) -> Result<Option<Found>, Error> {
    let current = found(rows, parse, object_key(bucket, key), true)?;
    let Which::Id(id) = which else { return Ok(current) };
    if current.as_ref().is_some_and(|found| found.version.id == *id) {
        return Ok(current);
    }
    let stamp = match id.stamp() {
        Some(stamp) => stamp,
        None => match noncurrent_null(rows, bucket, key)? {
            Some(stamp) => stamp,
            None => return Ok(None),
        },
    };
    let noncurrent = found(rows, parse, noncurrent_key(bucket, key, stamp), false)?;
    Ok(noncurrent.filter(|found| found.version.id == *id))
}

/// All versions of a key, the newest first.
///
/// # Errors
/// As of [`current`].
pub(crate) fn all(rows: &dyn Rows, bucket: u64, key: &str) -> Result<Vec<Found>, Error> {
    let mut found: Vec<Found> = current(rows, bucket, key)?.into_iter().collect();
    let (from, end) = noncurrent_of(bucket, key);
    let mut noncurrent = Vec::new();
    rows.scan(&from, &end, &mut |row, kept| {
        noncurrent.push((row.to_vec(), kept.value.clone()));
        Scan::On
    })
    .map_err(EngineFailure::refusal)?;
    for (row, value) in noncurrent {
        let version = Arc::new(Version::decode(&value)?);
        found.push(Found { version, row, current: false });
    }
    Ok(found)
}

/// Adds a version as the bucket's versioning wants it. What it replaces is dropped with its
/// bytes.
///
/// # Errors
/// As of [`current`].
pub(crate) fn add(
    change: &mut Change<'_>,
    random: &Random,
    bucket: &Bucket,
    key: &str,
    addition: Addition,
) -> Result<Version, Error> {
    let before = current(change, bucket.id, key)?;
    let id = if bucket.versioning == Versioning::Enabled {
        if let Some(before) = before {
            make_noncurrent(change, bucket.id, key, &before.version);
        }
        VersionId::new(change.stamp(), random)
    } else {
        match before {
            Some(before) if before.version.id.is_null() => drop_bytes(change, &before.version),
            before => {
                remove_noncurrent_null(change, bucket.id, key)?;
                if let Some(before) = before {
                    make_noncurrent(change, bucket.id, key, &before.version);
                }
            }
        }
        VersionId::null()
    };
    let Addition { modified, owner, content } = addition;
    let version = Version { id, stamp: change.stamp(), modified, owner, content };
    change.set(object_key(bucket.id, key), version.encode());
    Ok(version)
}

/// Does what a DELETE without a version id does: a delete marker becomes the current version, or,
/// where there are no versions, the object goes. Answers the marker.
///
/// # Errors
/// As of [`current`].
pub(crate) fn delete(
    change: &mut Change<'_>,
    random: &Random,
    bucket: &Bucket,
    key: &str,
    marker: Addition,
) -> Result<Option<Version>, Error> {
    if bucket.versioning != Versioning::Unset {
        return add(change, random, bucket, key, marker).map(Some);
    }
    if let Some(found) = current(change, bucket.id, key)? {
        remove(change, bucket.id, key, &found)?;
    }
    Ok(None)
}

/// Takes a version away for good, with its bytes. The newest noncurrent version becomes current
/// when this was the current one.
///
/// # Errors
/// As of [`current`].
pub(crate) fn remove(
    change: &mut Change<'_>,
    bucket: u64,
    key: &str,
    found: &Found,
) -> Result<(), Error> {
    drop_bytes(change, &found.version);
    change.remove(found.row.clone());
    if !found.current {
        if found.version.id.is_null() {
            change.remove(null_key(bucket, key));
        }
        return Ok(());
    }
    let Some((row, version)) = newest_noncurrent(change, bucket, key)? else { return Ok(()) };
    change.remove(row);
    if version.id.is_null() {
        change.remove(null_key(bucket, key));
    }
    change.set(object_key(bucket, key), version.encode());
    Ok(())
}

fn found(
    rows: &dyn Rows,
    parse: Parse<'_>,
    row: Vec<u8>,
    current: bool,
) -> Result<Option<Found>, Error> {
    let Some(kept) = rows.get(&row).map_err(EngineFailure::refusal)? else { return Ok(None) };
    Ok(Some(Found { version: parse(&row, &kept)?, row, current }))
}

fn make_noncurrent(change: &mut Change<'_>, bucket: u64, key: &str, version: &Version) {
    change.set(noncurrent_key(bucket, key, version.stamp), version.encode());
    if version.id.is_null() {
        change.set(null_key(bucket, key), null_pointer(version.stamp));
    }
}

fn remove_noncurrent_null(change: &mut Change<'_>, bucket: u64, key: &str) -> Result<(), Error> {
    let Some(stamp) = noncurrent_null(change, bucket, key)? else { return Ok(()) };
    let row = noncurrent_key(bucket, key, stamp);
    if let Some(found) = found(change, ANEW, row.clone(), false)? {
        drop_bytes(change, &found.version);
    }
    change.remove(row);
    change.remove(null_key(bucket, key));
    Ok(())
}

/// The stamp of the key's noncurrent `null` version.
fn noncurrent_null(rows: &dyn Rows, bucket: u64, key: &str) -> Result<Option<u64>, Error> {
    let row = rows.get(&null_key(bucket, key)).map_err(EngineFailure::refusal)?;
    let Some(row) = row else { return Ok(None) };
    let stamp = null_stamp(&row.value).ok_or_else(|| Error::internal("a damaged pointer"))?;
    Ok(Some(stamp))
}

fn newest_noncurrent(
    rows: &dyn Rows,
    bucket: u64,
    key: &str,
) -> Result<Option<(Vec<u8>, Version)>, Error> {
    let (from, end) = noncurrent_of(bucket, key);
    let mut first = None;
    rows.scan(&from, &end, &mut |row, kept| {
        first = Some((row.to_vec(), kept.value.clone()));
        Scan::End
    })
    .map_err(EngineFailure::refusal)?;
    let Some((row, value)) = first else { return Ok(None) };
    Ok(Some((row, Version::decode(&value)?)))
}

fn drop_bytes(change: &mut Change<'_>, version: &Version) {
    for piece in version.content.iter().flat_map(|content| &content.pieces) {
        change.drop_blob(piece.blob());
    }
}

#[cfg(test)]
mod tests;
