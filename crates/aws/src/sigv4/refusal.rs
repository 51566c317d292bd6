//! The one table from what is wrong with a signature to what each kind of service says of it.
//!
//! Codes and statuses: <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>. The sentences are
//! those that the services were seen to answer.

mod s3;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;

use super::SKEW_MAX;
use super::error::{ExpiresFault, Place, ScopeFault, SignatureError};
use crate::{CredentialError, Error, Protocol, Timestamp};

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

impl ServiceKind {
    /// The kind of a service with this signing name that speaks this protocol.
    pub fn of(signing_name: &str, protocol: Protocol) -> Self {
        match protocol {
            Protocol::RestXml if signing_name == "s3" => Self::S3,
            Protocol::Query | Protocol::RestXml => Self::Query,
            Protocol::Ec2 => Self::Ec2,
            Protocol::Json10 | Protocol::Json11 => Self::Json,
        }
    }
}

impl SignatureError {
    /// The refusal that a service of this kind sends.
    pub fn to_error(&self, kind: ServiceKind) -> Error {
        match (self, kind) {
            (Self::BodyNotRead, _) => Error::internal(self.to_string()),
            (_, ServiceKind::S3) => s3::for_s3(self),
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
    let (general, message) = match error {
        CredentialError::Failed(source) => return source,
        unproven if kind == ServiceKind::S3 => {
            let token = session_token.unwrap_or_default();
            return s3::unproven_for_s3(&unproven, access_key_id, token);
        }
        CredentialError::UnknownKey => {
            (General::UnknownKey, "The security token included in the request is invalid.")
        }
        CredentialError::InvalidToken => {
            (General::UnknownKey, "The security token included in the request is invalid")
        }
        CredentialError::Expired => {
            (General::ExpiredToken, "The security token included in the request is expired")
        }
    };
    general.to_error(kind, message.to_owned())
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
