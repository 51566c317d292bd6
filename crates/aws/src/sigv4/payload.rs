//! How a request's body is covered by its signature.

use aws_lc_rs::digest::Digest;

use super::encoding::hex;
use super::error::SignatureError;

/// What the signature says of the body. S3's clients say it in `x-amz-content-sha256`.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadHash {
    /// Every service but S3: the signature holds for the hash of the body as it came.
    OfBody,
    /// The body's SHA-256 in hex, to be checked once the body is read.
    Sha256(String),
    Unsigned,
    /// `aws-chunked`, each chunk signed.
    Streaming,
    /// `aws-chunked`, each chunk and the trailer signed.
    StreamingTrailer,
    /// `aws-chunked` with a trailer, none of it signed.
    StreamingUnsignedTrailer,
}

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const STREAMING: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const STREAMING_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const STREAMING_UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

impl PayloadHash {
    /// Reads `x-amz-content-sha256`.
    pub(super) fn parse(text: &str) -> Result<Self, SignatureError> {
        Ok(match text {
            UNSIGNED => Self::Unsigned,
            STREAMING => Self::Streaming,
            STREAMING_TRAILER => Self::StreamingTrailer,
            STREAMING_UNSIGNED_TRAILER => Self::StreamingUnsignedTrailer,
            hash if hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Self::Sha256(hash.to_owned())
            }
            other => return Err(SignatureError::MalformedContentSha256(other.to_owned())),
        })
    }

    /// The last line of the canonical request; `None` when it is the hash of a body to come.
    pub(super) fn canonical(&self) -> Option<&str> {
        Some(match self {
            Self::OfBody => return None,
            Self::Sha256(hash) => hash,
            Self::Unsigned => UNSIGNED,
            Self::Streaming => STREAMING,
            Self::StreamingTrailer => STREAMING_TRAILER,
            Self::StreamingUnsignedTrailer => STREAMING_UNSIGNED_TRAILER,
        })
    }

    /// Whether the body is in `aws-chunked` encoding and goes through a [`super::ChunkDecoder`].
    pub fn is_streaming(&self) -> bool {
        matches!(self, Self::Streaming | Self::StreamingTrailer | Self::StreamingUnsignedTrailer)
    }

    /// Compares the promised hash with that of a body now read. Everything but
    /// [`Self::Sha256`] promises none, or was checked with the signature.
    ///
    /// # Errors
    /// S3's `XAmzContentSHA256Mismatch` (400).
    pub fn check(&self, computed: &Digest) -> Result<(), SignatureError> {
        let Self::Sha256(client) = self else { return Ok(()) };
        let computed = hex(computed.as_ref());
        if client.eq_ignore_ascii_case(&computed) {
            return Ok(());
        }
        Err(SignatureError::ContentSha256Mismatch { client: client.clone(), computed })
    }
}
