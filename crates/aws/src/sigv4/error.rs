//! What can be wrong with a signed request.

use std::time::Duration;

use crate::Timestamp;

/// Which half of a request holds the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Header,
    Query,
}

/// Why a request is not taken for what it claims to be. It says what was found and judges
/// nothing about the wording: [`SignatureError::to_error`] does.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    #[error("the request is not signed")]
    Missing,
    #[error("the request is signed in two ways at once")]
    TwoMechanisms { authorization: Option<String> },
    #[error("the authorization scheme is not AWS4-HMAC-SHA256")]
    UnsupportedScheme { authorization: String },
    #[error("the algorithm {algorithm:?} is not supported")]
    UnsupportedAlgorithm { place: Place, algorithm: String, authorization: String },
    #[error("a component of the Authorization header has no value")]
    MalformedAuthorization { authorization: String },
    /// `parts` in AWS's spelling and order. `authorization` is empty in a query.
    #[error("the signature lacks {parts:?}")]
    MissingParts { place: Place, parts: Vec<&'static str>, authorization: String },
    #[error("the date {date:?} cannot be read")]
    MalformedDate { place: Place, date: String },
    #[error("X-Amz-Expires {0}")]
    MalformedExpires(ExpiresFault),
    #[error("the request's date {at} is too far from {now}")]
    Skewed { at: Timestamp, now: Timestamp },
    #[error("the URL has expired")]
    UrlExpired { at: Timestamp, expires: Duration, now: Timestamp },
    #[error("the URL is not valid yet")]
    UrlNotYetValid { at: Timestamp, expires: Duration, now: Timestamp },
    #[error("the credential does not have five parts")]
    MalformedCredential { place: Place, credential: String },
    /// Never empty.
    #[error("the credential's scope is wrong: {faults:?}")]
    Scope { place: Place, faults: Vec<ScopeFault> },
    #[error("the headers {0:?} are not signed")]
    HeadersNotSigned(Vec<String>),
    #[error("x-amz-content-sha256 is missing")]
    MissingContentSha256,
    #[error("x-amz-content-sha256 is {0:?}")]
    MalformedContentSha256(String),
    #[error("the path's percent-encoding is broken")]
    MalformedPath,
    #[error("the query's percent-encoding is broken, or it repeats a signature parameter")]
    MalformedQuery,
    #[error("the signature is another")]
    Mismatch(Box<Mismatch>),
    #[error("the body's SHA-256 is {computed}, not {client}")]
    ContentSha256Mismatch { client: String, computed: String },
    #[error("the Signature Version 2 query lacks a parameter")]
    V2MissingParts,
    #[error("Expires is {0:?}")]
    V2MalformedExpires(String),
    #[error("the Signature Version 2 URL has expired")]
    V2Expired { expires_at: Timestamp, now: Timestamp },
    /// Ours: a service that signs its body's hash was not given the body.
    #[error("the body was not read before its signature was verified")]
    BodyNotRead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpiresFault {
    #[error("is not a number")]
    NotANumber,
    #[error("is negative")]
    Negative,
    #[error("is longer than a week")]
    TooLong,
}

/// One thing wrong with a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeFault {
    Region {
        given: String,
        expected: String,
    },
    Service {
        given: String,
        expected: String,
    },
    Terminator {
        given: String,
    },
    /// Not eight digits.
    DateForm {
        given: String,
    },
    /// Not the day of the request's own date.
    Date {
        given: String,
        expected: String,
    },
}

/// Two signatures that differ, and what ours was made of: S3 shows it to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub access_key_id: String,
    pub signature_provided: String,
    pub string_to_sign: Vec<u8>,
    /// Version 2 has none.
    pub canonical_request: Option<Vec<u8>>,
}
