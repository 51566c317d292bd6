//! A request's body on its way in: decoded, checked against its signature, and bounded in time.
//!
//! One piece is read when one is asked for, so a slow disk slows its client and nothing piles
//! up. The client's `Expect: 100-continue` is answered when the first piece is asked for, which
//! nobody does before the request is authorized.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use aws::body::{Chunks, Trailers};
use aws::protocol::limits::BODY_BYTES_MAX;
use aws::sigv4::{ChunkDecoder, PayloadHash, ServiceKind};
use aws::{Body, Error};
use aws_lc_rs::digest;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::HeaderMap;
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use super::authenticate::Covered;
use crate::limits;

/// A body that comes back to [`Back`] unless it was read to its end.
pub struct Lent {
    incoming: Option<Incoming>,
    slot: Arc<Mutex<Option<Incoming>>>,
}

/// Where a body that nobody read is found again, to be read for nothing.
pub struct Back(Arc<Mutex<Option<Incoming>>>);

impl Back {
    pub fn lend(incoming: Incoming) -> (Lent, Self) {
        let slot = Arc::default();
        (Lent { incoming: Some(incoming), slot: Arc::clone(&slot) }, Self(slot))
    }

    pub fn returned(&self) -> Option<Incoming> {
        let incoming = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        incoming.filter(|incoming| !incoming.is_end_stream())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = self.incoming.take();
    }
}

/// The payload of a request, as a stream that fails when it is not what was signed.
pub struct Arriving {
    lent: Lent,
    decoding: Decoding,
    /// The payload's, when it was announced.
    len: Option<u64>,
    /// Read and not decoded yet.
    raw: Bytes,
    idle: Option<Pin<Box<Sleep>>>,
}

enum Decoding {
    Plain { check: Option<(digest::Context, PayloadHash)> },
    Chunked { decoder: Option<Box<ChunkDecoder>>, trailers: Trailers },
}

impl Arriving {
    /// # Errors
    /// For a body whose announced length is none.
    pub fn new(lent: Lent, covered: Covered, headers: &HeaderMap) -> Result<Self, Error> {
        let (decoding, len) = match covered {
            Covered::Unsigned => (Decoding::Plain { check: None }, announced(&lent, headers)),
            Covered::Whole(hash) => {
                let check = Some((digest::Context::new(&digest::SHA256), hash));
                (Decoding::Plain { check }, announced(&lent, headers))
            }
            Covered::Chunks(decoder) => {
                let len = aws::sigv4::decoded_length(headers).map_err(|error| error.to_error())?;
                let trailers = Trailers::announced(decoder.announced().to_vec());
                (Decoding::Chunked { decoder: Some(decoder), trailers }, Some(len))
            }
        };
        Ok(Self { lent, decoding, len, raw: Bytes::new(), idle: None })
    }

    /// The payload's length, when it was announced.
    pub fn len(&self) -> Option<u64> {
        self.len
    }

    /// The payload's length where the wire's is another.
    pub fn decoded_len(&self) -> Option<u64> {
        self.len.filter(|_| matches!(self.decoding, Decoding::Chunked { .. }))
    }

    pub fn into_body(self) -> Body {
        let (len, trailers) = (self.len, self.trailers());
        let chunks: Chunks = Box::pin(self);
        Body::stream_with_trailers(chunks, len, trailers)
    }

    /// All of a document's bytes.
    ///
    /// # Errors
    /// `MaxMessageLengthExceeded`, and what is wrong with the body.
    pub async fn collect(mut self) -> Result<Bytes, Error> {
        let max = u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX);
        if self.len.is_some_and(|len| len > max) {
            return Err(too_long());
        }
        let mut whole = BytesMut::new();
        while let Some(piece) = self.next().await {
            let piece = piece?;
            if whole.is_empty() && self.len == u64::try_from(piece.len()).ok() {
                // Nearly every document comes in one piece; its end is still to be checked.
                return match self.next().await {
                    None => Ok(piece),
                    Some(Ok(_)) => Err(incomplete()),
                    Some(Err(error)) => Err(error),
                };
            }
            if whole.len() + piece.len() > BODY_BYTES_MAX {
                return Err(too_long());
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// What follows the body, once it was read.
    pub fn trailers(&self) -> Trailers {
        match &self.decoding {
            Decoding::Plain { .. } => Trailers::default(),
            Decoding::Chunked { trailers, .. } => trailers.clone(),
        }
    }

    /// The next bytes of the wire; `None` at their end.
    fn poll_wire(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let Some(incoming) = &mut self.lent.incoming else { return Poll::Ready(None) };
        match Pin::new(incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.idle = None;
                // HTTP's own trailers carry nothing here.
                Poll::Ready(Some(Ok(frame.into_data().unwrap_or_default())))
            }
            Poll::Ready(Some(Err(_))) => {
                self.lent.incoming = None;
                Poll::Ready(Some(Err(incomplete())))
            }
            Poll::Ready(None) => {
                self.lent.incoming = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                let idle =
                    self.idle.get_or_insert_with(|| Box::pin(sleep(limits::OBJECT_IDLE_MAX)));
                ready!(idle.as_mut().poll(context));
                idle.as_mut().reset(Instant::now() + limits::OBJECT_IDLE_MAX);
                Poll::Ready(Some(Err(timed_out())))
            }
        }
    }

    /// What is decoded of `raw`, if that makes anything.
    fn decode(&mut self) -> Result<Option<Bytes>, Error> {
        match &mut self.decoding {
            Decoding::Plain { check } => {
                if let Some((hash, _)) = check {
                    hash.update(&self.raw);
                }
                Ok(Some(std::mem::take(&mut self.raw)))
            }
            Decoding::Chunked { decoder: Some(decoder), .. } => {
                decoder.decode(&mut self.raw).map_err(|error| error.to_error())
            }
            Decoding::Chunked { decoder: None, .. } => Err(incomplete()),
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        match &mut self.decoding {
            Decoding::Plain { check } => match check.take() {
                Some((hash, expected)) => {
                    expected.check(&hash.finish()).map_err(|error| error.to_error(ServiceKind::S3))
                }
                None => Ok(()),
            },
            Decoding::Chunked { decoder, trailers } => {
                let Some(decoder) = decoder.take() else { return Ok(()) };
                trailers.receive(decoder.finish().map_err(|error| error.to_error())?);
                Ok(())
            }
        }
    }
}

impl Stream for Arriving {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if !this.raw.is_empty() {
                match this.decode() {
                    Ok(None) => {}
                    Ok(Some(piece)) => return Poll::Ready(Some(Ok(piece))),
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
            match ready!(this.poll_wire(context)) {
                Some(Ok(bytes)) => this.raw = bytes,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(this.end().err().map(Err)),
            }
        }
    }
}

/// What `Content-Length` says. A body without one (chunked by HTTP itself) has no length, also
/// when it happens to be empty.
fn announced(lent: &Lent, headers: &HeaderMap) -> Option<u64> {
    headers.get(http::header::CONTENT_LENGTH)?;
    lent.incoming.as_ref().and_then(|incoming| incoming.size_hint().exact())
}

fn incomplete() -> Error {
    Error::client(
        400,
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
}

fn timed_out() -> Error {
    Error::client(
        400,
        "RequestTimeout",
        "Your socket connection to the server was not read from or written to within the timeout \
         period. Idle connections will be closed.",
    )
}

fn too_long() -> Error {
    Error::client(400, "MaxMessageLengthExceeded", "Your request was too large.")
        .with_detail("MaxMessageLengthBytes", BODY_BYTES_MAX.to_string())
}
