//! The load generator: requests signed beforehand, each one different, over keep-alive
//! connections. It speaks HTTP by hand so that its own cost stays small beside the server's.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use aws::Timestamp;
use aws::sigv4::{Payload, Signer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::{Key, region};

const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A signed request, as bytes.
pub struct Prepared(Vec<u8>);

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
}

/// How much work, and how many ask at once.
#[derive(Clone, Copy)]
pub struct Load {
    pub connections: u32,
    pub requests_per_connection: u32,
}

pub struct Rate {
    pub per_second: f64,
    pub requests: f64,
}

impl Prepared {
    /// `invocation` stands in a signed header, as SDKs send one, so that no two are alike.
    pub fn identity(address: SocketAddr, key: &Key, at: Timestamp, invocation: u32) -> Self {
        let region = region();
        let signer = Signer {
            access_key_id: &key.id,
            secret_access_key: &key.secret,
            session_token: None,
            region: &region,
            service: "sts",
        };
        let mut parts = http::Request::post(format!("http://{address}/"))
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header("content-length", BODY.len())
            .header("amz-sdk-invocation-id", invocation)
            .body(())
            .expect("a valid request")
            .into_parts()
            .0;
        signer
            .sign(&mut parts, Payload::Whole(BODY.as_bytes()), at)
            .expect("nothing in it is badly encoded");
        let mut bytes = b"POST / HTTP/1.1\r\n".to_vec();
        for (name, value) in &parts.headers {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(BODY.as_bytes());
        Self(bytes)
    }
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(ANSWER_BYTES_MAX) })
    }

    pub async fn ask(&mut self, request: &Prepared) -> io::Result<Answer> {
        self.stream.write_all(&request.0).await?;
        self.buffer.clear();
        loop {
            if let Some((answer, head, body)) = answer_head(&self.buffer)?
                && self.buffer.len() >= head + body
            {
                return Ok(answer);
            }
            if self.buffer.len() >= ANSWER_BYTES_MAX {
                return Err(io::Error::other("the answer is too long"));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// The status, and how many bytes head and body take; `None` while the head is not whole.
pub fn answer_head(bytes: &[u8]) -> io::Result<Option<(Answer, usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(io::Error::other)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    match (status, length) {
        (Some(status), Some(length)) => Ok(Some((Answer { status }, end + 4, length))),
        _ => Err(io::Error::other(format!("an answer without status or length: {head}"))),
    }
}

/// Sends all of the load's requests and waits for all answers, which must be 200.
pub async fn run(address: SocketAddr, key: &Key, load: Load, at: Timestamp) -> io::Result<Rate> {
    let mut ready = Vec::new();
    for connection in 0..load.connections {
        let first = connection * load.requests_per_connection;
        let prepared: Vec<Prepared> = (first..first + load.requests_per_connection)
            .map(|invocation| Prepared::identity(address, key, at, invocation))
            .collect();
        ready.push((Connection::open(address).await?, prepared));
    }
    let begin = Instant::now();
    let asked = ready.into_iter().map(async |(mut connection, prepared)| {
        for request in &prepared {
            let answer = connection.ask(request).await?;
            if answer.status != 200 {
                return Err(io::Error::other(format!("answered {}", answer.status)));
            }
        }
        Ok(())
    });
    futures_util::future::try_join_all(asked).await?;
    let requests = f64::from(load.connections) * f64::from(load.requests_per_connection);
    Ok(Rate { per_second: requests / begin.elapsed().as_secs_f64(), requests })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_to_their_end() {
        let check = |bytes: &str, expected: Option<(u16, usize, usize)>| {
            let seen = answer_head(bytes.as_bytes()).expect("well formed");
            let seen = seen.map(|(answer, head, body)| (answer.status, head, body));
            assert_eq!(seen, expected, "{bytes}");
        };
        check("HTTP/1.1 200 OK\r\nContent-Le", None);
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", Some((200, 38, 2)));
        check("HTTP/1.1 403 Forbidden\r\ncontent-length:0\r\n\r\n", Some((403, 44, 0)));
        assert!(answer_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
