//! Bodies in, under their limits, and out.

use std::io::Read;
use std::pin::Pin;
use std::task::{Context, Poll};

use aws::Error;
use aws::body::Chunks;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::route;
use crate::limits::{self, Waits};

/// Reads all of a control-plane request's body, as it came.
///
/// # Errors
/// `RequestEntityTooLarge` (413), without reading what is announced as too large;
/// `RequestTimeout` (400) for one that does not arrive; a broken one is `IncompleteBody`.
pub async fn read(parts: &Parts, mut body: Incoming, waits: &Waits) -> Result<Bytes, Error> {
    let max = if route::is_form(&parts.headers) || !has_content_type(&parts.headers) {
        limits::FORM_BODY_MAX
    } else {
        limits::JSON_BODY_MAX
    };
    let announced = body.size_hint().lower();
    if announced > u64::try_from(max).unwrap_or(u64::MAX) {
        discard(&parts.headers, &mut body).await;
        return Err(too_large(max));
    }
    let limited = Limited::new(&mut body, max);
    match timeout(waits.body, limited.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            discard(&parts.headers, &mut body).await;
            Err(too_large(max))
        }
        Ok(Err(_)) => Err(Error::client(
            400,
            "IncompleteBody",
            "The request body ended before its announced length, or is not well framed.",
        )),
        Err(_) => Err(Error::client(
            400,
            "RequestTimeout",
            "Your socket connection to the server was not read from or written to within the timeout period.",
        )),
    }
}

/// Reads on for nothing: most clients look for an answer only after they have sent all, and
/// meet a reset instead of it when the connection is closed before. What is left after
/// [`limits::DISCARDED_MAX`] and [`limits::DISCARD_MAX`] stays unread, and the connection has to
/// end.
pub async fn discard(headers: &HeaderMap, body: &mut Incoming) {
    if headers.contains_key(header::EXPECT) {
        return;
    }
    let mut left = limits::DISCARDED_MAX;
    let read = async {
        while left > 0
            && let Some(Ok(frame)) = body.frame().await
        {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        }
    };
    // However it ends, the refusal follows.
    let _ = timeout(limits::DISCARD_MAX, read).await;
}

fn has_content_type(headers: &HeaderMap) -> bool {
    headers.contains_key(header::CONTENT_TYPE)
}

fn too_large(max: usize) -> Error {
    Error::client(
        413,
        "RequestEntityTooLarge",
        format!("Your request was too large: more than {max} bytes."),
    )
}

/// Whether a body is compressed as some clients do (PutMetricData's).
pub fn is_gzip(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|encoding| encoding.eq_ignore_ascii_case("gzip"))
}

/// The body that was compressed, at most [`limits::JSON_BODY_MAX`] of it.
///
/// # Errors
/// `RequestEntityTooLarge` (413), and `MalformedInput` for what is not gzip.
pub fn inflate(body: &[u8]) -> Result<Bytes, Error> {
    let max = limits::JSON_BODY_MAX;
    let bound = u64::try_from(max).unwrap_or(u64::MAX) + 1;
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(body).take(bound).read_to_end(&mut plain).map_err(|_| {
        Error::client(
            400,
            "MalformedInput",
            "The request body is not in the gzip format it claims.",
        )
    })?;
    if plain.len() > max { Err(too_large(max)) } else { Ok(plain.into()) }
}

/// An answer's body on its way out.
pub enum Outgoing {
    /// `None` when it has been sent.
    Bytes(Option<Bytes>),
    Stream {
        chunks: Chunks,
        len: Option<u64>,
    },
}

impl From<aws::Body> for Outgoing {
    fn from(body: aws::Body) -> Self {
        match body {
            aws::Body::Bytes(bytes) => bytes.into(),
            body @ aws::Body::Stream { .. } => {
                let len = body.len();
                Self::Stream { chunks: body.into_chunks(), len }
            }
        }
    }
}

impl From<Bytes> for Outgoing {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes((!bytes.is_empty()).then_some(bytes))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.get_mut() {
            Self::Bytes(bytes) => Poll::Ready(bytes.take().map(Frame::data).map(Ok)),
            Self::Stream { chunks, .. } => chunks
                .as_mut()
                .poll_next(context)
                .map(|next| next.map(|part| part.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Bytes(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Bytes(bytes) => {
                let len = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(len).unwrap_or(u64::MAX))
            }
            Self::Stream { len: Some(len), .. } => SizeHint::with_exact(*len),
            Self::Stream { len: None, .. } => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn a_compressed_body_is_bounded_by_what_it_becomes() {
        assert_eq!(inflate(&gzip(b"Action=X")).expect("valid"), "Action=X");
        let check = |body: &[u8], code: &str| {
            assert_eq!(inflate(body).expect_err("refused").code, code);
        };
        check(&gzip(&vec![0; limits::JSON_BODY_MAX + 1]), "RequestEntityTooLarge");
        check(b"plain", "MalformedInput");
        check(&gzip(b"Action=X")[..12], "MalformedInput");
    }
}
