//! What S3 says: a code for most faults, and members that point at them.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>

use super::super::SKEW_MAX;
use super::super::chunk::ChunkError;
use super::super::error::{Mismatch, Place, ScopeFault, SignatureError};
use super::expires_sentence;
use crate::{CredentialError, Error, Timestamp};

pub(super) fn for_s3(error: &SignatureError) -> Error {
    use SignatureError as E;
    match error {
        E::Missing => Error::access_denied("Access Denied"),
        E::TwoMechanisms { authorization } => argument(
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, \
             Signature query string parameter or the Authorization header should be specified",
            "Authorization",
            authorization.as_deref(),
        ),
        E::UnsupportedScheme { authorization } => unsupported_by_s3(authorization),
        E::UnsupportedAlgorithm { place: Place::Header, authorization, .. } => {
            unsupported_by_s3(authorization)
        }
        E::UnsupportedAlgorithm { place: Place::Query, .. } => {
            query_error("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"")
        }
        E::MissingParts { place: Place::Query, .. } => query_error(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, \
             X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and \
             X-Amz-Expires parameters.",
        ),
        E::MissingParts { place: Place::Header, .. } | E::MalformedAuthorization { .. } => {
            header_error(
                "the authorization header requires three components: Credential, \
                 SignedHeaders, and Signature.",
            )
        }
        E::MalformedDate { place: Place::Header, .. } => {
            Error::access_denied("AWS authentication requires a valid Date or x-amz-date header")
        }
        E::MalformedDate { place: Place::Query, .. } => {
            query_error("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
        }
        E::MalformedExpires(fault) => query_error(expires_sentence(*fault)),
        E::MalformedCredential { place, .. } => in_credential(
            *place,
            "the Credential is mal-formed; expecting \
             \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
        ),
        E::Scope { place, faults } => scope_for_s3(*place, faults),
        E::HeadersNotSigned(names) => {
            Error::access_denied("There were headers present in the request which were not signed")
                .with_detail("HeadersNotSigned", names.join(", "))
        }
        E::MissingContentSha256 => Error::client(
            400,
            "InvalidRequest",
            "Missing required header for this request: x-amz-content-sha256",
        ),
        E::MalformedContentSha256(given) => argument(
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
             STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or \
             a valid sha256 value.",
            "x-amz-content-sha256",
            Some(given),
        ),
        E::MalformedPath | E::MalformedQuery => {
            Error::client(400, "InvalidURI", "Couldn't parse the specified URI.")
        }
        E::Mismatch(mismatch) => mismatch_for_s3(mismatch),
        E::ContentSha256Mismatch { client, computed } => Error::client(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
        .with_detail("ClientComputedContentSHA256", client)
        .with_detail("S3ComputedContentSHA256", computed),
        E::V2MissingParts => Error::access_denied(
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId \
             parameters",
        ),
        E::V2MalformedExpires(given) => {
            Error::access_denied(format!("Invalid date (should be seconds since epoch): {given}"))
        }
        E::Skewed { .. }
        | E::UrlExpired { .. }
        | E::UrlNotYetValid { .. }
        | E::V2Expired { .. } => time_for_s3(error),
        E::BodyNotRead => Error::internal(error.to_string()),
    }
}

/// S3 prints its own clock in whole seconds.
fn server_time(at: Timestamp) -> String {
    at.to_whole_secs().to_iso8601()
}

fn time_for_s3(error: &SignatureError) -> Error {
    use SignatureError as E;
    const EXPIRED: &str = "Request has expired";
    match error {
        E::UrlExpired { at, expires, now } => Error::access_denied(EXPIRED)
            .with_detail("X-Amz-Expires", expires.as_secs().to_string())
            .with_detail("Expires", server_time(*at + *expires))
            .with_detail("ServerTime", server_time(*now)),
        E::UrlNotYetValid { at, expires, now } => Error::access_denied("Request is not yet valid")
            .with_detail("X-Amz-Date", at.as_millis().to_string())
            .with_detail("Expires", server_time(*at + *expires))
            .with_detail("ServerTime", server_time(*now)),
        E::V2Expired { expires_at, now } => Error::access_denied(EXPIRED)
            .with_detail("Expires", server_time(*expires_at))
            .with_detail("ServerTime", server_time(*now)),
        E::Skewed { at, now } => Error::client(
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        )
        .with_detail("RequestTime", at.to_basic())
        .with_detail("ServerTime", server_time(*now))
        .with_detail("MaxAllowedSkewMilliseconds", SKEW_MAX.as_millis().to_string()),
        other => Error::access_denied(other.to_string()),
    }
}

/// Version 2 in a header is the one old scheme that a client may still be set to.
fn unsupported_by_s3(authorization: &str) -> Error {
    if authorization.starts_with("AWS ") {
        return Error::client(
            400,
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use \
             AWS4-HMAC-SHA256.",
        );
    }
    argument("Unsupported Authorization Type", "Authorization", Some(authorization))
}

fn argument(message: &str, name: &str, value: Option<&str>) -> Error {
    let error = Error::client(400, "InvalidArgument", message).with_detail("ArgumentName", name);
    match value {
        Some(value) => error.with_detail("ArgumentValue", value),
        None => error,
    }
}

fn query_error(message: &str) -> Error {
    Error::client(400, "AuthorizationQueryParametersError", message)
}

fn header_error(message: &str) -> Error {
    let message = format!("The authorization header is malformed; {message}");
    Error::client(400, "AuthorizationHeaderMalformed", message)
}

fn in_credential(place: Place, message: &str) -> Error {
    match place {
        Place::Header => header_error(message),
        Place::Query => {
            query_error(&format!("Error parsing the X-Amz-Credential parameter; {message}"))
        }
    }
}

/// S3 names the first fault only: region, service, terminator, date.
fn scope_for_s3(place: Place, faults: &[ScopeFault]) -> Error {
    match faults.first() {
        Some(ScopeFault::Region { given, .. }) if given.is_empty() => {
            in_credential(place, "a non-empty region must be provided in the credential.")
        }
        Some(ScopeFault::Region { given, expected }) => {
            let message = format!("the region '{given}' is wrong; expecting '{expected}'");
            in_credential(place, &message).with_detail("Region", expected)
        }
        Some(ScopeFault::Service { given, expected }) => in_credential(
            place,
            &format!("incorrect service \"{given}\". This endpoint belongs to \"{expected}\"."),
        ),
        Some(ScopeFault::Terminator { given }) => in_credential(
            place,
            &format!("incorrect terminal \"{given}\". This endpoint uses \"aws4_request\"."),
        ),
        Some(ScopeFault::DateForm { given }) => in_credential(
            place,
            &format!(
                "incorrect date format \"{given}\". This date in the credential must be in the \
                 format \"yyyyMMdd\"."
            ),
        ),
        Some(ScopeFault::Date { given, expected }) => {
            let message = format!(
                "Invalid credential date \"{given}\". This date is not the same as X-Amz-Date: \
                 \"{expected}\"."
            );
            match place {
                Place::Header => header_error(&message),
                Place::Query => query_error(&message),
            }
        }
        None => in_credential(place, "the Credential is mal-formed."),
    }
}

/// With the strings that were signed here, so that a client's author can find the difference.
fn mismatch_for_s3(mismatch: &Mismatch) -> Error {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let error = Error::client(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check \
         your key and signing method.",
    )
    .with_detail("AWSAccessKeyId", &mismatch.access_key_id)
    .with_detail("StringToSign", text(&mismatch.string_to_sign))
    .with_detail("SignatureProvided", &mismatch.signature_provided)
    .with_detail("StringToSignBytes", spaced_hex(&mismatch.string_to_sign));
    match &mismatch.canonical_request {
        Some(canonical) => error
            .with_detail("CanonicalRequest", text(canonical))
            .with_detail("CanonicalRequestBytes", spaced_hex(canonical)),
        None => error,
    }
}

fn spaced_hex(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}

/// Who the key belongs to cannot be said.
pub(super) fn unproven_for_s3(
    error: &CredentialError,
    access_key_id: &str,
    session_token: &str,
) -> Error {
    match error {
        CredentialError::UnknownKey | CredentialError::Failed(_) => Error::client(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        )
        .with_detail("AWSAccessKeyId", access_key_id),
        CredentialError::InvalidToken => Error::client(
            400,
            "InvalidToken",
            "The provided token is malformed or otherwise invalid.",
        )
        .with_detail("Token-0", session_token),
        CredentialError::Expired => {
            Error::client(400, "ExpiredToken", "The provided token has expired.")
                .with_detail("Token-0", session_token)
        }
    }
}

impl ChunkError {
    /// S3's refusal: nobody else takes such bodies.
    pub fn to_error(&self) -> Error {
        match self {
            Self::MissingDecodedLength => Error::client(
                411,
                "MissingContentLength",
                "You must provide the Content-Length HTTP header.",
            ),
            Self::MalformedDecodedLength => argument(
                "x-amz-decoded-content-length must be a non-negative integer.",
                "x-amz-decoded-content-length",
                None,
            ),
            Self::Malformed(_) | Self::LengthMismatch | Self::Truncated => Error::client(
                400,
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP \
                 header",
            ),
            Self::ChunkTooSmall { number, size } => chunk_size_error(
                "Only the last chunk is allowed to have a size less than 8192 bytes",
                *number,
                *size,
            ),
            Self::Mismatch(mismatch) => mismatch_for_s3(mismatch),
            Self::MalformedTrailer => Error::client(
                400,
                "MalformedTrailerError",
                "The request contained trailing data that was not well-formed or did not conform \
                 to our published schema.",
            ),
        }
    }
}

fn chunk_size_error(message: &str, number: u64, size: u64) -> Error {
    Error::client(400, "InvalidChunkSizeError", message)
        .with_detail("Chunk", number.to_string())
        .with_detail("BadChunkSize", size.to_string())
}
