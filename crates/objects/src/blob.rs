//! Blobs: immutable bytes with an id.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

use crate::extents::{ExtentReader, ExtentWriter, Location, Written};
use crate::frame::Stored;
use crate::seal::Seal;
use crate::shared::Shared;
use crate::table::Blob;
use crate::{ReadError, WriteError};

/// Names a blob for ever; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub u64);

/// A 256-bit key of its own for each blob; what is stored is sealed with it.
#[derive(Clone, PartialEq, Eq)]
pub struct BlobKey(pub [u8; 32]);

/// Not shown: it is a secret.
impl std::fmt::Debug for BlobKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BlobKey")
    }
}

/// Where a blob's bytes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Any one zone may be lost.
    Zones,
    /// In this zone alone, numbered from 0: gone with it.
    OneZone(usize),
}

/// Up to so many bytes of [`Layout::Zones`] lie in the frame that attaches the blob.
pub(crate) const INLINE_BYTES_MAX: u64 = 64 << 10;

/// Takes a blob's bytes as they come. Dropped unfinished, nothing is kept.
pub struct BlobWriter {
    pub(crate) id: BlobId,
    pub(crate) writing: Writing,
}

pub(crate) enum Writing {
    Inline { announced: u64, bytes: BytesMut, key: Option<BlobKey> },
    Extent(Box<ExtentWriter>),
}

/// A blob whose bytes are as safe as they will be, and which belongs to nobody yet. Dropped
/// without being attached, its room is free again.
#[derive(Debug)]
pub struct NewBlob {
    pub(crate) id: BlobId,
    pub(crate) held: Held,
}

#[derive(Debug)]
pub(crate) enum Held {
    Inline {
        bytes: Bytes,
        sealed: bool,
    },
    Extent(Written),
    /// Attached already, and not to be written again.
    Moved(Location),
}

impl BlobWriter {
    /// # Errors
    /// When too few zones take it, or more comes than was announced.
    pub async fn push(&mut self, more: Bytes) -> Result<(), WriteError> {
        match &mut self.writing {
            Writing::Extent(writer) => writer.push(more).await,
            Writing::Inline { announced, bytes, .. } => {
                let (announced, got) = (*announced, bytes.len() as u64 + more.len() as u64);
                if got > announced {
                    return Err(WriteError::Length { announced, got });
                }
                bytes.extend_from_slice(&more);
                Ok(())
            }
        }
    }

    /// # Errors
    /// When too few zones have synced it, or less came than was announced.
    pub async fn finish(self) -> Result<NewBlob, WriteError> {
        let held = match self.writing {
            Writing::Extent(writer) => Held::Extent(writer.finish().await?),
            Writing::Inline { announced, mut bytes, key } => {
                let got = bytes.len() as u64;
                if got != announced {
                    return Err(WriteError::Length { announced, got });
                }
                if let Some(key) = &key {
                    let tag = Seal::new(key).seal(0, &mut bytes);
                    bytes.extend_from_slice(&tag);
                }
                Held::Inline { bytes: bytes.freeze(), sealed: key.is_some() }
            }
        };
        Ok(NewBlob { id: self.id, held })
    }
}

impl NewBlob {
    pub fn id(&self) -> BlobId {
        self.id
    }

    /// What it takes in the frame that attaches it.
    pub(crate) fn inline_bytes(&self) -> usize {
        match &self.held {
            Held::Inline { bytes, .. } => bytes.len(),
            Held::Extent(_) | Held::Moved(_) => 0,
        }
    }
}

/// A blob that was there when it was looked for.
pub struct FoundBlob {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: BlobId,
    pub(crate) found: Blob,
}

impl FoundBlob {
    /// The bytes `range` of it; what lies beyond its end is left out.
    ///
    /// # Errors
    /// When its key is another, or it cannot be read.
    pub async fn read(
        &self,
        key: Option<BlobKey>,
        range: Range<u64>,
    ) -> Result<BlobReader, ReadError> {
        self.shared.read(self.id, self.found.clone(), key, range)
    }
}

/// A blob's bytes, in parts of at most 256 KiB, checked before they are given.
pub struct BlobReader {
    pub(crate) reading: Reading,
}

pub(crate) enum Reading {
    Inline(Option<Bytes>),
    Extent(Box<MovingReader>),
}

/// Reads on elsewhere when the blob was moved meanwhile.
pub(crate) struct MovingReader {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: BlobId,
    pub(crate) key: Option<BlobKey>,
    /// What is wanted yet.
    pub(crate) range: Range<u64>,
    pub(crate) location: Location,
    pub(crate) reader: ExtentReader,
}

impl MovingReader {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, ReadError>>> {
        loop {
            match ready!(self.reader.poll_next_unpin(context)) {
                Some(Err(error)) if !self.moved() => return Poll::Ready(Some(Err(error))),
                Some(Err(_)) => {}
                Some(Ok(bytes)) => {
                    self.range.start += bytes.len() as u64;
                    return Poll::Ready(Some(Ok(bytes)));
                }
                None => return Poll::Ready(None),
            }
        }
    }

    /// Whether it lies elsewhere now; then goes on there.
    fn moved(&mut self) -> bool {
        let Ok(Blob { stored: Stored::Extent(now), .. }) = self.shared.blob(self.id) else {
            return false;
        };
        if now == self.location {
            return false;
        }
        let extents = &self.shared.extents;
        match extents.read(self.id, &now, self.key.clone(), self.range.clone()) {
            Ok(reader) => (self.reader, self.location) = (reader, now),
            Err(_) => return false,
        }
        true
    }
}

impl Stream for BlobReader {
    type Item = Result<Bytes, ReadError>;

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, ReadError>>> {
        match &mut self.get_mut().reading {
            Reading::Inline(bytes) => Poll::Ready(bytes.take().map(Ok)),
            Reading::Extent(reader) => reader.poll(context),
        }
    }
}
