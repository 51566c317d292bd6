//! Signature Version 2 in the query: S3's old presigned URLs, which boto3 and the aws CLI
//! still make in the regions older than 2014.
//!
//! Only that form: the `Authorization: AWS …` header is refused, as no supported client sends
//! it. The signature covers the method, the path, some headers and the sub-resources among
//! the parameters; other parameters and the host are free, and a decoded sub-resource value
//! that holds `&` reads like two of them. That is the scheme's own weakness.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html>

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Timestamp;
use crate::sigv4::{Mismatch, Request, SignatureError, constant_time_equal, decode};

/// What a presigned URL presents, of this time; [`verify`] says whether it is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    pub access_key_id: String,
    /// Base64, as sent.
    pub signature: String,
    /// `Expires` as sent, which is what is signed.
    expires: String,
    pub expires_at: Timestamp,
    pub session_token: Option<String>,
}

impl Presented {
    /// Reads `AWSAccessKeyId`, `Expires`, `Signature` and the session token, and judges the
    /// time: a URL ends, but does not begin.
    ///
    /// # Errors
    /// [`SignatureError::V2MissingParts`], [`SignatureError::V2MalformedExpires`],
    /// [`SignatureError::V2Expired`], [`SignatureError::MalformedQuery`].
    pub fn parse(request: &Request<'_>, now: Timestamp) -> Result<Self, SignatureError> {
        let part = |name| request.parameter(name)?.ok_or(SignatureError::V2MissingParts);
        let (access_key_id, signature) = (part("AWSAccessKeyId")?, part("Signature")?);
        let expires = part("Expires")?;
        let Some(expires_at) = epoch(&expires) else {
            return Err(SignatureError::V2MalformedExpires(expires));
        };
        if now > expires_at {
            return Err(SignatureError::V2Expired { expires_at, now });
        }
        let in_header = || request.header("x-amz-security-token").map(ToOwned::to_owned);
        let session_token = request.parameter("x-amz-security-token")?.or_else(in_header);
        Ok(Self { access_key_id, signature, expires, expires_at, session_token })
    }
}

/// Seconds since 1970, as digits with a minus at most.
fn epoch(text: &str) -> Option<Timestamp> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !plain {
        return None;
    }
    text.parse().ok().map(Timestamp::from_secs)
}

/// Whether the request bears the signature that this secret gives it.
///
/// `bucket` is the one that the host names in virtual-hosted style: its name is signed as
/// part of the path though the path does not hold it.
///
/// # Errors
/// [`SignatureError::Mismatch`], or a path or query whose encoding is broken.
pub fn verify(
    presented: &Presented,
    request: &Request<'_>,
    bucket: Option<&str>,
    secret_access_key: &str,
) -> Result<(), SignatureError> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret_access_key.as_bytes());
    let path = match bucket {
        Some(bucket) => format!("/{bucket}{}", request.path),
        None => request.path.to_owned(),
    };
    let mut string_to_sign = Vec::new();
    // botocore signs the path-style address of a bucket as `/bucket/` and requests `/bucket`.
    let slashed = format!("{path}/");
    let bucket_only = path.len() > 1 && !path[1..].contains('/');
    for path in [Some(&slashed).filter(|_| bucket_only), Some(&path)].into_iter().flatten() {
        string_to_sign = make_string_to_sign(request, &presented.expires, path)?;
        let signature = STANDARD.encode(hmac::sign(&key, &string_to_sign).as_ref());
        if constant_time_equal(&signature, &presented.signature) {
            return Ok(());
        }
    }
    Err(SignatureError::Mismatch(Box::new(Mismatch {
        access_key_id: presented.access_key_id.clone(),
        signature_provided: presented.signature.clone(),
        string_to_sign,
        canonical_request: None,
    })))
}

/// Parameters that are signed, because they choose what is done or what is answered.
///
/// botocore leaves `attributes`, `encryption`, `intelligent-tiering`, `legal-hold`,
/// `ownershipControls`, `policyStatus`, `publicAccessBlock` and `retention` out, so that its
/// URLs for those are refused here. Were they taken, whoever holds a URL to put an object
/// could put a legal hold on it with the same signature.
const SUB_RESOURCES: [&str; 43] = [
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "defaultObjectAcl",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

fn make_string_to_sign(
    request: &Request<'_>,
    expires: &str,
    path: &str,
) -> Result<Vec<u8>, SignatureError> {
    let mut out = Vec::new();
    let mut line = |bytes: &[u8]| {
        out.extend_from_slice(bytes);
        out.push(b'\n');
    };
    line(request.method.as_bytes());
    line(&header_or_parameter(request, "content-md5")?);
    line(&header_or_parameter(request, "content-type")?);
    line(expires.as_bytes());
    for (name, value) in amz_headers(request)? {
        line(&[name.as_bytes(), b":", &value].concat());
    }
    out.extend_from_slice(path.as_bytes());
    push_sub_resources(&mut out, request)?;
    Ok(out)
}

/// botocore moves the headers it signed into the query, for whoever follows the URL.
fn header_or_parameter(request: &Request<'_>, name: &str) -> Result<Vec<u8>, SignatureError> {
    match request.headers.get(name) {
        Some(value) => Ok(value.as_bytes().trim_ascii().to_vec()),
        None => {
            let parameter = request.parameter(name)?.unwrap_or_default();
            one_line(parameter.into_bytes())
        }
    }
}

/// `x-amz-*` headers, and parameters of such names as if they were headers; sorted. Where
/// both are there, a parameter that says the same as the header is the header once more.
fn amz_headers(request: &Request<'_>) -> Result<BTreeMap<String, Vec<u8>>, SignatureError> {
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for name in request.headers.keys().map(http::HeaderName::as_str) {
        if name.starts_with("x-amz-") {
            let values = request.headers.get_all(name).iter();
            let values: Vec<_> = values.map(|value| value.as_bytes().trim_ascii()).collect();
            found.insert(name.to_owned(), values.join(&b','));
        }
    }
    for (name, _) in request.parameters() {
        if name.starts_with("x-amz-") && !found.contains_key(name) {
            let value = request.parameter(name)?.unwrap_or_default();
            found.insert(name.to_owned(), one_line(value.trim().to_owned().into_bytes())?);
        }
    }
    Ok(found)
}

/// A parameter stands where a header would, so it must not bring lines of its own.
fn one_line(value: Vec<u8>) -> Result<Vec<u8>, SignatureError> {
    if value.iter().any(|&byte| matches!(byte, b'\n' | b'\r')) {
        return Err(SignatureError::MalformedQuery);
    }
    Ok(value)
}

fn push_sub_resources(out: &mut Vec<u8>, request: &Request<'_>) -> Result<(), SignatureError> {
    let pairs = request.query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (pair, None),
    });
    let mut signed: Vec<_> = pairs.filter(|(name, _)| SUB_RESOURCES.contains(name)).collect();
    signed.sort_by_key(|(name, _)| *name);
    for (index, (name, value)) in signed.into_iter().enumerate() {
        out.push(if index == 0 { b'?' } else { b'&' });
        out.extend_from_slice(name.as_bytes());
        if let Some(value) = value {
            out.push(b'=');
            let value = decode(value.as_bytes()).ok_or(SignatureError::MalformedQuery)?;
            out.extend_from_slice(&value);
        }
    }
    Ok(())
}
