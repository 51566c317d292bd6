//! Blobs: immutable bytes with an id.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;

use crate::seal::Seal;
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

/// Takes a blob's bytes as they come. Dropped unfinished, nothing is kept.
pub struct BlobWriter {
    pub(crate) id: BlobId,
    pub(crate) announced: u64,
    pub(crate) bytes: BytesMut,
    pub(crate) key: Option<BlobKey>,
}

/// A blob whose bytes are as safe as they will be, and which belongs to nobody yet. Dropped
/// without being attached, its room is free again.
#[derive(Debug)]
pub struct NewBlob {
    pub(crate) id: BlobId,
    pub(crate) bytes: Bytes,
    pub(crate) sealed: bool,
}

impl BlobWriter {
    /// # Errors
    /// When too few zones take it, or more comes than was announced.
    pub async fn push(&mut self, bytes: Bytes) -> Result<(), WriteError> {
        let got = self.bytes.len() as u64 + bytes.len() as u64;
        if got > self.announced {
            return Err(WriteError::Length { announced: self.announced, got });
        }
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    /// # Errors
    /// When too few zones have synced it, or less came than was announced.
    pub async fn finish(self) -> Result<NewBlob, WriteError> {
        let got = self.bytes.len() as u64;
        if got != self.announced {
            return Err(WriteError::Length { announced: self.announced, got });
        }
        let (mut bytes, sealed) = (self.bytes, self.key.is_some());
        if let Some(key) = &self.key {
            let tag = Seal::new(key).seal(0, &mut bytes);
            bytes.extend_from_slice(&tag);
        }
        Ok(NewBlob { id: self.id, bytes: bytes.freeze(), sealed })
    }
}

impl NewBlob {
    pub fn id(&self) -> BlobId {
        self.id
    }
}

/// A blob's bytes, in parts of at most 1 MiB, checked before they are given.
pub struct BlobReader {
    pub(crate) bytes: Option<Bytes>,
}

impl Stream for BlobReader {
    type Item = Result<Bytes, ReadError>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.get_mut().bytes.take().map(Ok))
    }
}
