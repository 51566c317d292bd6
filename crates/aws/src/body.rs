//! A body that may be too large to hold: an object's bytes on their way in or out.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};

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
        /// What it will not exceed, where its length shows only at its end.
        at_most: Option<u64>,
        trailers: Trailers,
    },
}

/// What follows a body's last byte (`x-amz-checksum-crc32c:…`): its names are known before the
/// body is read, its values after. Clones share the values.
#[derive(Clone, Debug, Default)]
pub struct Trailers {
    /// In lower case.
    announced: Arc<[String]>,
    received: Arc<OnceLock<Vec<(String, String)>>>,
}

impl Trailers {
    /// For a body that announces these, in lower case.
    pub fn announced(names: Vec<String>) -> Self {
        Self { announced: names.into(), received: Arc::default() }
    }

    /// What the request's head said would come, in lower case.
    pub fn names(&self) -> &[String] {
        &self.announced
    }

    /// The value of `name`, which is in lower case; `None` before the body's end.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.received.get()?.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// For whoever reads the body from the wire, at its end. Only the first call counts.
    pub fn receive(&self, trailers: Vec<(String, String)>) {
        let _ = self.received.set(trailers);
    }
}

impl Body {
    pub fn stream(chunks: Chunks, len: Option<u64>) -> Self {
        Self::stream_with_trailers(chunks, len, Trailers::default())
    }

    pub fn stream_with_trailers(chunks: Chunks, len: Option<u64>, trailers: Trailers) -> Self {
        Self::Stream { chunks: Arc::new(Mutex::new(Some(chunks))), len, at_most: len, trailers }
    }

    /// A stream whose length shows only at its end, as that of a file in a form.
    pub fn stream_of_at_most(chunks: Chunks, bytes: u64) -> Self {
        let chunks = Arc::new(Mutex::new(Some(chunks)));
        Self::Stream { chunks, len: None, at_most: Some(bytes), trailers: Trailers::default() }
    }

    /// The length, or what it will not exceed.
    pub fn at_most(&self) -> Option<u64> {
        match self {
            Self::Bytes(_) => self.len(),
            Self::Stream { at_most, .. } => *at_most,
        }
    }

    /// None for bytes.
    pub fn trailers(&self) -> Trailers {
        match self {
            Self::Bytes(_) => Trailers::default(),
            Self::Stream { trailers, .. } => trailers.clone(),
        }
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
