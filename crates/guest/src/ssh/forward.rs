//! Ports that a client reaches through the guest, and ports of the guest that reach the client.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use russh::server::{ChannelOpenHandle, Handle, Msg};
use russh::{Channel, ChannelOpenFailure};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::inbox::{Backlog, Inbox};
use super::session::send;

const STREAMS_MAX: usize = 256;
const PORTS_MAX: usize = 32;
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
/// Only root may take a port below.
const PORT_FIRST_FREE: u32 = 1024;

pub(super) struct Forwards {
    streams: Arc<Semaphore>,
    backlog: Arc<Backlog>,
    /// By the name that the client gave and the port.
    ports: HashMap<(String, u32), JoinHandle<()>>,
}

impl Forwards {
    pub(super) fn new(backlog: Arc<Backlog>) -> Self {
        Self { streams: Arc::new(Semaphore::new(STREAMS_MAX)), backlog, ports: HashMap::new() }
    }

    /// Connects a channel with what its client wants to reach from here.
    pub(super) fn connect(
        &self,
        channel: Channel<Msg>,
        host: String,
        port: u32,
        reply: ChannelOpenHandle,
    ) {
        let backlog = self.backlog.clone();
        let place = self.streams.clone().try_acquire_owned();
        tokio::spawn(async move {
            let Ok(_place) = place else {
                return reply.reject(ChannelOpenFailure::ResourceShortage).await;
            };
            match connect(&host, port).await {
                Ok(stream) => {
                    reply.accept().await;
                    carry(stream, channel, backlog).await;
                }
                Err(_) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
            }
        });
    }

    /// Listens for the client; the port that it got. Only this guest itself can connect, as
    /// with sshd's settings as they are installed.
    pub(super) async fn listen(
        &mut self,
        address: &str,
        port: u32,
        uid: u32,
        connection: Handle,
    ) -> io::Result<u32> {
        let forbidden = || io::Error::from(io::ErrorKind::PermissionDenied);
        let number = u16::try_from(port).map_err(|_| forbidden())?;
        if self.ports.len() >= PORTS_MAX || (uid != 0 && (1..PORT_FIRST_FREE).contains(&port)) {
            return Err(forbidden());
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).await?;
        let number = listener.local_addr()?.port();
        // A guest without this version has one listener.
        let second = TcpListener::bind((Ipv6Addr::LOCALHOST, number)).await.ok();
        let gate = Gate {
            address: address.to_owned(),
            port: number.into(),
            connection,
            streams: self.streams.clone(),
            backlog: self.backlog.clone(),
        };
        let task = tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    accepted = accept(second.as_ref()) => accepted,
                };
                match accepted {
                    Ok((stream, from)) => gate.pass(stream, from),
                    // Out of handles for a moment.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        self.ports.insert((address.to_owned(), number.into()), task);
        Ok(number.into())
    }

    /// Whether there was such a port.
    pub(super) fn stop(&mut self, address: &str, port: u32) -> bool {
        let task = self.ports.remove(&(address.to_owned(), port));
        task.inspect(JoinHandle::abort).is_some()
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

async fn connect(host: &str, port: u32) -> io::Result<TcpStream> {
    let port = u16::try_from(port).map_err(io::Error::other)?;
    timeout(CONNECT_LIMIT, TcpStream::connect((host, port))).await?
}

/// A port of the guest that leads to the client.
struct Gate {
    address: String,
    port: u32,
    connection: Handle,
    streams: Arc<Semaphore>,
    backlog: Arc<Backlog>,
}

impl Gate {
    fn pass(&self, stream: TcpStream, from: SocketAddr) {
        // Without a place, whoever came is sent away.
        let Ok(place) = self.streams.clone().try_acquire_owned() else { return };
        let (connection, backlog) = (self.connection.clone(), self.backlog.clone());
        let (address, port) = (self.address.clone(), self.port);
        tokio::spawn(async move {
            let _place = place;
            let opened = connection.channel_open_forwarded_tcpip(
                address,
                port,
                from.ip().to_string(),
                from.port().into(),
            );
            if let Ok(channel) = opened.await {
                carry(stream, channel, backlog).await;
            }
        });
    }
}

/// Both ways until both have ended; outward also until the client closes the channel.
async fn carry(stream: TcpStream, channel: Channel<Msg>, backlog: Arc<Backlog>) {
    let _ = stream.set_nodelay(true);
    let (read, write) = channel.split();
    let inbox = Inbox::open(read, backlog);
    let (from, to) = stream.into_split();
    let outward = async {
        tokio::select! {
            () = send(from, &write, None) => {
                let _ = write.eof().await;
            }
            () = inbox.closed() => {}
        }
    };
    tokio::join!(outward, inbox.write_to(to));
    inbox.end();
    let _ = write.close().await;
}
