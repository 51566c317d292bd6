//! The measure that haneul is held against: a hyper server that answers "200 OK" to anything,
//! and to a GET of `/bucket/BYTES/key` so many bytes from memory.

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::Ipv4Addr;

use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Says where it listens, in one line, and serves until it is ended.
pub fn serve() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut output = io::stdout();
        writeln!(output, "{}", listener.local_addr()?)?;
        output.flush()?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(async move {
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service_fn(answer));
                // A client that goes away is no failure of the measurement.
                let _ = connection.await;
            });
        }
    })
}

const CHUNK: &[u8] = &[7; 64 << 10];

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

async fn answer(mut request: Request<Incoming>) -> Result<Answer, Infallible> {
    while let Some(Ok(_)) = request.body_mut().frame().await {}
    let Some(bytes) = object_bytes(&request) else {
        return Ok(Response::new(Full::new(Bytes::from_static(b"OK")).boxed_unsync()));
    };
    let chunks = (0..bytes).step_by(CHUNK.len());
    let chunks = chunks.map(move |at| Bytes::from_static(&CHUNK[..CHUNK.len().min(bytes - at)]));
    let body = StreamBody::new(stream::iter(chunks.map(|chunk| Ok(Frame::data(chunk)))));
    let mut response = Response::new(body.boxed_unsync());
    response.headers_mut().insert(header::CONTENT_LENGTH, bytes.into());
    Ok(response)
}

fn object_bytes(request: &Request<Incoming>) -> Option<usize> {
    let get = *request.method() == Method::GET;
    get.then(|| request.uri().path().rsplit('/').nth(1)?.parse().ok())?
}
