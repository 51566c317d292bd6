//! Taking bytes in: from a body, through the checksums, into a blob.

use aws::Error;
use aws::body::Chunks;
use bytes::Bytes;
use futures_util::StreamExt;
use objects::{BlobKey, BlobWriter, NewBlob};

use crate::S3;
use crate::checksum::{Algorithm, Digested, Digests};
use crate::error::{EngineFailure, incomplete_body};

/// Of a plain object, and of a part.
pub(crate) const BYTES_MAX: u64 = 5 << 30;

/// Bytes to come.
pub(crate) struct Intake<'a> {
    /// How many, or how many at most if `may_be_fewer`.
    pub(crate) bytes: u64,
    /// The file of a form, whose length shows only at its end.
    pub(crate) may_be_fewer: bool,
    pub(crate) class: &'a str,
    pub(crate) key: BlobKey,
    pub(crate) algorithm: Algorithm,
}

/// Bytes that have come. They belong to nobody yet.
pub(crate) struct Taken {
    pub(crate) bytes: u64,
    /// `None` when there are no bytes. It may end with zeros that are not the object's.
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
        let mut bytes = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            if chunk.is_empty() {
                continue;
            }
            digests.update(&chunk);
            bytes += chunk.len() as u64;
            let writer = writer.as_mut().ok_or_else(incomplete_body)?;
            writer.push(chunk).await.map_err(EngineFailure::refusal)?;
        }
        if let Some(writer) = writer.as_mut().filter(|_| self.may_be_fewer) {
            fill(writer, self.bytes.saturating_sub(bytes)).await?;
        }
        let blob = match writer {
            Some(_) if bytes == 0 && self.may_be_fewer => None,
            Some(writer) => Some(writer.finish().await.map_err(EngineFailure::refusal)?),
            None => None,
        };
        Ok(Taken { bytes, blob, digested: digests.finish() })
    }
}

/// Fills the room that was announced and is not needed: what follows the file in its form.
async fn fill(writer: &mut BlobWriter, mut left: u64) -> Result<(), Error> {
    const ZEROS: &[u8] = &[0; 4096];
    while left > 0 {
        let count = usize::try_from(left).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
        let zeros = Bytes::from_static(&ZEROS[..count]);
        writer.push(zeros).await.map_err(EngineFailure::refusal)?;
        left -= count as u64;
    }
    Ok(())
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
