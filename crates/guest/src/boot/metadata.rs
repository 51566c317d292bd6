//! The metadata service, asked in its second version.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), 80);
const TIMEOUT: Duration = Duration::from_secs(5);
const RETRY_FIRST: Duration = Duration::from_millis(10);
const RETRY_LAST: Duration = Duration::from_secs(1);
/// More than user data and a certificate chain together.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

pub(crate) struct Metadata {
    token: String,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Metadata {
    /// Waits until the service gives out a token.
    ///
    /// # Errors
    /// What it last said when the time is over.
    #[allow(
        clippy::disallowed_methods,
        reason = "a guest's process with one thread and no runtime"
    )]
    pub(crate) fn wait(limit: Duration) -> io::Result<Self> {
        let deadline = Instant::now() + limit;
        let mut pause = RETRY_FIRST;
        loop {
            match Self::open() {
                Ok(metadata) => return Ok(metadata),
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(_) => std::thread::sleep(pause),
            }
            pause = (pause * 2).min(RETRY_LAST);
        }
    }

    pub(crate) fn open() -> io::Result<Self> {
        let answer =
            ask("PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 21600")?;
        match answer.status {
            200 => Ok(Self { token: text(answer.body)? }),
            status => Err(io::Error::other(format!("no token: {status}"))),
        }
    }

    /// What stands at `meta-data/PATH`; `None` when there is no such thing.
    pub(crate) fn get(&self, path: &str) -> io::Result<Option<String>> {
        self.read(&format!("/latest/meta-data/{path}"))?.map(text).transpose()
    }

    pub(crate) fn required(&self, path: &str) -> io::Result<String> {
        self.get(path)?.ok_or_else(|| io::Error::other(format!("there is no {path}")))
    }

    /// The public keys of the instance's key pair, each one line of `authorized_keys`.
    pub(crate) fn public_keys(&self) -> io::Result<Vec<String>> {
        let mut keys = Vec::new();
        for entry in self.get("public-keys/")?.unwrap_or_default().lines() {
            let Some((index, _)) = entry.split_once('=') else { continue };
            let key = self.get(&format!("public-keys/{index}/openssh-key"))?;
            keys.extend(key.map(|key| key.trim().to_owned()));
        }
        Ok(keys)
    }

    pub(crate) fn user_data(&self) -> io::Result<Option<Vec<u8>>> {
        self.read("/latest/user-data")
    }

    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let answer = ask("GET", path, &format!("X-aws-ec2-metadata-token: {}", self.token))?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 => Ok(None),
            status => Err(io::Error::other(format!("{path}: {status}"))),
        }
    }
}

fn ask(method: &str, path: &str, header: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&ADDRESS, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    // Version 1.0: the answer ends with the connection.
    let host = ADDRESS.ip();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {host}\r\n{header}\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes)?;
    answer(&bytes).ok_or_else(|| io::Error::other("this is no HTTP answer"))
}

fn answer(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: bytes[end + 4..].to_vec() })
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let found = answer(b"HTTP/1.0 200 OK\r\nServer: EC2ws\r\n\r\ni-1").expect("read");
        assert_eq!((found.status, found.body), (200, b"i-1".to_vec()));
        for bad in ["", "HTTP/1.1 200 OK\r\n", "SSH-2.0\r\n\r\n", "HTTP/1.1 x\r\n\r\n"] {
            assert!(answer(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
