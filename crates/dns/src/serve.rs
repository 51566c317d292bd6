//! The sockets.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::Names;
use crate::answer::{Answer, answer, failure};
use crate::forward::{self, Forwarder, Transport};

/// Questions under way at once; more are dropped over UDP, and asked again by who wants to know.
const UNDER_WAY_MAX: usize = 256;
/// A client that is silent for so long on a connection is let go.
const IDLE: Duration = Duration::from_secs(10);
const DATAGRAM_MAX: usize = 4096;

/// Answers on as many sockets as it is given. Cheap to clone.
#[derive(Clone)]
pub struct Server {
    names: Arc<dyn Names>,
    forwarder: Arc<Forwarder>,
    under_way: Arc<Semaphore>,
}

impl Server {
    pub fn new(names: Arc<dyn Names>, forwarder: Arc<Forwarder>) -> Self {
        Self { names, forwarder, under_way: Arc::new(Semaphore::new(UNDER_WAY_MAX)) }
    }

    /// Serves datagrams until the future is dropped or the socket breaks.
    ///
    /// # Errors
    /// What the socket says when it breaks.
    pub async fn udp(self, socket: UdpSocket) -> io::Result<()> {
        let socket = Arc::new(socket);
        let mut datagram = vec![0; DATAGRAM_MAX];
        loop {
            let (len, from) = match socket.recv_from(&mut datagram).await {
                // An answer that nobody took comes back as an error of the socket.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                received => received?,
            };
            let Ok(permit) = self.under_way.clone().try_acquire_owned() else { continue };
            let (server, socket) = (self.clone(), socket.clone());
            let question = datagram[..len].to_vec();
            tokio::spawn(async move {
                if let Some(answer) = server.reply(&question, from, Transport::Udp).await {
                    let _ = socket.send_to(&answer, from).await;
                }
                drop(permit);
            });
        }
    }

    /// Serves connections until the future is dropped or the listener breaks.
    ///
    /// # Errors
    /// What the listener says when it breaks.
    pub async fn tcp(self, listener: TcpListener) -> io::Result<()> {
        loop {
            let (stream, from) = listener.accept().await?;
            let Ok(permit) = self.under_way.clone().try_acquire_owned() else { continue };
            let server = self.clone();
            tokio::spawn(async move {
                // A client that breaks off has nothing to be told.
                let _ = server.connection(stream, from).await;
                drop(permit);
            });
        }
    }

    async fn connection(&self, mut stream: TcpStream, from: SocketAddr) -> io::Result<()> {
        loop {
            let question = timeout(IDLE, forward::read(&mut stream)).await??;
            match self.reply(&question, from, Transport::Tcp).await {
                Some(answer) => timeout(IDLE, forward::write(&mut stream, &answer)).await??,
                None => return Ok(()),
            }
        }
    }

    async fn reply(&self, question: &[u8], from: SocketAddr, by: Transport) -> Option<Vec<u8>> {
        match answer(self.names.as_ref(), question, from.ip()) {
            Answer::Bytes(bytes) => Some(bytes),
            Answer::Nothing => None,
            Answer::Forward => match self.forwarder.ask(question, by).await {
                Some(answer) => Some(answer),
                None => {
                    tracing::debug!("no resolver of the machine answers");
                    failure(question)
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use aws::Random;
    use domain::base::iana::{Rcode, Rtype};
    use domain::base::{Message, MessageBuilder, Name};

    use super::*;
    use crate::{Found, Question};

    /// Knows nothing: everything is passed on.
    struct Nothing;

    impl Names for Nothing {
        fn find(&self, _: &Question) -> Found {
            Found::Elsewhere
        }
    }

    struct One;

    impl Names for One {
        fn find(&self, question: &Question) -> Found {
            match question.name.as_str() {
                "one.internal" => Found::Addresses(vec![Ipv4Addr::new(10, 0, 0, 1)]),
                _ => Found::Elsewhere,
            }
        }
    }

    async fn start(names: Arc<dyn Names>, upstream: Vec<SocketAddr>) -> SocketAddr {
        let forwarder = Arc::new(Forwarder::new(upstream, Arc::new(Random::seeded(1))));
        let server = Server::new(names, forwarder);
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a socket");
        let address = socket.local_addr().expect("bound");
        let listener = TcpListener::bind(address).await.expect("the same port");
        tokio::spawn(server.clone().udp(socket));
        tokio::spawn(server.tcp(listener));
        address
    }

    async fn ask(server: SocketAddr, name: &str) -> (Rcode, u16) {
        let mut message = MessageBuilder::new_vec().question();
        message.header_mut().set_id(99);
        message.push((name.parse::<Name<Vec<u8>>>().expect("a name"), Rtype::A)).expect("room");
        let forwarder = |by| {
            let question = message.as_slice().to_vec();
            async move {
                let forwarder = Forwarder::new(vec![server], Arc::new(Random::seeded(2)));
                forwarder.ask(&question, by).await.expect("answered")
            }
        };
        let (udp, tcp) = (forwarder(Transport::Udp).await, forwarder(Transport::Tcp).await);
        assert_eq!(udp, tcp);
        let answer = Message::from_octets(udp).expect("a message");
        assert_eq!(answer.header().id(), 99);
        (answer.header().rcode(), answer.header_counts().ancount())
    }

    #[tokio::test]
    async fn a_server_answers_passes_on_and_says_when_nobody_does() {
        let behind = start(Arc::new(One), Vec::new()).await;
        let front = start(Arc::new(Nothing), vec![behind]).await;
        assert_eq!(ask(behind, "one.internal").await, (Rcode::NOERROR, 1));
        assert_eq!(ask(front, "one.internal").await, (Rcode::NOERROR, 1), "by the one behind");
        assert_eq!(ask(behind, "two.internal").await, (Rcode::SERVFAIL, 0));
    }
}
