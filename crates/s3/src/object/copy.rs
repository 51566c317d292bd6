//! CopyObject: the source's bytes are read, opened, sealed anew and written, in bounded memory.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>

use std::ops::Range;

use aws::{Call, Error};
use objects::Change;

use super::copy_source::{CopySource, Source};
use super::described::{Described, Planned};
use super::intake::{BYTES_MAX, Intake, Taken};
use super::put::PLAIN_SALT;
use super::read::Readable;
use super::{check_key, shown_version_id};
use crate::S3;
use crate::checksum::{Algorithm, Shows};
use crate::condition::WriteCondition;
use crate::error::{EngineFailure, invalid_argument, invalid_request};
use crate::keys::CustomerHeaders;
use crate::model::{CopyObjectOutput, CopyObjectRequest, CopyObjectResult};
use crate::row::{Bucket, Content, Piece, Version};
use crate::version::{self, Addition};

pub async fn copy(
    s3: &S3,
    call: &Call,
    mut input: CopyObjectRequest,
) -> Result<CopyObjectOutput, Error> {
    check_key(&input.key)?;
    let directives = Directives::read(&input)?;
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let condition =
        WriteCondition::read(input.if_match.as_deref(), input.if_none_match.as_deref())?;
    let asked = CopySource::parse(&input.copy_source)?;
    let target_customer = CustomerHeaders::from(&input).read(call)?;
    let asks_change = asks_change(&input, directives);
    let (source, body) = s3.open_source(call, &Source::from((&asked, &input)), whole).await?;
    let content = source.content();
    let (data_key, sealing) = s3.new_data_key(target_customer.as_ref()).await?;
    let mut planned = Described::from(&mut input).plan(call, &bucket, sealing)?;
    let onto_itself = source.bucket.id == bucket.id
        && asked.key == input.key
        && asked.version_id.is_none()
        && planned.content.class == content.class;
    if onto_itself && !asks_change {
        return Err(invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    directives.apply(&mut planned.content, content);
    let intake = Intake {
        may_be_fewer: false,
        bytes: content.bytes,
        class: &planned.content.class,
        key: data_key.blob_key(PLAIN_SALT),
        algorithm: algorithm(&input, content)?,
    };
    let taken = intake.take(s3, body.into_chunks()).await?;
    let target = Target { bucket: &bucket, key: &input.key, condition: &condition };
    let version = target.commit(s3, call, planned, taken, content.bytes).await?;
    Ok(answer(&bucket, &version, &source))
}

/// What is taken from the source, and what from the request.
#[derive(Clone, Copy)]
struct Directives {
    replace_metadata: bool,
    replace_tags: bool,
}

impl Directives {
    fn read(input: &CopyObjectRequest) -> Result<Self, Error> {
        let replaces = |given: Option<&str>, message: &str, header: &str| match given {
            None | Some("COPY") => Ok(false),
            Some("REPLACE") => Ok(true),
            Some(other) => Err(invalid_argument(message, header, other)),
        };
        Ok(Self {
            replace_metadata: replaces(
                input.metadata_directive.as_deref(),
                "Unknown metadata directive.",
                "x-amz-metadata-directive",
            )?,
            replace_tags: replaces(
                input.tagging_directive.as_deref(),
                "Unknown tagging directive.",
                "x-amz-tagging-directive",
            )?,
        })
    }

    /// The access control list, object lock and the website redirect are never the source's.
    fn apply(self, content: &mut Content, source: &Content) {
        if !self.replace_metadata {
            content.headers = source.headers.clone();
            content.metadata = source.metadata.clone();
        }
        if !self.replace_tags {
            content.tags = source.tags.clone();
        }
    }
}

/// Whether a copy of an object onto itself would change something that S3 counts.
fn asks_change(input: &CopyObjectRequest, directives: Directives) -> bool {
    directives.replace_metadata
        || input.website_redirect_location.is_some()
        || input.server_side_encryption.is_some()
        || input.sse_customer_algorithm.is_some()
        || input.copy_source_sse_customer_algorithm.is_some()
        || input.checksum_algorithm.is_some()
}

fn whole(content: &Content) -> Result<Range<u64>, Error> {
    if content.bytes > BYTES_MAX {
        return Err(invalid_request(format!(
            "The specified copy source is larger than the maximum allowable size for a copy source: {BYTES_MAX}"
        )));
    }
    Ok(0..content.bytes)
}

/// The request's algorithm, the source's, or the default.
fn algorithm(input: &CopyObjectRequest, source: &Content) -> Result<Algorithm, Error> {
    if let Some(name) = input.checksum_algorithm.as_deref() {
        return Algorithm::parse(name).ok_or_else(|| {
            Error::parameter_not_served("CopyObject", &format!("x-amz-checksum-algorithm: {name}"))
        });
    }
    let of_source =
        source.checksum.as_ref().and_then(|checksum| Algorithm::parse(&checksum.algorithm));
    Ok(of_source.unwrap_or(Algorithm::DEFAULT))
}

/// Where a copy goes.
struct Target<'a> {
    bucket: &'a Bucket,
    key: &'a str,
    condition: &'a WriteCondition,
}

impl Target<'_> {
    async fn commit(
        &self,
        s3: &S3,
        call: &Call,
        planned: Planned,
        taken: Taken,
        bytes: u64,
    ) -> Result<Version, Error> {
        let Planned { owner, mut content } = planned;
        content.bytes = bytes;
        content.etag = s3.etag(&content.sealing, &taken.digested);
        content.checksum = Some(taken.digested.checksum());
        let piece = taken.blob.as_ref().map(|blob| Piece {
            blob: blob.id().0,
            bytes,
            number: 1,
            salt: PLAIN_SALT,
            checksum: None,
        });
        content.pieces.extend(piece);
        let decide = |change: &mut Change<'_>| {
            let bucket = s3.same_bucket(change, self.bucket)?;
            let current = version::current(change, bucket.id, self.key)?;
            self.condition.check(self.key, current.as_ref().map(|found| &*found.version))?;
            if let Some(blob) = taken.blob {
                change.attach(blob);
            }
            let addition = Addition { modified: call.at, owner, content: Some(content) };
            version::add(change, &s3.inner.random, &bucket, self.key, addition)
        };
        s3.engine().commit(decide).await.map_err(EngineFailure::refusal)?
    }
}

fn answer(bucket: &Bucket, version: &Version, source: &Readable) -> CopyObjectOutput {
    let content = version.content.as_ref().expect("a copy is no delete marker");
    let mut result = CopyObjectResult {
        e_tag: Some(format!("\"{}\"", content.etag)),
        last_modified: Some(version.modified),
        ..CopyObjectResult::default()
    };
    if let Some(checksum) = &content.checksum {
        result.show(checksum);
    }
    CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: source.version_id(),
        version_id: shown_version_id(bucket, version),
        server_side_encryption: content.sealing.algorithm_shown(),
        sse_customer_algorithm: content.sealing.customer_algorithm_shown(),
        sse_customer_key_md5: content.sealing.customer_key_md5_shown(),
        ..CopyObjectOutput::default()
    }
}
