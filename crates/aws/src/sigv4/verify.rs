//! Comparing a signature with the one the request should bear.

use aws_lc_rs::digest;

use super::canonical::canonical_request;
use super::encoding::{constant_time_equal, hex, sha256_hex};
use super::error::{Mismatch, SignatureError};
use super::key::{SigningKey, string_to_sign};
use super::payload::PayloadHash;
use super::presented::Presented;
use super::request::Request;

/// What is known of the body when a signature is verified.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// All of it, as it came.
    Whole(&'a [u8]),
    /// Not read yet, which only S3 allows: what [`Presented::payload`] promises of it is the
    /// caller's to check.
    Later,
}

/// Whether the request bears the signature that `key` gives it. With the whole body at hand,
/// also whether the body is the signed one.
///
/// # Errors
/// [`SignatureError::Mismatch`], [`SignatureError::ContentSha256Mismatch`], or a query or path
/// whose encoding is broken.
pub fn verify(
    presented: &Presented,
    request: &Request<'_>,
    key: &SigningKey,
    body: Body<'_>,
) -> Result<(), SignatureError> {
    let body_hash = match (&presented.payload, body) {
        (PayloadHash::OfBody | PayloadHash::Sha256(_), Body::Whole(bytes)) => {
            Some(digest::digest(&digest::SHA256, bytes))
        }
        (PayloadHash::OfBody, Body::Later) => return Err(SignatureError::BodyNotRead),
        _ => None,
    };
    let of_body = body_hash.as_ref().map(|hash| hex(hash.as_ref())).unwrap_or_default();
    let payload = presented.payload.canonical().unwrap_or(&of_body);
    let canonical = canonical_request(request, &presented.form(payload))?;
    let to_sign = string_to_sign(presented.at, &presented.scope, &sha256_hex(&canonical));
    if !constant_time_equal(&key.sign(&to_sign), &presented.signature) {
        return Err(SignatureError::Mismatch(Box::new(Mismatch {
            access_key_id: presented.access_key_id.clone(),
            signature_provided: presented.signature.clone(),
            string_to_sign: to_sign.into_bytes(),
            canonical_request: Some(canonical),
        })));
    }
    match body_hash {
        Some(hash) => presented.payload.check(&hash),
        None => Ok(()),
    }
}
