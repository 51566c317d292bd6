//! S3's errors, with its codes, statuses and sentences.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>

use aws::Error;
use objects::{CommitError, ReadError, WriteError};

pub fn no_such_bucket(name: &str) -> Error {
    Error::client(404, "NoSuchBucket", "The specified bucket does not exist")
        .with_detail("BucketName", name)
}

pub fn no_such_key(key: &str) -> Error {
    Error::client(404, "NoSuchKey", "The specified key does not exist.").with_detail("Key", key)
}

pub fn no_such_version(key: &str, version_id: &str) -> Error {
    Error::client(404, "NoSuchVersion", "The specified version does not exist.")
        .with_detail("Key", key)
        .with_detail("VersionId", version_id)
}

pub fn key_too_long(bytes: usize) -> Error {
    Error::client(400, "KeyTooLongError", "Your key is too long")
        .with_detail("Size", bytes.to_string())
        .with_detail("MaxSizeAllowed", "1024")
}

/// One of S3's two answers of status 501 to a client's fault; SDKs do not repeat it.
pub fn not_implemented(header: &str, why: &str) -> Error {
    Error {
        status: 501,
        ..Error::client(
            400,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented.",
        )
    }
    .with_detail("Header", header)
    .with_detail("additionalMessage", why)
}

pub fn invalid_argument(message: impl Into<String>, name: &str, value: &str) -> Error {
    Error::client(400, "InvalidArgument", message)
        .with_detail("ArgumentName", name)
        .with_detail("ArgumentValue", value)
}

pub fn no_such_upload(upload_id: &str) -> Error {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
    Error::client(404, "NoSuchUpload", message).with_detail("UploadId", upload_id)
}

pub fn bad_digest(message: impl Into<String>) -> Error {
    Error::client(400, "BadDigest", message)
}

pub fn access_denied() -> Error {
    Error::access_denied("Access Denied")
}

pub fn invalid_request(message: impl Into<String>) -> Error {
    Error::client(400, "InvalidRequest", message)
}

pub fn malformed_xml() -> Error {
    Error::client(
        400,
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

pub fn incomplete_body() -> Error {
    let message =
        "You did not provide the number of bytes specified by the Content-Length HTTP header";
    Error::client(400, "IncompleteBody", message)
}

/// S3's own form of a fault of ours.
fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error {
        code: "InternalError".into(),
        message: "We encountered an internal error. Please try again.".into(),
        ..Error::internal(source)
    }
}

/// Clients wait and try again.
fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error { message: "Service is unable to handle request.".into(), ..Error::unavailable(source) }
}

/// The engine's failures in S3's words. (`From` would need a type of this crate.)
pub trait EngineFailure {
    fn refusal(self) -> Error;
}

impl EngineFailure for CommitError {
    fn refusal(self) -> Error {
        match self {
            Self::Read(error) => error.refusal(),
            Self::Unavailable(_) => unavailable(self),
            Self::Unknown(_) | Self::TooLarge(_) => internal(self),
        }
    }
}

impl EngineFailure for ReadError {
    fn refusal(self) -> Error {
        match self {
            Self::Unavailable(_) => unavailable(self),
            Self::Lost(_) | Self::NoSuchBlob(_) | Self::WrongKey => internal(self),
        }
    }
}

impl EngineFailure for WriteError {
    fn refusal(self) -> Error {
        match self {
            Self::Full(_) | Self::Unavailable(_) => unavailable(self),
            Self::Length { .. } => incomplete_body(),
        }
    }
}
