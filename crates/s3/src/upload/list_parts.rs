//! ListParts.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html>

use aws::{Call, Error};

use super::{PART_NUMBER_MAX, lookup};
use crate::S3;
use crate::checksum::Shows;
use crate::error::invalid_argument;
use crate::lifecycle::abort_of;
use crate::list::{owner, page_size};
use crate::model::{self, Initiator, ListPartsOutput, ListPartsRequest};
use crate::row::{Checksum, ChecksumKind, Part};

pub async fn list(
    s3: &S3,
    _call: &Call,
    input: ListPartsRequest,
) -> Result<ListPartsOutput, Error> {
    let max = page_size(input.max_parts, "max-parts")?;
    let after = marker(input.part_number_marker)?;
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let upload = lookup::find(s3.engine(), bucket.id, &input.key, &input.upload_id)?;
    let mut parts = lookup::parts(s3.engine(), upload.stamp, after, max + 1)?;
    let truncated = max > 0 && parts.len() > max;
    parts.truncate(max);
    let last = parts.last().map_or(i32::from(after), |(number, _)| i32::from(*number));
    let abort = abort_of(&bucket, s3.inner.day, &input.key, upload.initiated);
    Ok(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        part_number_marker: Some(i32::from(after)),
        next_part_number_marker: Some(last),
        max_parts: i32::try_from(max).ok(),
        is_truncated: Some(truncated),
        parts: Some(parts.iter().map(|(number, part)| shown(*number, part)).collect()),
        initiator: Some(Initiator { id: Some(upload.initiator), display_name: None }),
        owner: Some(owner(&upload.owner)),
        storage_class: Some(upload.content.class),
        checksum_algorithm: upload.checksum_algorithm,
        checksum_type: upload.checksum_kind.map(|kind| kind.name().to_owned()),
        abort_date: abort.as_ref().map(|(date, _)| *date),
        abort_rule_id: abort.map(|(_, rule)| rule),
        request_charged: None,
    })
}

fn marker(asked: Option<i32>) -> Result<u16, Error> {
    let asked = asked.unwrap_or(0);
    u16::try_from(asked.min(i32::from(PART_NUMBER_MAX))).map_err(|_| {
        let why = "Argument part-number-marker must be an integer between 0 and 2147483647";
        invalid_argument(why, "part-number-marker", &asked.to_string())
    })
}

fn shown(number: u16, part: &Part) -> model::Part {
    let mut shown = model::Part {
        part_number: Some(i32::from(number)),
        last_modified: Some(part.modified),
        e_tag: Some(format!("\"{}\"", part.etag)),
        size: i64::try_from(part.bytes).ok(),
        ..model::Part::default()
    };
    if let Some((algorithm, value)) = &part.checksum {
        let (algorithm, value) = (algorithm.clone(), value.clone());
        shown.show(&Checksum { algorithm, value, kind: ChecksumKind::FullObject });
    }
    shown
}
