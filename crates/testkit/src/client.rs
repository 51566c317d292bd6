//! A client of the API port that signs, and sends what a test has broken as it is.

use std::net::SocketAddr;

use aws::sigv4::{Payload, Signer};
use aws::{Clock, Region, Timestamp};
use bytes::Bytes;
use haneul::keyring::RootKey;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// What requests are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
}

impl Key {
    pub fn of(root: &RootKey) -> Self {
        Self {
            access_key_id: root.access_key_id.clone(),
            secret_access_key: root.secret_access_key.clone(),
            session_token: None,
        }
    }

    /// From the answer of CreateAccessKey, AssumeRole or GetSessionToken.
    ///
    /// # Panics
    /// When the answer holds no key.
    pub fn from_answer(answer: &Answer) -> Self {
        let text = |element: &str| answer.xml(element).map(str::to_owned);
        Self {
            access_key_id: text("AccessKeyId").expect("a key"),
            secret_access_key: text("SecretAccessKey").expect("a key"),
            session_token: text("SessionToken"),
        }
    }
}

/// Speaks the query protocol of one service over a connection a request.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub key: Key,
    pub region: Region,
    pub service: &'static str,
    pub version: &'static str,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// The text of the first element of that name, as it stands in the body.
    pub fn xml(&self, element: &str) -> Option<&str> {
        let (_, after) = self.body.split_once(&format!("<{element}>"))?;
        after.split_once(&format!("</{element}>")).map(|(text, _)| text)
    }

    pub fn code(&self) -> Option<&str> {
        self.xml("Code")
    }

    /// Panics unless the request was refused so.
    #[track_caller]
    pub fn expect_refusal(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code()), (status, Some(code)), "{}", self.body);
    }

    #[track_caller]
    pub fn expect_ok(&self) -> &Self {
        assert_eq!(self.status, 200, "{}", self.body);
        self
    }
}

impl Client {
    /// The same client with other credentials.
    #[must_use]
    pub fn with_key(&self, key: Key) -> Self {
        Self { key, ..self.clone() }
    }

    /// Asks for an operation and waits for the answer.
    pub async fn ask(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        send(self.address, self.signed(action, parameters)).await
    }

    /// A request signed now.
    pub fn signed(&self, action: &str, parameters: &[(&str, &str)]) -> Request<Bytes> {
        self.sign(self.unsigned(action, parameters), Clock::system().now())
    }

    pub fn unsigned(&self, action: &str, parameters: &[(&str, &str)]) -> Request<Bytes> {
        let named = [("Action", action), ("Version", self.version)];
        let pairs = named.iter().chain(parameters);
        let pairs: Vec<_> = pairs.map(|(k, v)| format!("{}={}", encoded(k), encoded(v))).collect();
        self.form(pairs.join("&"))
    }

    /// A form as it is to be sent.
    pub fn form(&self, form: impl Into<Bytes>) -> Request<Bytes> {
        Request::post(format!("http://{}/", self.address))
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header("host", self.address.to_string())
            .body(form.into())
            .expect("a well-formed request")
    }

    pub fn sign(&self, request: Request<Bytes>, at: Timestamp) -> Request<Bytes> {
        let (mut parts, body) = request.into_parts();
        let signer = Signer {
            access_key_id: &self.key.access_key_id,
            secret_access_key: &self.key.secret_access_key,
            session_token: self.key.session_token.as_deref(),
            region: &self.region,
            service: self.service,
        };
        signer.sign(&mut parts, Payload::Whole(&body), at).expect("signable");
        Request::from_parts(parts, body)
    }
}

/// Sends a request as it is over HTTP/1.1.
pub async fn send(address: SocketAddr, request: Request<Bytes>) -> Answer {
    let stream = TcpStream::connect(address).await.expect("the region listens");
    send_on(stream, request).await
}

/// Sends a request over HTTP/1.1 on a connection made before.
pub async fn send_on(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Bytes>,
) -> Answer {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let (mut parts, body) = request.into_parts();
    // Origin form, as clients send it when they speak to no proxy.
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    parts.uri = target.parse().expect("a path");
    let request = Request::from_parts(parts, Full::new(body));
    answer(sender.send_request(request).await.expect("an answer")).await
}

/// Sends a request over HTTP/2, known before to be spoken.
pub async fn send_h2_on(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Bytes>,
) -> Answer {
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    tokio::spawn(connection);
    answer(sender.send_request(request.map(Full::new)).await.expect("an answer")).await
}

async fn answer(response: Response<Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a whole answer").to_bytes();
    let body = String::from_utf8(body.into()).expect("text");
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
