//! The client's side: signing requests. For tests, load generators and calls that leave this
//! process; it shares the canonical request with the verifier, so both are tested against
//! signatures that others made.

use std::time::Duration;

use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;

use super::ALGORITHM;
use super::canonical::canonical_request;
use super::encoding::{push_encoded, sha256_hex};
use super::error::{Place, SignatureError};
use super::key::{Scope, SigningKey, string_to_sign};
use super::payload::PayloadHash;
use super::presented::Presented;
use super::request::Request;
use crate::{Region, Timestamp};

/// Whose signature to make, and for what.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    pub access_key_id: &'a str,
    pub secret_access_key: &'a str,
    pub session_token: Option<&'a str>,
    pub region: &'a Region,
    /// The signing name.
    pub service: &'a str,
}

/// How the body is to be covered. All but [`Payload::Whole`] are S3's.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    Whole(&'a [u8]),
    Unsigned,
    Streaming,
    StreamingTrailer,
    StreamingUnsignedTrailer,
}

/// Headers that proxies and HTTP libraries change, so no client signs them.
const UNSIGNED_HEADERS: [HeaderName; 5] = [
    AUTHORIZATION,
    http::header::USER_AGENT,
    http::header::EXPECT,
    http::header::CONNECTION,
    http::header::TRANSFER_ENCODING,
];

impl Signer<'_> {
    pub fn scope(&self, at: Timestamp) -> Scope {
        Scope::new(at, self.region.clone(), self.service)
    }

    pub fn key(&self, at: Timestamp) -> SigningKey {
        SigningKey::of_scope(self.secret_access_key, &self.scope(at))
    }

    /// Signs in the header: adds `host` (from the URI) where it is absent, `x-amz-date`, the
    /// session token, S3's `x-amz-content-sha256`, and `authorization`, which covers them and
    /// all other headers but those that travel badly. The signature is also returned: the
    /// chunks of a streamed body chain to it.
    ///
    /// # Errors
    /// When the path or query is badly encoded, or a value cannot stand in a header.
    pub fn sign(
        &self,
        parts: &mut Parts,
        payload: Payload<'_>,
        at: Timestamp,
    ) -> Result<String, SignatureError> {
        add_host(parts)?;
        set(parts, "x-amz-date", &at.to_basic())?;
        if let Some(token) = self.session_token {
            set(parts, "x-amz-security-token", token)?;
        }
        let s3 = self.service == "s3";
        let payload = match payload {
            Payload::Whole(body) => PayloadHash::Sha256(sha256_hex(body)),
            Payload::Unsigned => PayloadHash::Unsigned,
            Payload::Streaming => PayloadHash::Streaming,
            Payload::StreamingTrailer => PayloadHash::StreamingTrailer,
            Payload::StreamingUnsignedTrailer => PayloadHash::StreamingUnsignedTrailer,
        };
        if s3 {
            set(parts, "x-amz-content-sha256", payload.canonical().unwrap_or_default())?;
        }
        let signed = signed_headers(parts);
        let presented = self.present(Place::Header, signed, payload, at);
        let signature = self.signature(&presented, parts)?;
        let authorization = format!(
            "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={signature}",
            self.access_key_id,
            presented.scope,
            presented.signed_headers.join(";"),
        );
        set(parts, AUTHORIZATION.as_str(), &authorization)?;
        Ok(signature)
    }

    /// Signs in the query: the URI becomes a presigned URL that covers the headers present,
    /// and, for S3, no body.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn presign(
        &self,
        parts: &mut Parts,
        expires: Duration,
        at: Timestamp,
    ) -> Result<(), SignatureError> {
        add_host(parts)?;
        let payload = match self.service {
            "s3" => PayloadHash::Unsigned,
            _ => PayloadHash::Sha256(sha256_hex(b"")),
        };
        let presented = self.present(Place::Query, signed_headers(parts), payload, at);
        let credential = format!("{}/{}", self.access_key_id, presented.scope);
        let expires = expires.as_secs().to_string();
        let date = at.to_basic();
        let names = presented.signed_headers.join(";");
        let mut parameters = vec![
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", &date),
            ("X-Amz-Expires", &expires),
            ("X-Amz-SignedHeaders", &names),
        ];
        parameters.extend(self.session_token.map(|token| ("X-Amz-Security-Token", token)));
        add_parameters(parts, &parameters)?;
        let signature = self.signature(&presented, parts)?;
        add_parameters(parts, &[("X-Amz-Signature", &signature)])
    }

    fn present(
        &self,
        place: Place,
        signed_headers: Vec<String>,
        payload: PayloadHash,
        at: Timestamp,
    ) -> Presented {
        Presented {
            place,
            access_key_id: self.access_key_id.to_owned(),
            scope: self.scope(at),
            signed_headers,
            signature: String::new(),
            at,
            expires: None,
            session_token: None,
            payload,
        }
    }

    fn signature(&self, presented: &Presented, parts: &Parts) -> Result<String, SignatureError> {
        let payload = presented.payload.canonical().unwrap_or_default();
        let canonical = canonical_request(&Request::from(parts), &presented.form(payload))?;
        let to_sign = string_to_sign(presented.at, &presented.scope, &sha256_hex(&canonical));
        Ok(self.key(presented.at).sign(&to_sign))
    }
}

fn add_host(parts: &mut Parts) -> Result<(), SignatureError> {
    if parts.headers.contains_key(HOST) {
        return Ok(());
    }
    let authority = parts.uri.authority().ok_or(SignatureError::MalformedPath)?.to_string();
    set(parts, HOST.as_str(), &authority)
}

fn set(parts: &mut Parts, name: &'static str, value: &str) -> Result<(), SignatureError> {
    let value = HeaderValue::from_str(value)
        .map_err(|_| SignatureError::HeadersNotSigned(vec![name.to_owned()]))?;
    parts.headers.insert(HeaderName::from_static(name), value);
    Ok(())
}

fn signed_headers(parts: &Parts) -> Vec<String> {
    let names = parts.headers.keys().filter(|name| !UNSIGNED_HEADERS.contains(name));
    let mut names: Vec<_> = names.map(|name| name.as_str().to_owned()).collect();
    names.sort_unstable();
    names
}

fn add_parameters(parts: &mut Parts, parameters: &[(&str, &str)]) -> Result<(), SignatureError> {
    let mut target = parts.uri.path().as_bytes().to_vec();
    target.push(b'?');
    if let Some(query) = parts.uri.query().filter(|query| !query.is_empty()) {
        target.extend_from_slice(query.as_bytes());
        target.push(b'&');
    }
    for (index, (name, value)) in parameters.iter().enumerate() {
        if index > 0 {
            target.push(b'&');
        }
        push_encoded(&mut target, name.as_bytes());
        target.push(b'=');
        push_encoded(&mut target, value.as_bytes());
    }
    let target = PathAndQuery::try_from(target).map_err(|_| SignatureError::MalformedQuery)?;
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    uri.path_and_query = Some(target);
    parts.uri = uri.try_into().map_err(|_| SignatureError::MalformedPath)?;
    Ok(())
}
