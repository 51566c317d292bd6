//! The API port: HTTP/1.1 and HTTP/2, plain and TLS, on one port.
//!
//! A TLS connection is known by its first byte: 0x16, a handshake record, begins no HTTP
//! request. Without TLS, HTTP/2 is spoken by clients who know so before (h2c).

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::front::Front;
use crate::front::body::Outgoing;
use crate::limits;
use crate::tls::Tls;

/// All that a connection needs.
pub struct Door {
    front: Arc<Front>,
    tls: Arc<Tls>,
    permits: Arc<Semaphore>,
    stop: watch::Sender<bool>,
}

/// The other side of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub address: SocketAddr,
    pub tls: bool,
    pub entrance: Entrance,
}

/// Which listener a connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    Api,
    /// Websites only.
    FrontDoor,
}

impl Door {
    pub fn new(front: Arc<Front>, tls: Arc<Tls>) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
        Arc::new(Self { front, tls, permits, stop: watch::Sender::new(false) })
    }

    pub fn connections(&self) -> usize {
        limits::CONNECTIONS_MAX - self.permits.available_permits()
    }

    /// Serves one listener until [`Self::shut`].
    pub async fn open(self: Arc<Self>, listener: TcpListener, entrance: Entrance) {
        let mut stop = self.stop.subscribe();
        tokio::select! {
            () = self.accept(&listener, entrance) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Accepts no more. Connections end once nothing is under way on them.
    pub fn shut(&self) {
        self.stop.send_replace(true);
    }

    /// [`Self::shut`], and waits for requests under way, [`limits::STOP_MAX`] at most.
    pub async fn close(&self) {
        self.shut();
        let all = u32::try_from(limits::CONNECTIONS_MAX).expect("a small number");
        if timeout(self.front.waits().stop, self.permits.acquire_many(all)).await.is_err() {
            tracing::warn!(left = self.connections(), "connections are cut after the time to stop");
        }
    }

    async fn accept(self: &Arc<Self>, listener: &TcpListener, entrance: Entrance) {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    // Accepted before there is room for it, so that one more may wait than are
                    // served, and only those that are served count.
                    let permit = self.permits.clone().acquire_owned().await;
                    let permit = permit.expect("the semaphore is never closed");
                    tokio::spawn(self.clone().connection(stream, address, entrance, permit));
                }
                // One connection that broke before it was accepted says nothing about the next;
                // with no file handle left, waiting lets others close.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        entrance: Entrance,
        _permit: OwnedSemaphorePermit,
    ) {
        let mut stop = self.stop.subscribe();
        let opened = tokio::select! {
            opened = timeout(self.front.waits().handshake, self.handshake(stream)) => opened,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match opened {
            Ok(Ok(Stream::Plain(io))) => {
                self.http(io, Peer { address, tls: false, entrance }, stop).await
            }
            Ok(Ok(Stream::Tls(io))) => {
                self.http(*io, Peer { address, tls: true, entrance }, stop).await
            }
            Ok(Err(error)) => tracing::debug!(%address, %error, "no connection was made"),
            Err(_) => tracing::debug!(%address, "a client did not speak in time"),
        }
    }

    async fn handshake(&self, stream: TcpStream) -> io::Result<Stream> {
        const TLS_HANDSHAKE: u8 = 0x16;
        stream.set_nodelay(true)?;
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first != [TLS_HANDSHAKE] {
            return Ok(Stream::Plain(stream));
        }
        let acceptor = TlsAcceptor::from(self.tls.config().await?);
        Ok(Stream::Tls(Box::new(acceptor.accept(stream).await?)))
    }

    async fn http(
        &self,
        io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        mut stop: watch::Receiver<bool>,
    ) {
        let waits = *self.front.waits();
        let activity = Arc::new(Activity::default());
        let service = service_fn(|request| {
            let (front, begun) = (self.front.clone(), activity.begin());
            async move {
                let answer = front.answer(request, peer).await;
                Ok::<_, std::convert::Infallible>(answer.map(|body| begun.answered(body)))
            }
        });
        let builder = http_builder();
        let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
        let mut seen = None;
        loop {
            tokio::select! {
                done = connection.as_mut() => {
                    if let Err(error) = done {
                        tracing::debug!(address = %peer.address, error, "a connection broke");
                    }
                    return;
                }
                _ = stop.wait_for(|stop| *stop) => break,
                // Not hyper's own timer of HTTP/1.1 heads: it is set anew with each request,
                // which costs more than reading the head, and does not know HTTP/2.
                () = tokio::time::sleep(waits.idle) => {
                    let now = activity.moves();
                    if now.is_some() && now == seen {
                        break;
                    }
                    seen = now;
                }
            }
        }
        connection.as_mut().graceful_shutdown();
        let overdue = async {
            // hyper ends idle connections at once; what it waits for besides requests under
            // way is the rest of a head, which may never come.
            loop {
                tokio::time::sleep(waits.close).await;
                if activity.is_idle() {
                    break;
                }
            }
        };
        tokio::select! {
            _ = timeout(waits.stop, connection) => {}
            () = overdue => {}
        }
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

/// Requests of one connection.
#[derive(Default)]
struct Activity {
    begun: AtomicU64,
    ended: AtomicU64,
    /// Answers that the client is taking now.
    sending: AtomicU64,
    /// Parts of answers that clients took.
    taken: AtomicU64,
}

/// One request, until its answer was handed to the connection.
struct Begun(Arc<Activity>);

/// An answer's body that knows how far it is.
struct Sending {
    body: Outgoing,
    begun: Begun,
}

impl Activity {
    fn begin(self: &Arc<Self>) -> Begun {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Begun(self.clone())
    }

    fn is_idle(&self) -> bool {
        self.begun.load(Ordering::Relaxed) == self.ended.load(Ordering::Relaxed)
    }

    /// A number that stays while the client neither asks nor takes; `None` while a request
    /// is with us, which has limits of its own.
    fn moves(&self) -> Option<u64> {
        let [begun, ended, sending, taken] = [&self.begun, &self.ended, &self.sending, &self.taken]
            .map(|count| count.load(Ordering::Relaxed));
        (begun == ended + sending).then_some(ended + taken)
    }
}

impl Begun {
    fn answered(self, body: Outgoing) -> Sending {
        self.0.sending.fetch_add(1, Ordering::Relaxed);
        Sending { body, begun: self }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.begun.0.sending.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Body for Sending {
    type Data = bytes::Bytes;
    type Error = aws::Error;

    /// hyper asks for as much as the client makes room for.
    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, aws::Error>>> {
        let sending = self.get_mut();
        sending.begun.0.taken.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut sending.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn http_builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .header_read_timeout(None)
        .max_buf_size(limits::HEAD_BYTES_MAX)
        .max_headers(limits::HEADERS_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits::H2_STREAMS_MAX)
        .max_header_list_size(u32::try_from(limits::HEAD_BYTES_MAX).expect("a small number"));
    builder
}

/// Opens a listener. A port of 0 lets the system choose.
///
/// # Errors
/// When the address is not ours or taken.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A region started again at once takes its port over from connections in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(limits::BACKLOG)
}

#[cfg(test)]
mod tests;
