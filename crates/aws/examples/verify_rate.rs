//! What verifying a signature costs, in CPU nanoseconds of this thread:
//!
//! ```text
//! cargo run --release -p aws --example verify_rate
//! ```

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws::sigv4::{
    Body, ChunkDecoder, Endpoint, Payload, Presented, Request, Signer, SigningKey, verify,
};
use aws::{Region, Timestamp};
use bytes::Bytes;
use http::request::Parts;

const ROUNDS: u32 = 100_000;
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const CHUNK: usize = 64 * 1024;

fn main() {
    let region: Region = "ap-northeast-2".parse().expect("a region's name");
    let now = Timestamp::from_secs(1_795_344_053);
    let signer = |service| Signer {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: SECRET,
        session_token: None,
        region: &region,
        service,
    };
    let (sts, s3) = (signer("sts"), signer("s3"));
    let body = b"Action=GetCallerIdentity&Version=2011-06-15";

    let mut parts = request("POST", "http://127.0.0.1:4566/");
    sts.sign(&mut parts, Payload::Whole(body), now).expect("signed");
    let check = |parts: &Parts, service: &str, key: &SigningKey, body: Body<'_>| {
        let request = Request::from(parts);
        let endpoint = Endpoint { service, region: &region, now };
        let presented = Presented::parse(&request, &endpoint).expect("well-formed");
        verify(&presented, &request, key, body).expect("right");
    };
    let key = sts.key(now);
    time("GetCallerIdentity, cached key", ROUNDS, || {
        check(&parts, "sts", &key, Body::Whole(body));
    });
    time("GetCallerIdentity, key derived", ROUNDS, || {
        check(&parts, "sts", &sts.key(now), Body::Whole(body));
    });

    let mut parts = request("GET", "http://127.0.0.1:4566/bucket/a%20folder/key.txt");
    s3.presign(&mut parts, Duration::from_secs(60), now).expect("signed");
    let key = s3.key(now);
    time("presigned GetObject, cached key", ROUNDS, || check(&parts, "s3", &key, Body::Later));

    let mut parts = request("PUT", "http://127.0.0.1:4566/bucket/key");
    let length = CHUNK.to_string().parse().expect("a header value");
    parts.headers.insert("x-amz-decoded-content-length", length);
    let seed = s3.sign(&mut parts, Payload::Streaming, now).expect("signed");
    let mut chunks = aws::sigv4::ChunkSigner::signed(&key, now, &s3.scope(now), &seed);
    let mut body = Vec::new();
    chunks.push_chunk(&mut body, &vec![7; CHUNK]);
    chunks.finish(&mut body, &[]);
    let body = Bytes::from(body);
    let request = Request::from(&parts);
    let endpoint = Endpoint { service: "s3", region: &region, now };
    let presented = Presented::parse(&request, &endpoint).expect("well-formed");
    time("one signed chunk of 64 KiB", ROUNDS / 50, || {
        let decoder = ChunkDecoder::new(&presented, &key, &parts.headers);
        let (mut decoder, mut input) = (decoder.expect("announced"), body.clone());
        while let Some(payload) = decoder.decode(&mut input).expect("right") {
            black_box(payload);
        }
        decoder.finish().expect("whole");
    });
}

/// With the headers that SDKs send.
fn request(method: &str, uri: &str) -> Parts {
    let request = http::Request::builder()
        .method(method)
        .uri(uri)
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .header("user-agent", "Boto3/1.43.11 md/Botocore#1.43.11")
        .header("amz-sdk-invocation-id", "5e1b6f3f-2f0e-4c39-9c9f-3a1f6b9d9e5f")
        .header("amz-sdk-request", "attempt=1")
        .header("accept-encoding", "identity");
    request.body(()).expect("a request").into_parts().0
}

fn time(what: &str, rounds: u32, mut work: impl FnMut()) {
    work();
    let (wall, cpu) = (Instant::now(), cpu_ns());
    for _ in 0..rounds {
        work();
    }
    let wall = wall.elapsed().as_nanos() / u128::from(rounds);
    let cpu = cpu_ns().zip(cpu).map(|(end, start)| (end - start) / u64::from(rounds));
    let cpu = cpu.map_or("?".to_owned(), |ns| ns.to_string());
    println!("{what:<34} {cpu:>8} ns CPU {wall:>8} ns wall");
}

/// What Linux counts for this thread.
fn cpu_ns() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
