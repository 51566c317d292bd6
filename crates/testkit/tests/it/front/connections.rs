use std::sync::Arc;
use std::time::Duration;

use http::Request;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use testkit::Cloud;
use testkit::client::{send, send_h2_on, send_on};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const HEALTH: &str = "/_haneul/health";

fn health(cloud: &Cloud) -> Request<bytes::Bytes> {
    let uri = format!("http://{}{HEALTH}", cloud.address());
    Request::get(uri).body(bytes::Bytes::new()).expect("a request")
}

async fn connect(cloud: &Cloud) -> TcpStream {
    TcpStream::connect(cloud.address()).await.expect("it listens")
}

/// What the server sends until it closes the connection.
async fn raw(cloud: &Cloud, sent: &[u8]) -> String {
    let mut stream = connect(cloud).await;
    stream.write_all(sent).await.expect("sent");
    let mut answer = Vec::new();
    // A reset is a close like another.
    let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    read.expect("the connection is closed").ok();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn tls(cloud: &Cloud, name: &str, alpn: &[u8]) -> tokio_rustls::client::TlsStream<TcpStream> {
    let pem = cloud.running().region().ca_pem().await.expect("made");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM")).expect("a CA");
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .expect("supported")
    .with_root_certificates(roots)
    .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, connect(cloud).await).await.expect("trusted")
}

#[tokio::test]
async fn plain_and_tls_and_both_http_versions_share_the_port() {
    let cloud = Cloud::start().await;
    let check = |answer: testkit::Answer| {
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains(r#""region":"ap-northeast-2""#), "{}", answer.body);
    };
    check(send(cloud.address(), health(&cloud)).await);
    check(send_h2_on(connect(&cloud).await, health(&cloud)).await);
    for name in ["localhost", "127.0.0.1", "x.localhost", "sts.us-east-1.amazonaws.com"] {
        check(send_on(tls(&cloud, name, b"http/1.1").await, health(&cloud)).await);
        check(send_h2_on(tls(&cloud, name, b"h2").await, health(&cloud)).await);
    }
    cloud.stop().await;
}

#[tokio::test]
async fn both_loopback_addresses_answer() {
    let cloud = Cloud::start().await;
    for address in cloud.running().addresses() {
        assert_eq!(send(*address, health(&cloud)).await.status, 200, "{address}");
    }
}

#[tokio::test]
async fn heads_that_hide_a_second_request_get_one_answer_or_none() {
    let cloud = Cloud::start().await;
    let check = |name: &'static str, sent: String| {
        let cloud = &cloud;
        async move {
            let answer = raw(cloud, sent.as_bytes()).await;
            let answers = answer.matches("HTTP/1.1 ").count();
            let found = answer.matches("HTTP/1.1 200").count();
            assert!(answers <= 1 && found == 0, "{name}: {answer}");
        }
    };
    let host = "Host: x\r\nConnection: close\r\n";
    let inner = format!("GET {HEALTH} HTTP/1.1\r\n{host}\r\n");
    let two_lengths = format!(
        "POST / HTTP/1.1\r\n{host}Content-Length: 0\r\nContent-Length: {}\r\n\r\n{inner}",
        inner.len()
    );
    check("two lengths", two_lengths).await;
    check("a signed length", format!("POST / HTTP/1.1\r\n{host}Content-Length: +3\r\n\r\n{inner}"))
        .await;
    check(
        "a list of lengths",
        format!("POST / HTTP/1.1\r\n{host}Content-Length: 0, 5\r\n\r\n{inner}"),
    )
    .await;
    check(
        "an unknown coding",
        format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n{inner}"),
    )
    .await;
    check(
        "a space before the colon",
        format!("POST / HTTP/1.1\r\n{host}Content-Length : 0\r\n\r\n{inner}"),
    )
    .await;
    check(
        "a folded header",
        format!("POST / HTTP/1.1\r\n{host}X: a\r\n b\r\nContent-Length: 0\r\n\r\n{inner}"),
    )
    .await;
    check("no HTTP at all", "\0\0\0\0\r\n\r\n".into()).await;
    check("a chunk length that overflows", format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n{inner}")).await;
}

#[tokio::test]
async fn a_head_without_end_is_bounded_in_bytes_and_in_headers() {
    let cloud = Cloud::start().await;
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(70 * 1024));
    let many: String = (0..150).map(|n| format!("X-{n}: 1\r\n")).collect();
    let many = format!("GET {HEALTH} HTTP/1.1\r\nHost: x\r\n{many}\r\n");
    for sent in [long, many] {
        let answer = raw(&cloud, sent.as_bytes()).await;
        let refused = ["HTTP/1.1 431", "HTTP/1.1 414"].iter().any(|head| answer.starts_with(head));
        assert!(refused, "{answer}");
    }
}

#[tokio::test]
async fn clients_that_stop_halfway_hold_nobody_up() {
    let cloud = Cloud::start().await;
    let mut halves = Vec::new();
    for begun in [
        &b""[..],
        b"\x16\x03",
        b"PRI * HTTP/2",
        b"GET / HT",
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
    ] {
        for _ in 0..20 {
            let mut stream = connect(&cloud).await;
            stream.write_all(begun).await.expect("sent");
            halves.push(stream);
        }
    }
    let answer = timeout(Duration::from_secs(5), send(cloud.address(), health(&cloud))).await;
    assert_eq!(answer.expect("others are served").status, 200);
    // They do not keep the region from ending either: those without a request are closed at once.
    halves.truncate(80);
    timeout(Duration::from_secs(10), cloud.stop()).await.expect("it stops");
}

#[tokio::test]
async fn a_region_that_stops_finishes_what_it_began_and_frees_its_port() {
    let cloud = Cloud::start().await;
    let address = cloud.address();
    let idle = connect(&cloud).await;
    let mut begun = connect(&cloud).await;
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\nExpect: 100-continue\r\n\r\n";
    begun.write_all(head.as_bytes()).await.expect("sent");
    // Asked to go on: the request is under way.
    let mut told = [0; 25];
    begun.read_exact(&mut told).await.expect("told");
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    let stopping = tokio::spawn(cloud.stop());
    // Refused from now on, which shows that it is stopping.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    begun.write_all(b"Action=X").await.expect("sent");
    let mut answer = String::new();
    begun.read_to_string(&mut answer).await.expect("answered and closed");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    let stopped = timeout(Duration::from_secs(10), stopping).await;
    stopped.expect("idle connections do not hold it").expect("stopped");
    drop(idle);
    tokio::net::TcpListener::bind(address).await.expect("free");
}
