//! ListObjectVersions: every version and delete marker, the newest of a key first.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html>

use aws::{Call, Error, Timestamp};
use objects::{Row, Rows, Scan};

use super::objects::restore_status;
use super::{Encoding, Roll, owner, page_size};
use crate::S3;
use crate::error::{EngineFailure, invalid_argument};
use crate::model::{
    CommonPrefix, DeleteMarkerEntry, ListObjectVersionsOutput, ListObjectVersionsRequest,
    ObjectVersion,
};
use crate::row::{self, Codec, Content, Version};

struct Found {
    key: String,
    latest: bool,
    version: Version,
}

struct Page {
    found: Vec<Found>,
    prefixes: Vec<String>,
    /// The last entry's key or prefix, and its version id, where more follow.
    next: Option<(String, Option<String>)>,
}

pub async fn list(
    s3: &S3,
    call: &Call,
    input: ListObjectVersionsRequest,
) -> Result<ListObjectVersionsOutput, Error> {
    let encoding = Encoding::parse(input.encoding_type.as_deref())?;
    let max = page_size(input.max_keys, "maxKeys")?;
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let roll = Roll::new(input.prefix.as_deref(), input.delimiter.as_deref());
    let from = begin(s3.engine(), bucket.id, roll, &input)?;
    let page = page(s3.engine(), bucket.id, roll, from, max)?;
    let spelled = |text: &Option<String>| text.as_deref().map(|text| encoding.apply(text));
    let attributes = input.optional_object_attributes.unwrap_or_default();
    let restores = attributes.iter().any(|name| name == "RestoreStatus").then_some(call.at);
    let (mut versions, mut markers) = (Vec::new(), Vec::new());
    for found in &page.found {
        let key = encoding.apply(&found.key);
        match &found.version.content {
            Some(content) => versions.push(shown(key, found, content, restores)),
            None => markers.push(DeleteMarkerEntry {
                owner: Some(owner(&found.version.owner)),
                key: Some(key),
                version_id: Some(found.version.id.0.clone()),
                is_latest: Some(found.latest),
                last_modified: Some(found.version.modified),
            }),
        }
    }
    let prefix = |prefix: &String| CommonPrefix { prefix: Some(encoding.apply(prefix)) };
    let (next_key, next_version) = page.next.unzip();
    Ok(ListObjectVersionsOutput {
        is_truncated: Some(next_key.is_some()),
        key_marker: Some(spelled(&input.key_marker).unwrap_or_default()),
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        next_key_marker: next_key.map(|key| encoding.apply(&key)),
        next_version_id_marker: next_version.flatten(),
        versions: Some(versions),
        delete_markers: Some(markers),
        name: Some(input.bucket),
        prefix: Some(spelled(&input.prefix).unwrap_or_default()),
        delimiter: spelled(&input.delimiter),
        max_keys: i32::try_from(max).ok(),
        common_prefixes: Some(page.prefixes.iter().map(prefix).collect()),
        encoding_type: encoding.name(),
        request_charged: None,
    })
}

fn shown(
    key: String,
    found: &Found,
    content: &Content,
    restores: Option<Timestamp>,
) -> ObjectVersion {
    ObjectVersion {
        e_tag: Some(format!("\"{}\"", content.etag)),
        checksum_algorithm: content.checksum.as_ref().map(|sum| vec![sum.algorithm.clone()]),
        checksum_type: content.checksum.as_ref().map(|sum| sum.kind.name().to_owned()),
        size: i64::try_from(content.bytes).ok(),
        storage_class: Some(content.class.clone()),
        key: Some(key),
        version_id: Some(found.version.id.0.clone()),
        is_latest: Some(found.latest),
        last_modified: Some(found.version.modified),
        owner: Some(owner(&found.version.owner)),
        restore_status: restores.and_then(|now| restore_status(content, now)),
    }
}

/// The first row of the page.
fn begin(
    rows: &dyn Rows,
    bucket: u64,
    roll: Roll<'_>,
    input: &ListObjectVersionsRequest,
) -> Result<Vec<u8>, Error> {
    let first = row::objects_of(bucket, roll.prefix()).0;
    let key = input.key_marker.as_deref().filter(|key| !key.is_empty());
    let version = input.version_id_marker.as_deref().filter(|version| !version.is_empty());
    let from = match (key, version) {
        (None, None) => return Ok(first),
        (None, Some(version)) => {
            let why = "A version-id marker cannot be specified without a key marker.";
            return Err(invalid_argument(why, "version-id-marker", version));
        }
        (Some(key), None) if roll.ended_with(key) => row::objects_of(bucket, key).1,
        (Some(key), None) => row::past_versions_of(bucket, key),
        (Some(key), Some(version)) => after_version(rows, bucket, key, version)?,
    };
    Ok(from.max(first))
}

/// The row after a version of a key. A version that is gone was listed before the older ones
/// of its key, as its stamp says; a `null` one that is gone leaves the whole key behind.
fn after_version(rows: &dyn Rows, bucket: u64, key: &str, version: &str) -> Result<Vec<u8>, Error> {
    let id = row::VersionId(version.to_owned());
    let current = rows.get(&row::object_key(bucket, key)).map_err(EngineFailure::refusal)?;
    let current = current.map(|row| Version::decode(&row.value)).transpose()?;
    let noncurrent = row::noncurrent_of(bucket, key).0;
    if current.as_ref().is_some_and(|current| current.id == id) {
        return Ok(noncurrent);
    }
    let stamp = if version == "null" {
        let row = rows.get(&row::null_key(bucket, key)).map_err(EngineFailure::refusal)?;
        row.and_then(|row| row::null_stamp(&row.value))
    } else {
        let stamp = id.stamp().ok_or_else(|| {
            invalid_argument("Invalid version id specified", "version-id-marker", version)
        })?;
        Some(stamp)
    };
    // Older stamps come after; zero is no version's.
    let older = |stamp: u64| row::noncurrent_key(bucket, key, stamp.saturating_sub(1));
    Ok(stamp.map_or_else(|| row::past_versions_of(bucket, key), older))
}

fn page(
    rows: &dyn Rows,
    bucket: u64,
    roll: Roll<'_>,
    from: Vec<u8>,
    max: usize,
) -> Result<Page, Error> {
    let mut page = Page { found: Vec::new(), prefixes: Vec::new(), next: None };
    if max == 0 {
        return Ok(page);
    }
    let end = row::objects_of(bucket, roll.prefix()).1;
    let mut last = None;
    let mut damaged = None;
    let mut visit = |key: &[u8], row: &Row| {
        let Some((key, latest)) = row::version_row(key) else { return Scan::On };
        if page.found.len() + page.prefixes.len() == max {
            page.next = last.take();
            return Scan::End;
        }
        if let Some(common) = roll.up(&key) {
            last = Some((common.to_owned(), None));
            page.prefixes.push(common.to_owned());
            return Scan::SeekTo(row::objects_of(bucket, common).1);
        }
        match Version::decode(&row.value) {
            Ok(version) => {
                last = Some((key.clone(), Some(version.id.0.clone())));
                page.found.push(Found { key, latest, version });
                Scan::On
            }
            Err(error) => {
                damaged = Some(error);
                Scan::End
            }
        }
    };
    rows.scan(&from, &end, &mut visit).map_err(EngineFailure::refusal)?;
    damaged.map_or(Ok(page), |error| Err(error.into()))
}
