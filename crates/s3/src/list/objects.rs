//! ListObjects and ListObjectsV2: the current versions that are no delete markers.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>

use aws::{Call, Error, Timestamp};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use objects::{Row, Rows, Scan};

use super::{Encoding, Roll, owner, page_size};
use crate::S3;
use crate::error::{EngineFailure, invalid_argument};
use crate::model::{
    CommonPrefix, ListObjectsOutput, ListObjectsRequest, ListObjectsV2Output, ListObjectsV2Request,
    Object, RestoreStatus,
};
use crate::row::{self, Codec, Content, Version};

/// Where a page begins.
enum After {
    Nothing,
    Key(String),
    /// Everything under it was listed.
    Prefix(String),
}

/// A page of current objects.
struct Page {
    objects: Vec<(String, Version)>,
    prefixes: Vec<String>,
    /// The last entry, where more follow.
    next: Option<Last>,
}

enum Last {
    Key(String),
    Prefix(String),
}

pub async fn list(
    s3: &S3,
    call: &Call,
    input: ListObjectsRequest,
) -> Result<ListObjectsOutput, Error> {
    let encoding = Encoding::parse(input.encoding_type.as_deref())?;
    let max = page_size(input.max_keys, "maxKeys")?;
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let roll = Roll::new(input.prefix.as_deref(), input.delimiter.as_deref());
    let after = match &input.marker {
        None => After::Nothing,
        Some(marker) if roll.ended_with(marker) => After::Prefix(marker.clone()),
        Some(marker) => After::Key(marker.clone()),
    };
    let page = page(s3.engine(), bucket.id, roll, &after, max)?;
    let restores = wants_restores(input.optional_object_attributes.as_deref());
    let shown = Shown { encoding, owners: true, restores, now: call.at };
    // Without a delimiter, clients go on from the last key they were given.
    let next_marker = (page
        .next
        .as_ref()
        .filter(|_| input.delimiter.as_ref().is_some_and(|given| !given.is_empty())))
    .map(|(Last::Key(last) | Last::Prefix(last))| encoding.apply(last));
    let spelled = |text: &Option<String>| text.as_deref().map(|text| encoding.apply(text));
    Ok(ListObjectsOutput {
        is_truncated: Some(page.next.is_some()),
        marker: Some(spelled(&input.marker).unwrap_or_default()),
        next_marker,
        contents: Some(page.objects.iter().map(|found| shown.object(found)).collect()),
        name: Some(input.bucket),
        prefix: Some(spelled(&input.prefix).unwrap_or_default()),
        delimiter: spelled(&input.delimiter),
        max_keys: i32::try_from(max).ok(),
        common_prefixes: shown.prefixes(&page.prefixes),
        encoding_type: encoding.name(),
        request_charged: None,
    })
}

pub async fn list_v2(
    s3: &S3,
    call: &Call,
    input: ListObjectsV2Request,
) -> Result<ListObjectsV2Output, Error> {
    let encoding = Encoding::parse(input.encoding_type.as_deref())?;
    let max = page_size(input.max_keys, "maxKeys")?;
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let roll = Roll::new(input.prefix.as_deref(), input.delimiter.as_deref());
    let after = match (&input.continuation_token, &input.start_after) {
        (Some(token), _) => open(token)?,
        (None, Some(key)) => After::Key(key.clone()),
        (None, None) => After::Nothing,
    };
    let page = page(s3.engine(), bucket.id, roll, &after, max)?;
    let owners = input.fetch_owner == Some(true);
    let restores = wants_restores(input.optional_object_attributes.as_deref());
    let shown = Shown { encoding, owners, restores, now: call.at };
    let spelled = |text: &Option<String>| text.as_deref().map(|text| encoding.apply(text));
    Ok(ListObjectsV2Output {
        is_truncated: Some(page.next.is_some()),
        contents: Some(page.objects.iter().map(|found| shown.object(found)).collect()),
        name: Some(input.bucket),
        prefix: Some(spelled(&input.prefix).unwrap_or_default()),
        delimiter: spelled(&input.delimiter),
        max_keys: i32::try_from(max).ok(),
        common_prefixes: shown.prefixes(&page.prefixes),
        encoding_type: encoding.name(),
        key_count: i32::try_from(page.objects.len() + page.prefixes.len()).ok(),
        continuation_token: input.continuation_token,
        next_continuation_token: page.next.as_ref().map(seal),
        start_after: spelled(&input.start_after),
        request_charged: None,
    })
}

/// A continuation token: opaque to clients, who may not rely on its form. It gives nothing that
/// `start-after` does not give, so it is not sealed.
fn seal(last: &Last) -> String {
    let text = match last {
        Last::Key(key) => format!("k{key}"),
        Last::Prefix(prefix) => format!("p{prefix}"),
    };
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

fn open(token: &str) -> Result<After, Error> {
    let text = BASE64_URL_SAFE_NO_PAD.decode(token).ok().and_then(|t| String::from_utf8(t).ok());
    let after = text.as_deref().and_then(|text| {
        let key = text.strip_prefix('k').map(|key| After::Key(key.to_owned()));
        key.or_else(|| text.strip_prefix('p').map(|prefix| After::Prefix(prefix.to_owned())))
    });
    after.ok_or_else(|| {
        let why = "The continuation token provided is incorrect";
        invalid_argument(why, "continuation-token", token)
    })
}

fn page(
    rows: &dyn Rows,
    bucket: u64,
    roll: Roll<'_>,
    after: &After,
    max: usize,
) -> Result<Page, Error> {
    let mut page = Page { objects: Vec::new(), prefixes: Vec::new(), next: None };
    if max == 0 {
        return Ok(page);
    }
    let (first, end) = row::objects_of(bucket, roll.prefix());
    let from = match after {
        After::Nothing => first,
        After::Key(key) => row::past_versions_of(bucket, key).max(first),
        After::Prefix(prefix) => row::objects_of(bucket, prefix).1.max(first),
    };
    let mut last = None;
    let mut damaged = None;
    let mut visit = |key: &[u8], row: &Row| {
        let Some((key, current)) = row::version_row(key) else { return Scan::On };
        if !current {
            return Scan::SeekTo(row::past_versions_of(bucket, &key));
        }
        let version = match Version::decode(&row.value) {
            Ok(version) if version.content.is_none() => return Scan::On,
            Ok(version) => version,
            Err(error) => {
                damaged = Some(error);
                return Scan::End;
            }
        };
        if page.objects.len() + page.prefixes.len() == max {
            page.next = last.take();
            return Scan::End;
        }
        if let Some(common) = roll.up(&key) {
            last = Some(Last::Prefix(common.to_owned()));
            page.prefixes.push(common.to_owned());
            return Scan::SeekTo(row::objects_of(bucket, common).1);
        }
        last = Some(Last::Key(key.clone()));
        page.objects.push((key, version));
        Scan::On
    };
    rows.scan(&from, &end, &mut visit).map_err(EngineFailure::refusal)?;
    damaged.map_or(Ok(page), |error| Err(error.into()))
}

fn wants_restores(attributes: Option<&[String]>) -> bool {
    attributes.is_some_and(|wanted| wanted.iter().any(|name| name == "RestoreStatus"))
}

/// How objects are shown.
struct Shown {
    encoding: Encoding,
    owners: bool,
    restores: bool,
    now: Timestamp,
}

impl Shown {
    fn object(&self, (key, version): &(String, Version)) -> Object {
        let Some(content) = &version.content else { return Object::default() };
        Object {
            key: Some(self.encoding.apply(key)),
            last_modified: Some(version.modified),
            e_tag: Some(format!("\"{}\"", content.etag)),
            checksum_algorithm: content.checksum.as_ref().map(|sum| vec![sum.algorithm.clone()]),
            checksum_type: content.checksum.as_ref().map(|sum| sum.kind.name().to_owned()),
            size: i64::try_from(content.bytes).ok(),
            storage_class: Some(content.class.clone()),
            owner: self.owners.then(|| owner(&version.owner)),
            restore_status: restore_status(content, self.now).filter(|_| self.restores),
        }
    }

    fn prefixes(&self, prefixes: &[String]) -> Option<Vec<CommonPrefix>> {
        let spelled = |prefix: &String| CommonPrefix { prefix: Some(self.encoding.apply(prefix)) };
        Some(prefixes.iter().map(spelled).collect())
    }
}

/// How far the restore of an archived object is, while it is underway or its copy there.
pub(super) fn restore_status(content: &Content, now: Timestamp) -> Option<RestoreStatus> {
    let restore = content.restore.as_ref().filter(|restore| now < restore.expires)?;
    let underway = now < restore.ready;
    Some(RestoreStatus {
        is_restore_in_progress: Some(underway),
        restore_expiry_date: (!underway).then_some(restore.expires),
    })
}
