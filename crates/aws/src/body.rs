//! A body that may be too large to hold: an object's bytes on their way in or out.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::Stream;

use crate::Error;

/// The parts of a body as they arrive. An error ends it.
pub type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// Bytes in memory, or a stream that can be taken once. Clones share the stream.
#[derive(Clone)]
pub enum Body {
    Bytes(Bytes),
    Stream {
        chunks: Arc<Mutex<Option<Chunks>>>,
        /// Known when a `Content-Length` said so.
        len: Option<u64>,
    },
}

impl Body {
    pub fn stream(chunks: Chunks, len: Option<u64>) -> Self {
        Self::Stream { chunks: Arc::new(Mutex::new(Some(chunks))), len }
    }

    pub fn len(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => u64::try_from(bytes.len()).ok(),
            Self::Stream { len, .. } => *len,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// The bytes, part by part. A stream that was taken before, here or by a clone, is empty.
    pub fn into_chunks(self) -> Chunks {
        match self {
            Self::Bytes(bytes) => Box::pin(futures_util::stream::once(async { Ok(bytes) })),
            Self::Stream { chunks, .. } => chunks
                .lock()
                .expect("taking an Option does not panic")
                .take()
                .unwrap_or_else(|| Box::pin(futures_util::stream::empty())),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::Bytes(Bytes::new())
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

/// Streams are equal when they are one.
impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bytes(one), Self::Bytes(two)) => one == two,
            (Self::Stream { chunks: one, .. }, Self::Stream { chunks: two, .. }) => {
                Arc::ptr_eq(one, two)
            }
            _ => false,
        }
    }
}

/// Its length only: bodies are large, and may be secret.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            Some(len) => write!(f, "Body({len} bytes)"),
            None => f.write_str("Body(stream)"),
        }
    }
}
