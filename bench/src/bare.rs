//! The measure that haneul is held against: a hyper server that answers "200 OK" to anything.

use std::io::{self, Write};
use std::net::Ipv4Addr;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
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
                let answer = service_fn(async |_| {
                    Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from_static(
                        b"OK",
                    ))))
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer);
                // A client that goes away is no failure of the measurement.
                let _ = connection.await;
            });
        }
    })
}
