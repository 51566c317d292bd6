//! Questions about other people's names, asked of the machine's own resolvers.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use aws::Random;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// As resolver libraries wait before they ask the next server.
const WAIT: Duration = Duration::from_secs(2);
const MESSAGE_MAX: usize = 65_535;
const PORT: u16 = 53;

pub struct Forwarder {
    servers: Vec<SocketAddr>,
    random: Arc<Random>,
}

/// The servers that `/etc/resolv.conf` names.
pub fn system_resolvers() -> Vec<SocketAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    resolvers(&text)
}

fn resolvers(text: &str) -> Vec<SocketAddr> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        let address = words.next().filter(|word| *word == "nameserver").and(words.next())?;
        let address: IpAddr = address.parse().ok()?;
        Some(SocketAddr::new(address, PORT))
    };
    text.lines().filter_map(server).collect()
}

impl Forwarder {
    pub fn new(servers: Vec<SocketAddr>, random: Arc<Random>) -> Self {
        Self { servers, random }
    }

    /// The first server's answer.
    pub(crate) async fn ask(&self, question: &[u8], transport: Transport) -> Option<Vec<u8>> {
        // Our own id: a client's may be known to who would answer in the server's place.
        let id = (self.random.next_u64() & 0xffff) as u16;
        let mut asked = question.to_vec();
        asked.get_mut(..2)?.copy_from_slice(&id.to_be_bytes());
        for server in &self.servers {
            let answer = match transport {
                Transport::Udp => timeout(WAIT, udp(*server, &asked)).await,
                Transport::Tcp => timeout(WAIT, tcp(*server, &asked)).await,
            };
            if let Ok(Ok(mut answer)) = answer {
                answer.get_mut(..2)?.copy_from_slice(&question[..2]);
                return Some(answer);
            }
        }
        None
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

async fn udp(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut answer = vec![0; MESSAGE_MAX];
    loop {
        let len = socket.recv(&mut answer).await?;
        if answer[..len].starts_with(&question[..2]) {
            answer.truncate(len);
            return Ok(answer);
        }
    }
}

async fn tcp(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    write(&mut stream, question).await?;
    read(&mut stream).await
}

/// A message over TCP: its length before it.
pub(crate) async fn read(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let len = stream.read_u16().await?;
    let mut message = vec![0; len.into()];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

pub(crate) async fn write(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let len = u16::try_from(message.len()).map_err(io::Error::other)?;
    let framed = [&len.to_be_bytes(), message].concat();
    stream.write_all(&framed).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolv_conf_names_the_servers() {
        let text = "# made by hand\nsearch example.com\nnameserver 10.0.0.2\nnameserver ::1\nnameserver x\n";
        let expected = ["10.0.0.2:53", "[::1]:53"].map(|text| text.parse().expect("valid"));
        assert_eq!(resolvers(text), expected);
    }
}
