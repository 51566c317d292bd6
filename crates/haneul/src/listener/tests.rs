//! Clients that do not speak, do not end, or do not read.

use std::net::Ipv4Addr;

use aws::{
    Authorizer, BoxFuture, Call, Check, Clock, Credential, CredentialError, Credentials, Decision,
    Error, Random, Region, Timestamp,
};
use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::front::Parties;
use crate::limits::Waits;

/// Knows nobody and allows nothing.
struct Nobody;

impl Credentials for Nobody {
    fn find<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a str>,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Credential, CredentialError>> {
        async { Err(CredentialError::UnknownKey) }.boxed()
    }
}

impl Authorizer for Nobody {
    fn authorize<'a>(
        &'a self,
        _: &'a Call,
        _: &'a Check,
    ) -> BoxFuture<'a, Result<Decision, Error>> {
        async { Ok(Decision::Denied { message: String::new() }) }.boxed()
    }
}

/// None of these ends in the time of a test.
const PATIENT: Waits = {
    const LONG: Duration = Duration::from_secs(3600);
    Waits { handshake: LONG, idle: LONG, body: LONG, close: LONG, stop: LONG }
};
const SHORT: Duration = Duration::from_millis(50);
const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

/// A listener where nobody may anything, and its address.
fn open(waits: Waits) -> (Arc<Door>, SocketAddr) {
    let wall = Arc::new(Clock::system());
    let domain = "localhost".to_owned();
    let region: Region = "ap-northeast-2".parse().expect("a region");
    let random = Arc::new(Random::system());
    let authorizer: Arc<dyn Authorizer> = Arc::new(Nobody);
    let s3 = s3::S3::new(
        objects::Engine::memory(),
        wall.clone(),
        random.clone(),
        region.clone(),
        domain.clone(),
        authorizer.clone(),
        s3::lifecycle::Day::default(),
    );
    let front = Front::new(Parties {
        services: Vec::new(),
        s3,
        credentials: Arc::new(Nobody),
        authorizer,
        note_use: Box::new(|_, _| {}),
        region,
        domain: domain.clone(),
        clock: wall.clone(),
        wall: wall.clone(),
        random,
    });
    let tls = Tls::new(None, domain, vec![Ipv4Addr::LOCALHOST.into()], wall);
    let listener = bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
    let address = listener.local_addr().expect("bound");
    let door = Door::new(Arc::new(front.with_waits(waits)), Arc::new(tls));
    tokio::spawn(door.clone().open(listener, Entrance::Api));
    (door, address)
}

/// What a client gets until it is left, which sends these bytes and then no more.
async fn left(waits: Waits, sent: &[u8]) -> String {
    let (_door, address) = open(waits);
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(sent).await.expect("sent");
    rest(&mut stream).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut got = Vec::new();
    let read = timeout(Duration::from_secs(60), stream.read_to_end(&mut got)).await;
    // A reset is an end like another.
    read.expect("the connection is closed").ok();
    String::from_utf8_lossy(&got).into_owned()
}

#[tokio::test]
async fn who_does_not_begin_is_left() {
    let waits = Waits { handshake: SHORT, ..PATIENT };
    assert_eq!(left(waits, b"").await, "");
    // A TLS handshake that stops after its first record's head, or in it.
    assert_eq!(left(waits, b"\x16").await, "");
    assert_eq!(left(waits, b"\x16\x03\x01\x02\x00\x01").await, "");
}

#[tokio::test]
async fn a_connection_without_requests_is_closed() {
    let waits = Waits { idle: SHORT, close: SHORT, ..PATIENT };
    let answer = left(waits, HEALTH).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // A head that does not end is no request. HTTP/2's clients are told before they are left.
    assert_eq!(left(waits, b"GET / HTTP/1.1\r\nHost: x\r\n").await, "");
    let goaway = left(waits, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    assert!(!goaway.is_empty());
}

#[tokio::test]
async fn a_head_that_drips_is_bounded_in_time() {
    let (_door, address) = open(Waits { idle: SHORT, close: SHORT, ..PATIENT });
    let (mut read, mut write) = TcpStream::connect(address).await.expect("it listens").into_split();
    let drip = async {
        // More often than any wait of the listener's, until it is left.
        while write.write_all(b"GET /").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    let mut got = Vec::new();
    tokio::select! {
        () = drip => {}
        _ = read.read_to_end(&mut got) => {}
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("it is still open"),
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_refused_by_name() {
    let waits = Waits { body: SHORT, ..PATIENT };
    let head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    for body in ["Content-Length: 9\r\n\r\nAction", "Transfer-Encoding: chunked\r\n\r\n6\r\nAction"]
    {
        let answer = left(waits, format!("{head}{body}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("<Code>RequestTimeout</Code>"), "{answer}");
    }
}

#[tokio::test]
async fn a_slow_client_is_served() {
    // Each wait is short, and all bytes together take longer than any.
    let (_door, address) =
        open(Waits { handshake: SHORT * 20, idle: SHORT * 40, body: SHORT * 40, ..PATIENT });
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    for byte in HEALTH.chunks(1) {
        stream.write_all(byte).await.expect("it is open");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.expect("answered");
    assert_eq!(&status, b"HTTP/1.1 200");
}

#[tokio::test]
async fn who_does_not_read_is_left() {
    let (door, address) = open(Waits { idle: SHORT, close: SHORT, stop: SHORT, ..PATIENT });
    assert_eq!(door.connections(), 0);
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    // Until every buffer between it and us is full of answers that nobody takes.
    let asked = async {
        while stream.write_all(&HEALTH.repeat(100)).await.is_ok() {}
        while door.connections() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), asked).await.expect("the connection is closed");
}

#[test]
fn a_client_moves_by_asking_and_by_taking() {
    let activity = Arc::new(Activity::default());
    assert_eq!((activity.moves(), activity.is_idle()), (Some(0), true));
    let begun = activity.begin();
    assert_eq!((activity.moves(), activity.is_idle()), (None, false), "it is our turn");
    let mut sending = begun.answered(bytes::Bytes::from("x").into());
    let before = activity.moves();
    assert_eq!((before.is_some(), activity.is_idle()), (true, false));
    assert_eq!(activity.moves(), before, "nothing was taken");
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(Pin::new(&mut sending).poll_frame(&mut context).is_ready());
    assert_ne!(activity.moves(), before);
    drop(sending);
    assert!(activity.is_idle() && activity.moves() > before);
    // A client that goes away before it is answered.
    drop(activity.begin());
    assert!(activity.is_idle() && activity.moves().is_some());
}
