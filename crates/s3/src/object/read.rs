//! Reading an object: which version a request means, whether it may have it, which bytes, and
//! these as they come from the zones.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use aws::{Body, Call, Error};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, try_unfold};
use objects::{BlobKey, FoundBlob, ReadError};

use super::check_key;
use crate::S3;
use crate::condition::{ReadCondition, Verdict, precondition_failed};
use crate::error::{
    EngineFailure, invalid_argument, invalid_request, no_such_key, no_such_version,
};
use crate::keys::DataKey;
use crate::lifecycle::{Day, expiration_of};
use crate::range;
use crate::row::{Bucket, Content, Piece, Version};
use crate::version::{Found, Which};

const PART_NUMBER_MAX: i32 = 10_000;

/// A version that is there and is no delete marker.
pub(crate) struct Readable {
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) key: String,
    pub(crate) found: Found,
}

impl Readable {
    pub(crate) fn version(&self) -> &Version {
        &self.found.version
    }

    pub(crate) fn content(&self) -> &Content {
        self.found.version.content.as_ref().expect("no delete marker becomes a Readable")
    }

    /// `x-amz-expiration`; noncurrent versions have none.
    pub(crate) fn expiration(&self, day: Day) -> Option<String> {
        let current = self.found.is_current();
        current.then(|| expiration_of(&self.bucket, day, &self.key, self.version()))?
    }

    /// `x-amz-version-id`.
    pub(crate) fn version_id(&self) -> Option<String> {
        super::shown_version_id(&self.bucket, &self.found.version)
    }
}

/// A request for an object.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) expected_owner: Option<&'a str>,
    pub(crate) key: &'a str,
    pub(crate) version_id: Option<&'a str>,
    /// The request's method, for the refusal of a delete marker.
    pub(crate) method: &'a str,
}

impl S3 {
    /// Finds what a request asks for.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`; `MethodNotAllowed` (405) for a delete marker
    /// asked for by its id.
    pub(crate) fn readable(&self, asked: Asked<'_>) -> Result<Readable, Error> {
        let bucket = self.bucket(self.engine(), asked.bucket)?;
        bucket.expect_owner(asked.expected_owner)?;
        check_key(asked.key)?;
        let which = Which::read(asked.version_id)?;
        let found = self.inner.versions.find(self.engine(), bucket.id, asked.key, &which)?;
        readable(found, asked.key, asked.version_id, asked.method).map(|found| Readable {
            bucket,
            key: asked.key.to_owned(),
            found,
        })
    }
}

/// Judges what a search for a key found.
///
/// # Errors
/// As of [`S3::readable`].
pub(crate) fn readable(
    found: Option<Found>,
    key: &str,
    version_id: Option<&str>,
    method: &str,
) -> Result<Found, Error> {
    let Some(found) = found else {
        return Err(version_id.map_or_else(|| no_such_key(key), |id| no_such_version(key, id)));
    };
    let version = &found.version;
    if version.content.is_some() {
        return Ok(found);
    }
    let error = if version_id.is_some() {
        let message = "The specified method is not allowed against this resource.";
        Error::client(405, "MethodNotAllowed", message)
            .with_detail("Method", method)
            .with_detail("ResourceType", "DeleteMarker")
            .with_header("allow", "DELETE")
            .with_header("last-modified", version.modified.to_http_date())
    } else {
        no_such_key(key)
    };
    Err(error
        .with_header("x-amz-delete-marker", "true")
        .with_header("x-amz-version-id", &version.id.0))
}

impl ReadCondition<'_> {
    /// # Errors
    /// `PreconditionFailed` (412) and the answer 304.
    pub(crate) fn check(&self, readable: &Readable) -> Result<(), Error> {
        let version = readable.version();
        let etag = &readable.content().etag;
        match self.judge(etag, version.modified) {
            Verdict::Read => Ok(()),
            Verdict::Failed(header) => Err(precondition_failed(header)),
            Verdict::NotModified => {
                let answer = Error::not_modified()
                    .with_header("etag", format!("\"{etag}\""))
                    .with_header("last-modified", version.modified.to_http_date());
                let headers = &readable.content().headers;
                let kept =
                    [("cache-control", &headers.cache_control), ("expires", &headers.expires)];
                let answer = kept.into_iter().fold(answer, |answer, (name, value)| match value {
                    Some(value) => answer.with_header(name, value),
                    None => answer,
                });
                Err(match readable.version_id() {
                    Some(id) => answer.with_header("x-amz-version-id", id),
                    None => answer,
                })
            }
        }
    }
}

/// Which bytes of an object an answer has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span<'a> {
    pub(crate) bytes: Range<u64>,
    /// Whether only these were asked for, which makes the answer a 206.
    pub(crate) partial: bool,
    /// The part that was asked for by its number.
    pub(crate) part: Option<&'a Piece>,
}

impl<'a> Span<'a> {
    /// Reads `Range` and `partNumber`.
    ///
    /// # Errors
    /// `InvalidRange` and `InvalidPartNumber` (416), `InvalidArgument`, and `InvalidRequest` for
    /// both at once.
    pub(crate) fn read(
        content: &'a Content,
        range: Option<&str>,
        part_number: Option<i32>,
    ) -> Result<Self, Error> {
        let whole = Self { bytes: 0..content.bytes, partial: false, part: None };
        match (range, part_number) {
            (None, None) => Ok(whole),
            (Some(_), Some(_)) => Err(invalid_request(
                "Cannot specify both Range header and partNumber query parameter",
            )),
            (Some(header), None) => Ok(match range::read(header, content.bytes)? {
                Some(bytes) => Self { bytes, partial: true, part: None },
                None => whole,
            }),
            (None, Some(number)) => Self::of_part(content, number),
        }
    }

    fn of_part(content: &'a Content, number: i32) -> Result<Self, Error> {
        if !(1..=PART_NUMBER_MAX).contains(&number) {
            let message = "Part number must be an integer between 1 and 10000, inclusive";
            return Err(invalid_argument(message, "partNumber", &number.to_string()));
        }
        if !content.multipart && number == 1 {
            // An empty object has no first byte that `Content-Range` could name.
            let partial = content.bytes > 0;
            return Ok(Self { bytes: 0..content.bytes, partial, part: None });
        }
        let mut start = 0;
        for piece in content.pieces.iter().filter(|_| content.multipart) {
            let bytes = start..start + piece.bytes;
            if i32::from(piece.number) == number {
                return Ok(Self { partial: piece.bytes > 0, bytes, part: Some(piece) });
            }
            start = bytes.end;
        }
        let message = "The requested partnumber is not satisfiable";
        Err(Error::client(416, "InvalidPartNumber", message)
            .with_detail("PartNumberRequested", number.to_string())
            .with_detail("ActualPartCount", content.pieces.len().max(1).to_string()))
    }

    pub(crate) fn len(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }

    pub(crate) fn content_range(&self, content: &Content) -> Option<String> {
        self.partial.then(|| range::content_range(&self.bytes, content.bytes))
    }

    /// Whether these are all bytes of the object, so that its checksum is theirs.
    pub(crate) fn is_whole(&self, content: &Content) -> bool {
        self.bytes == (0..content.bytes)
    }
}

/// A blob's bytes that are wanted.
struct Wanted {
    blob: FoundBlob,
    key: BlobKey,
    bytes: Range<u64>,
}

/// How often a read looks again for a key whose versions are replaced faster than they are opened.
pub(crate) const ATTEMPTS_MAX: usize = 16;

/// A key that did not stand still for [`ATTEMPTS_MAX`] looks, or rows that name lost bytes.
pub(crate) fn never_opened() -> Error {
    Error::internal("no version that was found had its bytes")
}

/// Bytes on their way out: the blobs after one another, each opened when the one before has been
/// given, so that an answer holds no more than one blob's reader does.
struct Giving {
    wanted: VecDeque<Wanted>,
    open: Option<BoxStream<'static, Result<Bytes, ReadError>>>,
}

impl S3 {
    /// The bytes of a span. The first of them are read before this answers, so that an object
    /// that cannot be read is refused and not cut short. `None` when the version was taken away
    /// after it was found: whoever asked looks again.
    ///
    /// # Errors
    /// The engine's.
    pub(crate) async fn give(
        &self,
        content: &Content,
        key: &DataKey,
        span: &Range<u64>,
    ) -> Result<Option<Body>, Error> {
        // All of them are found before the first byte goes out: once that is so, replacing the
        // object does not end the answer.
        let wanted = match self.wanted(content, key, span) {
            Ok(wanted) => wanted,
            Err(ReadError::NoSuchBlob(_)) => return Ok(None),
            Err(error) => return Err(error.refusal()),
        };
        let mut giving = Giving { wanted, open: None };
        let len = span.end - span.start;
        let first = match giving.next().await {
            Ok(Some(first)) => first,
            Ok(None) => return Ok(Some(Body::default())),
            Err(ReadError::NoSuchBlob(_)) => return Ok(None),
            Err(error) => return Err(error.refusal()),
        };
        if first.len() as u64 == len {
            return Ok(Some(Body::Bytes(first)));
        }
        let rest = try_unfold(giving, |mut giving| async move {
            let next = giving.next().await.map_err(EngineFailure::refusal)?;
            Ok(next.map(|bytes| (bytes, giving)))
        });
        let first = futures_util::stream::once(async { Ok(first) });
        Ok(Some(Body::stream(Box::pin(first.chain(rest)), Some(len))))
    }

    fn wanted(
        &self,
        content: &Content,
        key: &DataKey,
        span: &Range<u64>,
    ) -> Result<VecDeque<Wanted>, ReadError> {
        let mut start = 0;
        let mut wanted = VecDeque::new();
        for piece in &content.pieces {
            let end = start + piece.bytes;
            let bytes = span.start.clamp(start, end)..span.end.clamp(start, end);
            if bytes.start < bytes.end {
                wanted.push_back(Wanted {
                    blob: self.engine().find(piece.blob())?,
                    key: key.blob_key(piece.salt),
                    bytes: bytes.start - start..bytes.end - start,
                });
            }
            start = end;
        }
        Ok(wanted)
    }
}

impl Giving {
    async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        loop {
            if let Some(reader) = &mut self.open {
                match reader.next().await {
                    Some(bytes) => return bytes.map(Some),
                    None => self.open = None,
                }
            }
            let Some(Wanted { blob, key, bytes }) = self.wanted.pop_front() else {
                return Ok(None);
            };
            let reader = blob.read(Some(key), bytes).await?;
            self.open = Some(reader.boxed());
        }
    }
}

/// `response-*` parameters are for signed requests only: a link that anyone may make must not
/// change what an object says it is.
///
/// # Errors
/// `InvalidRequest` for an anonymous request that has one.
pub(crate) fn check_overrides(call: &Call, any: bool) -> Result<(), Error> {
    if any && call.identity.account.is_none() {
        return Err(invalid_request(
            "Request specific response headers cannot be used for anonymous GET requests.",
        ));
    }
    Ok(())
}
