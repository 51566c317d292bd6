//! A record: what a service keeps, as JSON with the number of its format.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::key::Key;
use crate::store::Revision;

/// A type that a service keeps. Fields are added with `#[serde(default)]` and never
/// repurposed; what cannot be read that way raises [`Record::FORMAT`].
pub trait Record: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The service and the resource, `iam.user`: lower-case letters, digits, `.`, `-`, `_`.
    const KIND: &'static str;
    /// The format that this haneul writes; the first is 1.
    const FORMAT: u32;

    /// Reads a value that was written in an older `format`.
    ///
    /// # Errors
    /// When the value is not of that format. The default knows no older one.
    fn migrate(format: u32, value: serde_json::Value) -> Result<Self, serde_json::Error> {
        let _ = value;
        let message = format!("{} of format {format} is no longer read", Self::KIND);
        Err(serde::de::Error::custom(message))
    }
}

/// A record as it was read, with what it takes to change it safely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<R> {
    pub key: Key,
    pub record: R,
    /// When it was last written.
    pub revision: Revision,
}

/// Why stored bytes are not a record. Never the user's fault.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error(
        "a {kind} record has format {format} and this haneul reads up to {known}: \
         the data was written by a newer haneul; start that one"
    )]
    Newer { kind: Cow<'static, str>, format: u32, known: u32 },
    #[error("the record {key} cannot be read: {source}")]
    Damaged { key: Key, source: serde_json::Error },
    #[error("the record {key} does not begin with the number of its format")]
    NoFormat { key: Key },
}

/// `FORMAT {json}`: the number first, so that it can be judged before the rest is parsed.
pub(crate) fn encode<R: Record>(record: &R) -> Result<Bytes, serde_json::Error> {
    let mut bytes = format!("{} ", R::FORMAT).into_bytes();
    serde_json::to_writer(&mut bytes, record)?;
    Ok(bytes.into())
}

pub(crate) fn decode<R: Record>(key: &Key, value: &[u8]) -> Result<R, Unreadable> {
    let (format, json) = split(key, value)?;
    let damaged = |source| Unreadable::Damaged { key: key.clone(), source };
    if format > R::FORMAT {
        return Err(Unreadable::Newer { kind: R::KIND.into(), format, known: R::FORMAT });
    }
    if format == R::FORMAT {
        return serde_json::from_str(json).map_err(damaged);
    }
    serde_json::from_str(json).and_then(|value| R::migrate(format, value)).map_err(damaged)
}

/// The number and the JSON. Checked once to be text, which spares each string of it the same.
pub(crate) fn split<'a>(key: &Key, value: &'a [u8]) -> Result<(u32, &'a str), Unreadable> {
    let split = std::str::from_utf8(value).ok().and_then(|text| text.split_once(' '));
    let number = split.and_then(|(format, json)| Some((format.parse().ok()?, json)));
    number.ok_or_else(|| Unreadable::NoFormat { key: key.clone() })
}
