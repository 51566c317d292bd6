//! The one table from what is wrong with a signature to what each kind of service says of it.
//!
//! Codes and statuses: <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>. The sentences are
//! those that the services were seen to answer.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;

use super::SKEW_MAX;
use super::error::{ExpiresFault, Mismatch, Place, ScopeFault, SignatureError};
use crate::{CredentialError, Error, Timestamp};

/// Services that share their words for a bad signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceKind {
    /// The query protocol's, and rest-xml's except S3: IAM, STS, ELB, RDS, Route 53.
    Query,
    /// The JSON protocols'.
    Json,
    Ec2,
    S3,
}

impl SignatureError {
    /// The refusal that a service of this kind sends.
    pub fn to_error(&self, kind: ServiceKind) -> Error {
        match (self, kind) {
            (Self::BodyNotRead, _) => Error::internal(self.to_string()),
            (_, ServiceKind::S3) => for_s3(self),
            _ => {
                let (fault, message) = general(self);
                fault.to_error(kind, message)
            }
        }
    }
}

/// The refusal of a service whose credential store does not know the caller.
pub fn credential_refusal(
    error: CredentialError,
    kind: ServiceKind,
    access_key_id: &str,
    session_token: Option<&str>,
) -> Error {
    let s3 = kind == ServiceKind::S3;
    match error {
        CredentialError::Failed(source) => source,
        CredentialError::UnknownKey if s3 => Error::client(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        )
        .with_detail("AWSAccessKeyId", access_key_id),
        CredentialError::InvalidToken if s3 => Error::client(
            400,
            "InvalidToken",
            "The provided token is malformed or otherwise invalid.",
        )
        .with_detail("Token-0", session_token.unwrap_or_default()),
        CredentialError::Expired if s3 => {
            Error::client(400, "ExpiredToken", "The provided token has expired.")
                .with_detail("Token-0", session_token.unwrap_or_default())
        }
        CredentialError::UnknownKey => General::UnknownKey
            .to_error(kind, "The security token included in the request is invalid.".into()),
        CredentialError::InvalidToken => General::UnknownKey
            .to_error(kind, "The security token included in the request is invalid".into()),
        CredentialError::Expired => General::ExpiredToken
            .to_error(kind, "The security token included in the request is expired".into()),
    }
}

/// The few codes that all services but S3 know, each under its own name.
#[derive(Clone, Copy)]
enum General {
    Missing,
    Incomplete,
    DoesNotMatch,
    /// The request's time; EC2 alone has a code for it.
    Skewed,
    UnknownKey,
    ExpiredToken,
    MalformedQuery,
}

impl General {
    fn to_error(self, kind: ServiceKind, message: String) -> Error {
        match kind {
            ServiceKind::Query | ServiceKind::S3 => self.for_query(message),
            ServiceKind::Json => self.for_json(message),
            ServiceKind::Ec2 => self.for_ec2(message),
        }
    }

    fn for_query(self, message: String) -> Error {
        let (status, code) = match self {
            Self::Missing => (403, "MissingAuthenticationToken"),
            Self::Incomplete => (400, "IncompleteSignature"),
            Self::DoesNotMatch | Self::Skewed => (403, "SignatureDoesNotMatch"),
            Self::UnknownKey => (403, "InvalidClientTokenId"),
            Self::ExpiredToken => (403, "ExpiredToken"),
            Self::MalformedQuery => (404, "MalformedQueryString"),
        };
        Error::client(status, code, message)
    }

    fn for_json(self, message: String) -> Error {
        let code = match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Incomplete => "IncompleteSignatureException",
            Self::DoesNotMatch | Self::Skewed => "InvalidSignatureException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::MalformedQuery => "MalformedQueryString",
        };
        Error::client(400, code, message)
    }

    /// EC2 does not tell a wrong key from a wrong signature.
    fn for_ec2(self, message: String) -> Error {
        match self {
            Self::DoesNotMatch | Self::UnknownKey => Error::client(
                401,
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            ),
            Self::Skewed | Self::ExpiredToken => {
                Error::client(400, "RequestExpired", "Request has expired.")
            }
            Self::Missing | Self::Incomplete | Self::MalformedQuery => self.for_query(message),
        }
    }
}

const MISSING: &str = "Request is missing Authentication Token";
const MISMATCH: &str = "The request signature we calculated does not match the signature you \
    provided. Check your AWS Secret Access Key and signing method. Consult the service \
    documentation for details.";

/// What every service but S3 says. What only S3's requests can do wrong has a sentence too,
/// so that the table has no hole.
fn general(error: &SignatureError) -> (General, String) {
    use SignatureError as E;
    match error {
        E::Missing | E::UnsupportedScheme { .. } | E::V2MissingParts => {
            (General::Missing, MISSING.into())
        }
        E::UnsupportedAlgorithm { place: Place::Query, .. } => {
            (General::Missing, "Missing Authentication Token".into())
        }
        E::UnsupportedAlgorithm { algorithm, .. } => {
            (General::Incomplete, format!("Unsupported AWS 'algorithm': '{algorithm}'."))
        }
        E::TwoMechanisms { .. } => (
            General::DoesNotMatch,
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.".into(),
        ),
        E::MalformedAuthorization { authorization } => (
            General::Incomplete,
            format!("Invalid key=value pair (missing equal-sign) in Authorization header {HASHED}: '{}'.", hashed(authorization)),
        ),
        E::MissingParts { place, parts, authorization } => {
            (General::Incomplete, missing_parts(*place, parts, authorization))
        }
        E::MalformedDate { date, .. } => (
            General::Incomplete,
            format!("Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"),
        ),
        E::MalformedExpires(fault) => (General::Incomplete, expires_sentence(*fault).into()),
        E::Skewed { at, now } => (General::Skewed, skew_sentence(*at, *now)),
        E::UrlExpired { at, now, .. } | E::UrlNotYetValid { at, now, .. } => {
            (General::Skewed, skew_sentence(*at, *now))
        }
        E::MalformedCredential { credential, .. } => (
            General::Incomplete,
            format!("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"),
        ),
        E::Scope { faults, .. } => {
            let sentences: Vec<_> = faults.iter().map(scope_sentence).collect();
            (General::DoesNotMatch, sentences.join(" "))
        }
        E::HeadersNotSigned(names) => (General::DoesNotMatch, not_signed_sentence(names)),
        E::MalformedPath | E::MalformedQuery => {
            (General::MalformedQuery, "The query string contains a syntax error".into())
        }
        E::MissingContentSha256
        | E::MalformedContentSha256(_)
        | E::ContentSha256Mismatch { .. }
        | E::Mismatch(_)
        | E::V2MalformedExpires(_)
        | E::V2Expired { .. }
        | E::BodyNotRead => (General::DoesNotMatch, MISMATCH.into()),
    }
}

const HASHED: &str = "(hashed with SHA-256 and encoded with Base64)";

/// The header itself may be a secret pasted in the wrong place, so AWS shows its hash.
fn hashed(authorization: &str) -> String {
    let hash = digest(&SHA256, authorization.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(hash.as_ref())
}

fn missing_parts(place: Place, parts: &[&str], authorization: &str) -> String {
    let mut message = String::new();
    for part in parts {
        message += &match (place, *part) {
            (Place::Query, _) => format!("AWS query-string parameters must include '{part}'. "),
            (Place::Header, "X-Amz-Date") => "Authorization header requires existence of either \
                a 'X-Amz-Date' or a 'Date' header. "
                .into(),
            (Place::Header, _) => format!("Authorization header requires '{part}' parameter. "),
        };
    }
    message += &match place {
        Place::Query => "Re-examine the query-string parameters.".into(),
        Place::Header => {
            let hash = hashed(authorization);
            format!("(Hashed with SHA-256 and encoded with Base64) Authorization={hash}")
        }
    };
    message
}

fn skew_sentence(at: Timestamp, now: Timestamp) -> String {
    let (at, shown) = (at.to_whole_secs(), now.to_basic());
    let minutes = SKEW_MAX.as_secs() / 60;
    if at < now {
        let limit = (now - SKEW_MAX).to_basic();
        let at = at.to_basic();
        format!("Signature expired: {at} is now earlier than {limit} ({shown} - {minutes} min.)")
    } else {
        let limit = (now + SKEW_MAX).to_basic();
        let at = at.to_basic();
        format!(
            "Signature not yet current: {at} is still later than {limit} ({shown} + {minutes} min.)"
        )
    }
}

fn scope_sentence(fault: &ScopeFault) -> String {
    match fault {
        ScopeFault::Region { given, .. } => {
            format!("Credential should be scoped to a valid region, not '{given}'.")
        }
        ScopeFault::Service { expected, .. } => {
            format!("Credential should be scoped to correct service: '{expected}'.")
        }
        ScopeFault::Terminator { given } => format!(
            "Credential should be scoped with a valid terminator: 'aws4_request', not '{given}'."
        ),
        ScopeFault::DateForm { .. } | ScopeFault::Date { .. } => "Date in Credential scope does \
            not match YYYYMMDD from ISO-8601 version of date from HTTP."
            .into(),
    }
}

fn not_signed_sentence(names: &[String]) -> String {
    let name = |name: &String| match name.as_str() {
        "host" => "'Host' or ':authority'".to_owned(),
        other => format!("'{other}'"),
    };
    let sentence = |text| format!("{text} must be a 'SignedHeader' in the AWS Authorization.");
    names.iter().map(name).map(sentence).collect::<Vec<_>>().join(" ")
}

fn expires_sentence(fault: ExpiresFault) -> &'static str {
    match fault {
        ExpiresFault::NotANumber => "X-Amz-Expires should be a number",
        ExpiresFault::Negative => "X-Amz-Expires must be non-negative",
        ExpiresFault::TooLong => {
            "X-Amz-Expires must be less than a week (in seconds); that is, the given \
             X-Amz-Expires must be less than 604800 seconds"
        }
    }
}

fn for_s3(error: &SignatureError) -> Error {
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
pub(super) fn mismatch_for_s3(mismatch: &Mismatch) -> Error {
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
