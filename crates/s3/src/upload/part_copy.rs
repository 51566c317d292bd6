//! UploadPartCopy: a part made of an object's bytes.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html>

use std::ops::Range;

use aws::{Call, Error};

use super::part::Coming;
use super::{lookup, part_number};
use crate::S3;
use crate::checksum::{Algorithm, Shows};
use crate::error::{invalid_argument, invalid_request};
use crate::keys::CustomerHeaders;
use crate::model::{CopyPartResult, UploadPartCopyOutput, UploadPartCopyRequest};
use crate::object::copy_source::{CopySource, Source};
use crate::object::intake::BYTES_MAX;
use crate::row::{Checksum, ChecksumKind, Content};

pub async fn copy(
    s3: &S3,
    call: &Call,
    input: UploadPartCopyRequest,
) -> Result<UploadPartCopyOutput, Error> {
    let number = part_number(input.part_number)?;
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let upload = lookup::find(s3.engine(), bucket.id, &input.key, &input.upload_id)?;
    let asked = CopySource::parse(&input.copy_source)?;
    let customer = CustomerHeaders::from(&input).read(call)?;
    let span = |content: &Content| range(input.copy_source_range.as_deref(), content.bytes);
    let (found, body) = s3.open_source(call, &Source::from((&asked, &input)), span).await?;
    let bytes = span(found.content())?;

    let algorithm = upload.checksum_algorithm.as_deref().and_then(Algorithm::parse);
    let coming = Coming {
        bucket: &bucket,
        upload: &upload,
        number,
        bytes: bytes.end - bytes.start,
        algorithm: algorithm.unwrap_or(Algorithm::DEFAULT),
    };
    let (taken, salt) = coming.take(s3, customer.as_ref(), body.into_chunks()).await?;
    let part = coming.keep(s3, taken, salt, call.at).await?;
    let mut result = CopyPartResult {
        e_tag: Some(format!("\"{}\"", part.etag)),
        last_modified: Some(part.modified),
        ..CopyPartResult::default()
    };
    if let (Some(_), Some((algorithm, value))) = (algorithm, part.checksum) {
        result.show(&Checksum { algorithm, value, kind: ChecksumKind::FullObject });
    }
    let sealing = &upload.content.sealing;
    Ok(UploadPartCopyOutput {
        copy_source_version_id: found.version_id(),
        copy_part_result: Some(result),
        server_side_encryption: sealing.algorithm_shown(),
        sse_customer_algorithm: sealing.customer_algorithm_shown(),
        sse_customer_key_md5: sealing.customer_key_md5_shown(),
        ..UploadPartCopyOutput::default()
    })
}

/// `bytes=FIRST-LAST`, both given and both there; all bytes without the header.
fn range(header: Option<&str>, size: u64) -> Result<Range<u64>, Error> {
    let bytes = match header {
        None => 0..size,
        Some(header) => {
            let form = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy";
            let malformed = || invalid_argument(form, "x-amz-copy-source-range", header);
            let (first, last) = header
                .strip_prefix("bytes=")
                .and_then(|range| range.split_once('-'))
                .and_then(|(first, last)| Some((digits(first)?, digits(last)?)))
                .filter(|(first, last)| first <= last)
                .ok_or_else(malformed)?;
            if last >= size {
                return Err(invalid_argument(
                    format!("Range specified is not valid for source object of size: {size}"),
                    "x-amz-copy-source-range",
                    header,
                ));
            }
            first..last + 1
        }
    };
    if bytes.end - bytes.start > BYTES_MAX {
        return Err(invalid_request(format!(
            "The specified copy source is larger than the maximum allowable size for a copy source: {BYTES_MAX}"
        )));
    }
    Ok(bytes)
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_names_bytes_that_are_there() {
        let check = |header, expected: Option<Range<u64>>| {
            assert_eq!(range(header, 10).ok(), expected, "{header:?}");
        };
        check(None, Some(0..10));
        check(Some("bytes=0-9"), Some(0..10));
        check(Some("bytes=3-3"), Some(3..4));
        for refused in ["bytes=0-10", "bytes=5-", "bytes=-5", "bytes=4-3", "0-9", "bytes=+1-2"] {
            check(Some(refused), None);
        }
    }
}
