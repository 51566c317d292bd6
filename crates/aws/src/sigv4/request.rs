//! A request as its signature sees it, and how it is signed.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::{AUTHORIZATION, AsHeaderName};

use super::encoding::decode;
use super::error::SignatureError;
use crate::cut;

/// The signed parts of a request, exactly as they came: a signature covers bytes, so nothing
/// may decode or normalise them first.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    /// Still percent-encoded, from the first slash.
    pub path: &'a str,
    /// Still percent-encoded, without the question mark; empty when there is none.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    /// HTTP/2's `:authority` (or an absolute request target's), which stands for `host` when
    /// there is no such header.
    pub authority: Option<&'a str>,
}

impl<'a> From<&'a http::request::Parts> for Request<'a> {
    fn from(parts: &'a http::request::Parts) -> Self {
        Self {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            authority: parts.uri.authority().map(|authority| authority.as_str()),
        }
    }
}

impl<'a> Request<'a> {
    /// The undecoded name and value of each query parameter; `?a` is an empty `a`.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        cut::every(self.query, b'&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| cut::once(pair, b'=').unwrap_or((pair, "")))
    }

    /// The decoded value of the parameter `name`.
    ///
    /// # Errors
    /// When it comes more than once (which one would be signed?), or is not encoded UTF-8.
    pub(crate) fn parameter(&self, name: &str) -> Result<Option<String>, SignatureError> {
        let mut values = self.parameters().filter(|(key, _)| *key == name);
        let Some((_, value)) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(SignatureError::MalformedQuery);
        }
        decoded(value).map(Some)
    }

    /// The value of a header that may come once only; `None` when it is absent or not text.
    pub(crate) fn header(&self, name: impl AsHeaderName) -> Option<&'a str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        if values.next().is_some() { None } else { value.to_str().ok() }
    }
}

/// A parameter's value as text.
///
/// # Errors
/// When it is not encoded UTF-8.
pub(super) fn decoded(value: &str) -> Result<String, SignatureError> {
    let bytes = decode(value.as_bytes()).ok_or(SignatureError::MalformedQuery)?;
    String::from_utf8(bytes.into_owned()).map_err(|_| SignatureError::MalformedQuery)
}

/// Where a request carries its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// Signature Version 4 in the `Authorization` header.
    V4Header,
    /// Signature Version 4 in the query: a presigned URL.
    V4Query,
    /// Signature Version 2 in the query, which only S3 takes: see [`crate::sigv2`].
    V2Query,
}

/// How a request is signed; `None` when it is not.
///
/// # Errors
/// When it is signed in two ways at once, or in one that nobody here reads.
pub fn mechanism(request: &Request<'_>) -> Result<Option<Mechanism>, SignatureError> {
    let (mut v4_query, mut v2_query) = (false, false);
    for (name, _) in request.parameters() {
        v4_query |= name == "X-Amz-Algorithm";
        v2_query |= name == "Signature";
    }
    if request.headers.contains_key(AUTHORIZATION) {
        // Two of them, or one that is not text, is no scheme anyone supports.
        let authorization = request.header(AUTHORIZATION).unwrap_or("?");
        if v4_query || v2_query {
            let authorization = Some(authorization.to_owned());
            return Err(SignatureError::TwoMechanisms { authorization });
        }
        return match authorization {
            "" => Ok(None),
            signed if signed.trim_start().starts_with("AWS4-") => Ok(Some(Mechanism::V4Header)),
            other => Err(SignatureError::UnsupportedScheme { authorization: other.to_owned() }),
        };
    }
    match (v4_query, v2_query) {
        (true, true) => Err(SignatureError::TwoMechanisms { authorization: None }),
        (true, false) => Ok(Some(Mechanism::V4Query)),
        (false, true) => Ok(Some(Mechanism::V2Query)),
        (false, false) => Ok(None),
    }
}

/// The region and service that a request says it is signed for, unjudged: enough to route it.
pub fn claimed_scope<'a>(request: &Request<'a>) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    match mechanism(request).ok()?? {
        Mechanism::V4Header => {
            let (_, after) = request.header(AUTHORIZATION)?.split_once("Credential=")?;
            let (region, service) = scope_of(after.split([',', ' ']).next()?)?;
            Some((region.into(), service.into()))
        }
        Mechanism::V4Query => {
            let credential = request.parameter("X-Amz-Credential").ok()??;
            let (region, service) = scope_of(&credential)?;
            Some((region.to_owned().into(), service.to_owned().into()))
        }
        Mechanism::V2Query => None,
    }
}

/// Region and service of `KEY/DATE/REGION/SERVICE/aws4_request`.
fn scope_of(credential: &str) -> Option<(&str, &str)> {
    let mut from_end = credential.rsplit('/').skip(1);
    let service = from_end.next()?;
    Some((from_end.next()?, service))
}
