//! GetObject.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>

use aws::{Call, Error};

use super::read::{ATTEMPTS_MAX, Asked, Readable, Span, check_overrides, never_opened};
use super::{class, lock, metadata};
use crate::S3;
use crate::checksum::{Algorithm, Shows};
use crate::condition::ReadCondition;
use crate::keys::CustomerHeaders;
use crate::lifecycle::Day;
use crate::model::{GetObjectOutput, GetObjectRequest};
use crate::row::Content;

pub async fn get(s3: &S3, call: &Call, input: GetObjectRequest) -> Result<GetObjectOutput, Error> {
    answer(s3, call, &input, Method::Get).await
}

/// HeadObject is GetObject without the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
}

pub(super) async fn answer(
    s3: &S3,
    call: &Call,
    input: &GetObjectRequest,
    method: Method,
) -> Result<GetObjectOutput, Error> {
    check_overrides(call, has_overrides(input))?;
    let customer = CustomerHeaders::from(input).read(call)?;
    for _ in 0..ATTEMPTS_MAX {
        let readable = find(s3, input, method)?;
        let content = readable.content();
        let key = s3.data_key(&content.sealing, customer.as_ref()).await?;
        conditions(input).check(&readable)?;
        if method == Method::Get {
            class::check_readable(content, call.at)?;
        }
        let span = Span::read(content, input.range.as_deref(), input.part_number)?;
        let body = match method {
            Method::Head => None,
            Method::Get => match s3.give(content, &key, &span.bytes).await? {
                Some(body) => Some(body),
                None => continue,
            },
        };
        let mut output = described(&readable, call, s3.inner.day);
        show_span(&mut output, content, &span, input);
        override_headers(&mut output, input);
        output.body = body;
        return Ok(output);
    }
    Err(never_opened())
}

fn find(s3: &S3, input: &GetObjectRequest, method: Method) -> Result<Readable, Error> {
    s3.readable(Asked {
        bucket: &input.bucket,
        expected_owner: input.expected_bucket_owner.as_deref(),
        key: &input.key,
        version_id: input.version_id.as_deref(),
        method: if method == Method::Get { "GET" } else { "HEAD" },
    })
}

fn conditions(input: &GetObjectRequest) -> ReadCondition<'_> {
    ReadCondition {
        if_match: input.if_match.as_deref(),
        if_none_match: input.if_none_match.as_deref(),
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    }
}

/// What is said of an object whichever of its bytes are given.
fn described(readable: &Readable, call: &Call, day: Day) -> GetObjectOutput {
    let content = readable.content();
    let headers = content.headers.clone();
    let retention = content.retention.as_ref();
    GetObjectOutput {
        accept_ranges: Some("bytes".into()),
        restore: class::restore_header(content, call.at),
        last_modified: Some(readable.version().modified.to_whole_secs()),
        e_tag: Some(format!("\"{}\"", content.etag)),
        version_id: readable.version_id(),
        expiration: readable.expiration(day),
        cache_control: headers.cache_control,
        content_disposition: headers.content_disposition,
        content_encoding: headers.content_encoding,
        content_language: headers.content_language,
        content_type: Some(headers.content_type.unwrap_or_else(|| UNTYPED.into())),
        expires: headers.expires,
        website_redirect_location: content.website_redirect.clone(),
        metadata: metadata::shown(&content.metadata),
        storage_class: class::shown(&content.class),
        tag_count: i32::try_from(content.tags.len()).ok().filter(|count| *count > 0),
        object_lock_mode: retention.map(|retention| retention.mode.clone()),
        object_lock_retain_until_date: retention.map(|retention| retention.until),
        object_lock_legal_hold_status: content.legal_hold.map(lock::legal_hold_name),
        server_side_encryption: content.sealing.algorithm_shown(),
        sse_customer_algorithm: content.sealing.customer_algorithm_shown(),
        sse_customer_key_md5: content.sealing.customer_key_md5_shown(),
        ..GetObjectOutput::default()
    }
}

/// The type of an object that was given none.
const UNTYPED: &str = "binary/octet-stream";

fn show_span(
    output: &mut GetObjectOutput,
    content: &Content,
    span: &Span<'_>,
    input: &GetObjectRequest,
) {
    output.content_length = i64::try_from(span.len()).ok();
    output.content_range = span.content_range(content);
    if input.part_number.is_some() && content.multipart {
        output.parts_count = i32::try_from(content.pieces.len()).ok();
    }
    let Some(checksum) = content.checksum.as_ref().filter(|_| input.checksum_mode.is_some()) else {
        return;
    };
    match span.part {
        // The part's own; the object's would be held against the part's bytes.
        Some(part) => {
            let algorithm = Algorithm::parse(&checksum.algorithm);
            if let (Some(algorithm), Some(value)) = (algorithm, &part.checksum) {
                *output.value(algorithm) = Some(value.clone());
                output.checksum_type = Some(checksum.kind.name().into());
            }
        }
        None if span.is_whole(content) => output.show(checksum),
        None => {}
    }
}

fn has_overrides(input: &GetObjectRequest) -> bool {
    input.response_cache_control.is_some()
        || input.response_content_disposition.is_some()
        || input.response_content_encoding.is_some()
        || input.response_content_language.is_some()
        || input.response_content_type.is_some()
        || input.response_expires.is_some()
}

fn override_headers(output: &mut GetObjectOutput, input: &GetObjectRequest) {
    let expires = input.response_expires.map(|at| at.to_http_date());
    let overrides = [
        (&mut output.cache_control, &input.response_cache_control),
        (&mut output.content_disposition, &input.response_content_disposition),
        (&mut output.content_encoding, &input.response_content_encoding),
        (&mut output.content_language, &input.response_content_language),
        (&mut output.content_type, &input.response_content_type),
        (&mut output.expires, &expires),
    ];
    for (header, given) in overrides {
        if let Some(given) = given {
            *header = Some(given.clone());
        }
    }
}
