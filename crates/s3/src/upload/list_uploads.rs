//! ListMultipartUploads: by key, and the oldest of a key first.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html>

use aws::{Call, Error};
use objects::{Row, Rows, Scan};

use crate::S3;
use crate::error::{EngineFailure, invalid_argument};
use crate::list::{Encoding, Roll, owner, page_size};
use crate::model::{
    CommonPrefix, Initiator, ListMultipartUploadsOutput, ListMultipartUploadsRequest,
    MultipartUpload,
};
use crate::row::{self, Codec, Upload, UploadId};

struct Page {
    uploads: Vec<Upload>,
    prefixes: Vec<String>,
    /// The last entry's key or prefix, and its upload id, where more follow.
    next: Option<(String, Option<String>)>,
}

pub async fn list(
    s3: &S3,
    _call: &Call,
    input: ListMultipartUploadsRequest,
) -> Result<ListMultipartUploadsOutput, Error> {
    let encoding = Encoding::parse(input.encoding_type.as_deref())?;
    let max = page_size(input.max_uploads, "max-uploads")?;
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let roll = Roll::new(input.prefix.as_deref(), input.delimiter.as_deref());
    let from = begin(bucket.id, roll, &input)?;
    let page = page(s3.engine(), bucket.id, roll, &from, max)?;
    let spelled = |text: &Option<String>| text.as_deref().map(|text| encoding.apply(text));
    let prefix = |prefix: &String| CommonPrefix { prefix: Some(encoding.apply(prefix)) };
    let (next_key, next_upload) = page.next.unzip();
    Ok(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        key_marker: Some(spelled(&input.key_marker).unwrap_or_default()),
        upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
        is_truncated: Some(next_key.is_some()),
        next_key_marker: next_key.map(|key| encoding.apply(&key)),
        next_upload_id_marker: next_upload.flatten(),
        prefix: Some(spelled(&input.prefix).unwrap_or_default()),
        delimiter: spelled(&input.delimiter),
        max_uploads: i32::try_from(max).ok(),
        uploads: Some(page.uploads.into_iter().map(|upload| shown(upload, encoding)).collect()),
        common_prefixes: Some(page.prefixes.iter().map(prefix).collect()),
        encoding_type: encoding.name(),
        request_charged: None,
    })
}

fn shown(upload: Upload, encoding: Encoding) -> MultipartUpload {
    MultipartUpload {
        upload_id: Some(upload.id.0),
        key: Some(encoding.apply(&upload.key)),
        initiated: Some(upload.initiated),
        storage_class: Some(upload.content.class),
        owner: Some(owner(&upload.owner)),
        initiator: Some(Initiator { id: Some(upload.initiator), display_name: None }),
        checksum_algorithm: upload.checksum_algorithm,
        checksum_type: upload.checksum_kind.map(|kind| kind.name().to_owned()),
    }
}

/// The first row of the page. An upload marker means something only beside a key marker.
fn begin(
    bucket: u64,
    roll: Roll<'_>,
    input: &ListMultipartUploadsRequest,
) -> Result<Vec<u8>, Error> {
    let first = row::uploads_under(bucket, roll.prefix()).0;
    let Some(key) = input.key_marker.as_deref().filter(|key| !key.is_empty()) else {
        return Ok(first);
    };
    let from = match input.upload_id_marker.as_deref().filter(|id| !id.is_empty()) {
        None if roll.ended_with(key) => row::uploads_under(bucket, key).1,
        None => row::past_uploads_of(bucket, key),
        Some(id) => {
            let stamp = UploadId(id.to_owned()).stamp().ok_or_else(|| {
                invalid_argument("Invalid uploadId marker", "upload-id-marker", id)
            })?;
            row::upload_key(bucket, key, stamp.saturating_add(1))
        }
    };
    Ok(from.max(first))
}

fn page(
    rows: &dyn Rows,
    bucket: u64,
    roll: Roll<'_>,
    from: &[u8],
    max: usize,
) -> Result<Page, Error> {
    let mut page = Page { uploads: Vec::new(), prefixes: Vec::new(), next: None };
    if max == 0 {
        return Ok(page);
    }
    let end = row::uploads_under(bucket, roll.prefix()).1;
    let mut last = None;
    let mut damaged = None;
    let mut visit = |_: &[u8], row: &Row| {
        let upload = match Upload::decode(&row.value) {
            Ok(upload) => upload,
            Err(error) => {
                damaged = Some(error);
                return Scan::End;
            }
        };
        if page.uploads.len() + page.prefixes.len() == max {
            page.next = last.take();
            return Scan::End;
        }
        if let Some(common) = roll.up(&upload.key) {
            last = Some((common.to_owned(), None));
            page.prefixes.push(common.to_owned());
            return Scan::SeekTo(row::uploads_under(bucket, common).1);
        }
        last = Some((upload.key.clone(), Some(upload.id.0.clone())));
        page.uploads.push(upload);
        Scan::On
    };
    rows.scan(from, &end, &mut visit).map_err(EngineFailure::refusal)?;
    damaged.map_or(Ok(page), |error| Err(error.into()))
}
