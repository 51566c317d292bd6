//! Objects over keep-alive connections: URLs presigned beforehand, bodies that no signature
//! covers, and answers that are counted and let go, so that the client costs little.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws::sigv4::Signer;
use aws::{Clock, Region};
use bytes::Bytes;
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::load::{Rate, answer_head};
use crate::process::Key;

pub const BUCKET: &str = "bench";
const EXPIRES: Duration = Duration::from_secs(3600);
const READ_BYTES: usize = 256 * 1024;
/// Smaller requests leave in one write.
const ONE_WRITE_BYTES: usize = 64 * 1024;

/// A server of S3 and whoever may ask it anything.
#[derive(Clone)]
pub struct Endpoint {
    pub address: SocketAddr,
    pub key: Key,
    pub region: Region,
}

/// A signed request as bytes.
#[derive(Clone)]
pub struct Request {
    head: Bytes,
    body: Bytes,
}

impl Request {
    /// `path` is the key with its query, or nothing for the bucket itself.
    pub fn new(endpoint: &Endpoint, method: &Method, path: &str, body: Bytes) -> Self {
        let uri = format!("http://{}/{BUCKET}{path}", endpoint.address);
        let request = http::Request::builder().method(method).uri(uri).body(());
        let mut parts = request.expect("a valid request").into_parts().0;
        let signer = Signer {
            access_key_id: &endpoint.key.id,
            secret_access_key: &endpoint.key.secret,
            session_token: None,
            region: &endpoint.region,
            service: "s3",
        };
        signer
            .presign(&mut parts, EXPIRES, Clock::system().now())
            .expect("nothing in it is badly encoded");
        let target = parts.uri.path_and_query().expect("it has a path");
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", endpoint.address);
        if *method == Method::PUT {
            head += &format!("content-length: {}\r\n", body.len());
        }
        head += "\r\n";
        if body.len() <= ONE_WRITE_BYTES {
            let whole = [head.as_bytes(), &body].concat();
            return Self { head: whole.into(), body: Bytes::new() };
        }
        Self { head: head.into(), body }
    }

    /// PUTs or GETs of `keys` objects of this size.
    pub fn objects(endpoint: &Endpoint, method: &Method, bytes: usize, keys: usize) -> Vec<Self> {
        let body = if *method == Method::PUT { pattern(bytes) } else { Bytes::new() };
        (0..keys)
            .map(|key| Self::new(endpoint, method, &object_path(bytes, key), body.clone()))
            .collect()
    }
}

pub fn object_path(bytes: usize, key: usize) -> String {
    format!("/{bytes}/{key}")
}

/// Bytes that do not compress, the same in every run: some peers compress what they keep.
pub fn pattern(bytes: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut made = Vec::with_capacity(bytes + 8);
    while made.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        made.extend_from_slice(&state.to_le_bytes());
    }
    made.truncate(bytes);
    made.into()
}

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; READ_BYTES] })
    }

    /// Sends a request and takes its answer, which must be a 200. Returns the body's length.
    pub async fn ask(&mut self, request: &Request) -> io::Result<usize> {
        self.stream.write_all(&request.head).await?;
        self.stream.write_all(&request.body).await?;
        let mut filled = 0;
        let (status, head, body) = loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            if let Some((answer, head, body)) = answer_head(&self.buffer[..filled])? {
                break (answer.status, head, body);
            }
        };
        if status != 200 {
            let seen = String::from_utf8_lossy(&self.buffer[..filled]);
            return Err(io::Error::other(format!("answered {status}: {seen}")));
        }
        let mut left = (head + body).saturating_sub(filled);
        while left > 0 {
            let room = left.min(READ_BYTES);
            let read = self.stream.read(&mut self.buffer[..room]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left -= read;
        }
        Ok(body)
    }
}

/// Every request once, by one connection.
pub async fn each(endpoint: &Endpoint, requests: &[Request]) -> io::Result<()> {
    let mut connection = Connection::open(endpoint.address).await?;
    for request in requests {
        connection.ask(request).await?;
    }
    Ok(())
}

/// Asks for this long over so many connections, each going round the requests from a place of
/// its own. What is under way at the end is waited for and counted.
pub async fn run(
    endpoint: &Endpoint,
    requests: &[Request],
    connections: usize,
    time: Duration,
) -> io::Result<Rate> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(endpoint.address).await?);
    }
    let answered = Cell::new(0_u32);
    let begin = Instant::now();
    let asked = open.into_iter().enumerate().map(async |(at, mut connection)| {
        let first = at * requests.len() / connections;
        for request in requests.iter().cycle().skip(first) {
            if begin.elapsed() >= time {
                break;
            }
            connection.ask(request).await?;
            answered.set(answered.get() + 1);
        }
        io::Result::Ok(())
    });
    futures_util::future::try_join_all(asked).await?;
    let requests = f64::from(answered.get());
    Ok(Rate { per_second: requests / begin.elapsed().as_secs_f64(), requests })
}
