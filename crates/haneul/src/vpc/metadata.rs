//! The metadata service's listener in one VPC. Who asks is known by the address: the network
//! lets nobody use another's.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ec2::Ec2;
use ec2::metadata::{Answer, Facts, Question};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use state::Scope;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub(super) struct Vpc {
    pub(super) scope: Scope,
    pub(super) id: String,
    /// The certificate that guests trust AWS's names by.
    pub(super) ca_pem: String,
}

/// Connections of one VPC at once; further ones wait.
const CONNECTIONS_MAX: usize = 256;
/// For a request's head to arrive, and between requests.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// Beside AWS's own paths. Whoever may read their instance's id may read it.
const CA_PATH: &str = "/latest/meta-data/haneul/ca-certificate";
const INSTANCE_ID_PATH: &str = "/latest/meta-data/instance-id";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";

/// Serves until the future is dropped.
pub(super) async fn serve(listener: TcpListener, ec2: Ec2, vpc: Vpc) {
    let (vpc, permits) = (Arc::new(vpc), Arc::new(Semaphore::new(CONNECTIONS_MAX)));
    let mut connections = JoinSet::new();
    loop {
        let permit = permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, from)) => {
                let (ec2, vpc) = (ec2.clone(), vpc.clone());
                connections.spawn(async move {
                    let IpAddr::V4(from) = from.ip() else { return };
                    if let Err(error) = connection(stream, from, ec2, vpc).await {
                        tracing::debug!(%from, %error, "a metadata connection broke");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a metadata connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    from: Ipv4Addr,
    ec2: Ec2,
    vpc: Arc<Vpc>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    if let Some(facts) = ec2.metadata_facts(&vpc.scope, &vpc.id, from).await? {
        limit_hops(&stream, &facts)?;
    }
    let service = service_fn(|request| {
        let (ec2, vpc) = (ec2.clone(), vpc.clone());
        async move { Ok::<_, Infallible>(answer(&ec2, &vpc, from, &request).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX).max_buf_size(16 * 1024);
    builder.serve_connection(TokioIo::new(stream), service).await?;
    Ok(())
}

/// A token that was fetched for somebody behind the instance dies on its way to them.
fn limit_hops(stream: &TcpStream, facts: &Facts) -> io::Result<()> {
    stream.set_ttl(facts.options.hop_limit.into())
}

async fn answer(
    ec2: &Ec2,
    vpc: &Vpc,
    from: Ipv4Addr,
    request: &Request<Incoming>,
) -> Response<Full<Bytes>> {
    let text = |name: &str| header(request.headers(), name);
    let wants_ca = request.uri().path() == CA_PATH;
    let question = Question {
        method: request.method().as_str(),
        path: if wants_ca { INSTANCE_ID_PATH } else { request.uri().path() },
        token: text("x-aws-ec2-metadata-token"),
        ttl_seconds: text(TTL),
        is_forwarded: request.headers().contains_key("x-forwarded-for"),
    };
    let answered = async {
        let Some(facts) = ec2.metadata_facts(&vpc.scope, &vpc.id, from).await? else {
            return Ok(Answer::Refused(404));
        };
        match ec2.answer_metadata(&facts, question).await? {
            Answer::Credentials => {
                let bytes = ec2.role_credentials(&facts).await?.into_bytes();
                Ok(Answer::Body { bytes, ttl_seconds: None })
            }
            Answer::Body { .. } if wants_ca => {
                Ok(Answer::Body { bytes: vpc.ca_pem.clone().into_bytes(), ttl_seconds: None })
            }
            answer => Ok::<_, aws::Error>(answer),
        }
    };
    match answered.await {
        Ok(answer) => response(answer),
        Err(error) => {
            tracing::warn!(%from, %error, "the metadata of an instance cannot be given");
            response(Answer::Refused(if error.status < 500 { 404 } else { 500 }))
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let base = Response::builder().header("server", "EC2ws");
    let built = match answer {
        Answer::Body { bytes, ttl_seconds } => {
            let base = base.header("content-type", "text/plain");
            let base = match ttl_seconds {
                Some(seconds) => base.header(TTL, seconds),
                None => base,
            };
            base.body(Full::new(bytes.into()))
        }
        Answer::Refused(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let title =
                format!("{} - {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
            let page = format!(
                "<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
            );
            base.status(status).header("content-type", "text/html").body(Full::new(page.into()))
        }
        // Answered above.
        Answer::Credentials => base.status(404).body(Full::default()),
    };
    built.expect("fixed names and numbers make a head")
}
