//! `x-amz-copy-source`: what a copy is made of.

use aws::Error;

use super::percent;
use crate::error::invalid_argument;
use crate::version::Which;

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
        let path = percent::decode(path).ok_or_else(|| invalid("Invalid copy source encoding"))?;
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

    /// # Errors
    /// `InvalidArgument` for what can be no version.
    pub(crate) fn which(&self) -> Result<Which, Error> {
        Which::read(self.version_id.as_deref())
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
