//! `x-amz-copy-source`: what a copy is made of.

use std::ops::Range;

use aws::protocol::percent_decode;
use aws::{Body, Call, Error};

use super::class;
use super::read::{ATTEMPTS_MAX, Asked, Readable, never_opened};
use crate::S3;
use crate::condition::{ReadCondition, Verdict, precondition_failed};
use crate::error::{invalid_argument, invalid_request};
use crate::keys::CustomerHeaders;
use crate::model;
use crate::row::Content;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CopySource {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// As it was given.
    pub(crate) version_id: Option<String>,
}

impl CopySource {
    /// Reads `bucket/key` or `/bucket/key`, percent-encoded once, perhaps with `?versionId=` of
    /// its own: a question mark within a key is encoded.
    ///
    /// # Errors
    /// `InvalidArgument` for another form.
    pub(crate) fn parse(header: &str) -> Result<Self, Error> {
        let invalid = |message: &str| invalid_argument(message, "x-amz-copy-source", header);
        let (path, version_id) = match header.split_once("?versionId=") {
            Some((path, id)) => (path, Some(id)),
            None => (header, None),
        };
        let path =
            percent_decode(path, false).ok_or_else(|| invalid("Invalid copy source encoding"))?;
        if path.starts_with("arn:") {
            return Err(Error::parameter_not_served("copies", "x-amz-copy-source: arn"));
        }
        let path = path.strip_prefix('/').unwrap_or(&path);
        let form = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";
        match path.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => Ok(Self {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                version_id: version_id.map(str::to_owned),
            }),
            _ => Err(invalid(form)),
        }
    }
}

/// A source and the headers that are about it.
pub(crate) struct Source<'a> {
    pub(crate) asked: &'a CopySource,
    pub(crate) expected_owner: Option<&'a str>,
    pub(crate) condition: ReadCondition<'a>,
    pub(crate) customer: CustomerHeaders<'a>,
}

// A macro, because the shapes have nothing in common but the names of their fields.
macro_rules! sources {
    ($($shape:ident)*) => {
        $(impl<'a> From<(&'a CopySource, &'a model::$shape)> for Source<'a> {
            fn from((asked, input): (&'a CopySource, &'a model::$shape)) -> Self {
                Self {
                    asked,
                    expected_owner: input.expected_source_bucket_owner.as_deref(),
                    condition: ReadCondition {
                        if_match: input.copy_source_if_match.as_deref(),
                        if_none_match: input.copy_source_if_none_match.as_deref(),
                        if_modified_since: input.copy_source_if_modified_since,
                        if_unmodified_since: input.copy_source_if_unmodified_since,
                    },
                    customer: CustomerHeaders {
                        algorithm: input.copy_source_sse_customer_algorithm.as_deref(),
                        key: input.copy_source_sse_customer_key.as_deref(),
                        key_md5: input.copy_source_sse_customer_key_md5.as_deref(),
                    },
                }
            }
        })*
    };
}

sources! { CopyObjectRequest UploadPartCopyRequest }

impl S3 {
    /// Finds a source and opens those of its bytes that `span` wants.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`; `InvalidRequest` for a delete marker that is
    /// named; `PreconditionFailed` (never 304: a copy is no read); `InvalidObjectState` for an
    /// archived object; those of SSE-C; and `span`'s own.
    pub(crate) async fn open_source(
        &self,
        call: &Call,
        source: &Source<'_>,
        span: impl Fn(&Content) -> Result<Range<u64>, Error> + Send + Sync,
    ) -> Result<(Readable, Body), Error> {
        let customer = source.customer.read(call)?;
        for _ in 0..ATTEMPTS_MAX {
            let readable = self.find_source(source)?;
            let content = readable.content();
            source.check(&readable)?;
            if !class::is_readable(content, call.at) {
                let message = "Operation is not valid for the source object's storage class";
                return Err(class::invalid_state(message, content));
            }
            let key = self.data_key(&content.sealing, customer.as_ref()).await?;
            if let Some(body) = self.give(content, &key, &span(content)?).await? {
                return Ok((readable, body));
            }
        }
        Err(never_opened())
    }

    fn find_source(&self, source: &Source<'_>) -> Result<Readable, Error> {
        let found = self.readable(Asked {
            bucket: &source.asked.bucket,
            expected_owner: source.expected_owner,
            key: &source.asked.key,
            version_id: source.asked.version_id.as_deref(),
            method: "GET",
        });
        found.map_err(|error| match error.status {
            405 => invalid_request(
                "The source of a copy request may not specifically refer to a delete marker by version id.",
            ),
            _ => error,
        })
    }
}

impl Source<'_> {
    fn check(&self, readable: &Readable) -> Result<(), Error> {
        let condition = &self.condition;
        let header = match condition.judge(&readable.content().etag, readable.version().modified) {
            Verdict::Read => return Ok(()),
            Verdict::Failed(header) => header,
            Verdict::NotModified if condition.if_none_match.is_some() => "If-None-Match",
            Verdict::NotModified => "If-Modified-Since",
        };
        Err(precondition_failed(&format!("x-amz-copy-source-{header}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_decoded_once() {
        let check = |header: &str, expected: Option<(&str, &str, Option<&str>)>| {
            let source = CopySource::parse(header).ok();
            let parts = source.as_ref().map(|source| {
                (source.bucket.as_str(), source.key.as_str(), source.version_id.as_deref())
            });
            assert_eq!(parts, expected, "{header}");
        };
        check("b/k", Some(("b", "k", None)));
        check("/b/k/l", Some(("b", "k/l", None)));
        check("b//k", Some(("b", "/k", None)));
        check("b%2Fk", Some(("b", "k", None)));
        check("b/k+l%2B%2525", Some(("b", "k+l+%25", None)));
        check("b/%3FversionId?versionId=null", Some(("b", "?versionId", Some("null"))));
        check("b/k?versionId=", Some(("b", "k", Some(""))));
        check("b", None);
        check("b/", None);
        check("/b", None);
        check("", None);
        check("b/%zz", None);
        check("b/%ff", None);
        check("arn:aws:s3:us-east-1:111122223333:accesspoint/p/object/k", None);
    }
}
