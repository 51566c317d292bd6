//! Conditions of requests: what must hold of an object for it to be read, replaced or deleted.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html>

use aws::{Error, Timestamp};

use crate::error::{no_such_key, not_implemented};
use crate::row::Version;

/// The conditions of a read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadCondition<'a> {
    pub(crate) if_match: Option<&'a str>,
    pub(crate) if_none_match: Option<&'a str>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

/// How a read's conditions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Read,
    /// The client has what there is.
    NotModified,
    /// The header that does not hold.
    Failed(&'static str),
}

impl ReadCondition<'_> {
    /// An ETag says more than a date: where both are given, the date's header is ignored. Dates
    /// are compared by the second, as `Last-Modified` shows no finer.
    pub(crate) fn judge(&self, etag: &str, modified: Timestamp) -> Verdict {
        match (self.if_match, self.if_unmodified_since) {
            (Some(tags), _) if !matches(tags, etag) => return Verdict::Failed("If-Match"),
            (None, Some(since)) if modified.as_secs() > since.as_secs() => {
                return Verdict::Failed("If-Unmodified-Since");
            }
            _ => {}
        }
        match (self.if_none_match, self.if_modified_since) {
            (Some(tags), _) if matches(tags, etag) => Verdict::NotModified,
            (None, Some(since)) if modified.as_secs() <= since.as_secs() => Verdict::NotModified,
            _ => Verdict::Read,
        }
    }
}

/// The condition of a write, or of a delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WriteCondition {
    Anyway,
    /// Nothing is there.
    Absent,
    /// What is there has this ETag; any, for `*`.
    Matches(String),
}

impl WriteCondition {
    /// Reads `If-Match` and `If-None-Match`.
    ///
    /// # Errors
    /// `NotImplemented` for both, and for `If-None-Match` with an ETag, as S3 answers.
    pub(crate) fn read(if_match: Option<&str>, if_none_match: Option<&str>) -> Result<Self, Error> {
        match (if_match, if_none_match) {
            (None, None) => Ok(Self::Anyway),
            (Some(_), Some(_)) => Err(not_implemented(
                "If-Match,If-None-Match",
                "Multiple conditional request headers present in the request",
            )),
            (Some(tag), None) => Ok(Self::Matches(tag.to_owned())),
            (None, Some("*")) => Ok(Self::Absent),
            (None, Some(_)) => Err(not_implemented(
                "If-None-Match",
                "We don't accept the provided value of If-None-Match header for this API",
            )),
        }
    }

    /// Judges what is current; a delete marker is nothing. Changes are decided one after the
    /// other, so of many writers on one condition exactly one finds it true, and S3's
    /// `ConditionalRequestConflict` has no cause.
    ///
    /// # Errors
    /// `PreconditionFailed`; `NoSuchKey` where something should match and nothing is there.
    pub(crate) fn check(&self, key: &str, current: Option<&Version>) -> Result<(), Error> {
        let content = current.and_then(|version| version.content.as_ref());
        match (self, content) {
            (Self::Anyway, _) | (Self::Absent, None) => Ok(()),
            (Self::Absent, Some(_)) => Err(precondition_failed("If-None-Match")),
            (Self::Matches(_), None) => Err(no_such_key(key)),
            (Self::Matches(tag), Some(content)) if matches(tag, &content.etag) => Ok(()),
            (Self::Matches(_), Some(_)) => Err(precondition_failed("If-Match")),
        }
    }
}

pub(crate) fn precondition_failed(condition: &str) -> Error {
    let message = "At least one of the pre-conditions you specified did not hold";
    Error::client(412, "PreconditionFailed", message).with_detail("Condition", condition)
}

/// Whether a header's list of ETags, quoted or not, has this one. Ours hold no comma.
fn matches(tags: &str, etag: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tag.trim_matches('"') == etag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_outweigh_dates() {
        let at = |secs| Some(Timestamp::from_secs(secs));
        let check = |if_match, if_unmodified_since, if_none_match, if_modified_since, expected| {
            let condition =
                ReadCondition { if_match, if_none_match, if_modified_since, if_unmodified_since };
            // Modified at 100.9 s.
            assert_eq!(condition.judge("e", Timestamp::from_millis(100_900)), expected);
        };
        check(None, None, None, None, Verdict::Read);
        check(Some("\"e\""), None, None, None, Verdict::Read);
        check(Some("e"), None, None, None, Verdict::Read);
        check(Some("*"), None, None, None, Verdict::Read);
        check(Some("\"x\", \"e\""), None, None, None, Verdict::Read);
        check(Some("\"x\""), None, None, None, Verdict::Failed("If-Match"));
        check(None, at(100), None, None, Verdict::Read);
        check(None, at(99), None, None, Verdict::Failed("If-Unmodified-Since"));
        check(Some("e"), at(99), None, None, Verdict::Read);
        check(None, None, Some("\"e\""), None, Verdict::NotModified);
        check(None, None, Some("\"x\""), None, Verdict::Read);
        check(None, None, None, at(100), Verdict::NotModified);
        check(None, None, None, at(99), Verdict::Read);
        check(None, None, Some("e"), at(99), Verdict::NotModified);
        check(None, None, Some("x"), at(100), Verdict::Read);
        check(Some("x"), None, Some("e"), None, Verdict::Failed("If-Match"));
    }

    #[test]
    fn a_write_has_one_condition() {
        let read = |if_match, if_none_match| {
            WriteCondition::read(if_match, if_none_match).map_err(|error| error.status)
        };
        assert_eq!(read(None, None), Ok(WriteCondition::Anyway));
        assert_eq!(read(None, Some("*")), Ok(WriteCondition::Absent));
        assert_eq!(read(Some("e"), None), Ok(WriteCondition::Matches("e".into())));
        assert_eq!(read(None, Some("\"e\"")), Err(501));
        assert_eq!(read(Some("e"), Some("*")), Err(501));
    }
}
