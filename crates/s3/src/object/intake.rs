//! Taking bytes in: from a body, through the checksums, into a blob.

use aws::Error;
use aws::body::Chunks;
use futures_util::StreamExt;
use objects::{BlobKey, NewBlob};

use crate::S3;
use crate::checksum::{Algorithm, Digested, Digests};
use crate::error::{EngineFailure, incomplete_body};

/// Of a plain object, and of a part.
pub(crate) const BYTES_MAX: u64 = 5 << 30;

/// Bytes to come.
pub(crate) struct Intake<'a> {
    pub(crate) bytes: u64,
    pub(crate) class: &'a str,
    pub(crate) key: BlobKey,
    pub(crate) algorithm: Algorithm,
}

/// Bytes that have come. They belong to nobody yet.
pub(crate) struct Taken {
    /// `None` when there are no bytes.
    pub(crate) blob: Option<NewBlob>,
    pub(crate) digested: Digested,
}

impl Intake<'_> {
    /// Takes the whole body, and no more in memory than one of its chunks.
    ///
    /// # Errors
    /// The body's own, `IncompleteBody` when it has another length, and the engine's.
    pub(crate) async fn take(self, s3: &S3, mut body: Chunks) -> Result<Taken, Error> {
        let mut digests = Digests::new(self.algorithm);
        let mut writer = match self.bytes {
            0 => None,
            bytes => {
                let begun = s3.begin_blob(self.class, bytes, self.key).await;
                Some(begun.map_err(EngineFailure::refusal)?)
            }
        };
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            if chunk.is_empty() {
                continue;
            }
            digests.update(&chunk);
            let writer = writer.as_mut().ok_or_else(incomplete_body)?;
            writer.push(chunk).await.map_err(EngineFailure::refusal)?;
        }
        let blob = match writer {
            Some(writer) => Some(writer.finish().await.map_err(EngineFailure::refusal)?),
            None => None,
        };
        Ok(Taken { blob, digested: digests.finish() })
    }
}

/// The length of a body, which has to be announced.
///
/// # Errors
/// `MissingContentLength` (411), `EntityTooLarge`.
pub(crate) fn announced_bytes(len: Option<u64>) -> Result<u64, Error> {
    let Some(bytes) = len else {
        let message = "You must provide the Content-Length HTTP header.";
        return Err(Error::client(411, "MissingContentLength", message));
    };
    if bytes <= BYTES_MAX {
        return Ok(bytes);
    }
    let message = "Your proposed upload exceeds the maximum allowed size";
    Err(Error::client(400, "EntityTooLarge", message)
        .with_detail("ProposedSize", bytes.to_string())
        .with_detail("MaxSizeAllowed", BYTES_MAX.to_string()))
}
